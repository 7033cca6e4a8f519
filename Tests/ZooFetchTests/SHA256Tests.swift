// SHA-256 against the examples of its standard, and the table of published weights.
import Foundation
import ModelZoo
import Testing
import ZooFetch

struct SHA256Tests {
  private func hash(_ pieces: [[UInt8]]) -> String {
    var hash = SHA256()
    for piece in pieces { piece.withUnsafeBytes { hash.update($0) } }
    return hash.finish()
  }

  /// Source: NIST, "Examples with intermediate values", SHA256.pdf; and the empty message of FIPS 180-4's test suite.
  @Test func examplesOfTheStandard() {
    let examples = [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ]
    for (text, expected) in examples { #expect(hash([Array(text.utf8)]) == expected) }
    let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    #expect(
      hash([million]) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func piecesOfAnySizeGiveTheSameHash() {
    let message = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 7) }
    for size in [1, 3, 55, 56, 63, 64, 65, 128, 299] {
      let pieces = stride(from: 0, to: 300, by: size).map {
        Array(message[$0..<min($0 + size, 300)])
      }
      #expect(hash(pieces) == hash([message]))
    }
  }

  @Test func publishedWeightsBelongToNetworksAndCarryChecksums() throws {
    for weights in publishedWeights {
      #expect(try architecture(weights.network).name == weights.network)
      #expect(weights.checksum.wholeMatch(of: /[0-9a-f]{8}/) != nil)
      #expect(weights.address.hasPrefix("https://"))
    }
  }
}
