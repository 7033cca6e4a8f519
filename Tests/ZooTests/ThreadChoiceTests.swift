// When a session's runs use its threads.
import Testing
import Zoo

struct ThreadChoiceTests {
  /// Makes `count` runs that take so long on the session's threads and alone. Returns how many were alone.
  private func run(
    _ choice: inout ThreadChoice, _ count: Int, threads: UInt64, alone: UInt64
  ) -> Int {
    var aloneCount = 0
    for _ in 0..<count {
      let isAlone = choice.isAlone
      aloneCount += isAlone ? 1 : 0
      choice.count(choice.isTimed ? (isAlone ? alone : threads) : 0)
    }
    return aloneCount
  }

  @Test func threadsThatMakeRunsFasterAreKept() {
    var choice = ThreadChoice()
    let count = run(&choice, 100_000, threads: 60_000, alone: 100_000)
    #expect(count > 0 && count < 1_500, "\(count)")
    #expect(!choice.isAlone)
  }

  @Test func threadsThatMakeRunsSlowerAreLeft() {
    var choice = ThreadChoice()
    let count = run(&choice, 100_000, threads: 140_000, alone: 100_000)
    #expect(count < 100_000 && count > 98_500, "\(count)")
  }

  /// They need not gain much for it: what decides is not a coin.
  @Test func aFewPercentChangeNothing() {
    for alone: UInt64 in [57_000, 63_000] {
      var choice = ThreadChoice()
      #expect(run(&choice, 10_000, threads: 60_000, alone: alone) < 500)
    }
  }

  /// At once if the runs become longer; after some trials of the other way if that has become shorter.
  @Test func theAnswerFollowsTheMachine() {
    var choice = ThreadChoice()
    _ = run(&choice, 50_000, threads: 60_000, alone: 100_000)
    #expect(run(&choice, 1_000, threads: 200_000, alone: 100_000) > 800)
    _ = run(&choice, 50_000, threads: 200_000, alone: 100_000)
    _ = run(&choice, 2_000, threads: 60_000, alone: 100_000)
    #expect(run(&choice, 1_000, threads: 60_000, alone: 100_000) < 20)
  }

  @Test func longRunsAreNotTriedAlone() {
    var choice = ThreadChoice()
    #expect(run(&choice, 10_000, threads: 1_000_000, alone: 900_000) == 0)
    #expect(run(&choice, 200, threads: 900_000, alone: 400_000) > 0)
  }

  /// The first runs of threads that slept are longer: a trial of short runs goes on until they are awake.
  @Test func sleepersHaveTimeToWake() {
    var choice = ThreadChoice()
    _ = run(&choice, 50_000, threads: 20_000, alone: 10_000)
    var sinceAlone = 0
    for _ in 0..<20_000 {
      let isAlone = choice.isAlone
      sinceAlone = isAlone ? 0 : sinceAlone + 1
      choice.count(choice.isTimed ? (isAlone || sinceAlone < 20 ? 10_000 : 6_000) : 0)
    }
    #expect(!choice.isAlone)
  }
}
