// How work is cut: every part of it belongs to one piece, whoever takes it.
import Testing
import Zoo

struct PieceTests {
  @Test(arguments: [1, 2, 3, 7, 16], [0, 1, 5, 16, 1000])
  func piecesAreAlikeAndCoverAll(_ count: Int, _ total: Int) {
    let pieces = (0..<count).map { piece($0, of: count, total) }
    #expect(pieces.flatMap { Array($0) } == Array(0..<total))
    let sizes = pieces.map(\.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
  }

  @Test(arguments: [1, 2, 3], [1, 2, 3, 8])
  func ownersGoThroughStepsWithTheirParts(_ owners: Int, _ partsEach: Int) {
    for steps in [1, 4] {
      let pieces = SteppedPieces(owners: owners, partsEach: partsEach, steps: steps)
      let places = (0..<pieces.count).map { pieces.place($0) }
      #expect(Set(places.map { $0.part * steps + $0.step }).count == owners * partsEach * steps)
      // Neighbouring pieces are those of one owner, step after step.
      for (index, place) in places.enumerated() {
        #expect(place.part / partsEach == index / (partsEach * steps))
        #expect(place.step == index / partsEach % steps)
      }
    }
  }

  @Test(arguments: [1, 2, 3], [1, 2, 3, 8])
  func partsCoverAllAndAnOwnersShrink(_ owners: Int, _ partsEach: Int) {
    let pieces = SteppedPieces(owners: owners, partsEach: partsEach, steps: 1)
    for total in [0, 1, 9, 24, 1000] {
      let parts = (0..<pieces.parts).map { pieces.part($0, total) }
      #expect(parts.flatMap { Array($0) } == Array(0..<total))
      for owner in 0..<owners where owners > 1 {
        let sizes = parts[owner * partsEach..<(owner + 1) * partsEach].map(\.count)
        #expect(zip(sizes, sizes.dropFirst()).allSatisfy { $0 + 1 >= $1 }, "\(sizes)")
        #expect(sizes.reduce(0, +) == piece(owner, of: owners, total).count)
      }
    }
  }
}
