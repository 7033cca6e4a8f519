// Data sets that `train` and `evaluate` read, and where they are.
import Foundation

/// A data set on the web.
package struct DataSet: Sendable {
  package let name: String
  /// Files with their SHA-256. Archives are unpacked.
  package let files: [(address: String, checksum: String)]
}

/// MNIST: the mirror that torchvision uses. CIFAR-10: its maker's page. The checksums are those that TensorFlow Datasets lists
/// (url_checksums/mnist.txt, cifar10.txt).
package let knownDataSets = [
  DataSet(
    name: "mnist",
    files: [
      (
        "train-images-idx3-ubyte.gz",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
      ),
      (
        "train-labels-idx1-ubyte.gz",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
      ),
      (
        "t10k-images-idx3-ubyte.gz",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
      ),
      (
        "t10k-labels-idx1-ubyte.gz",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
      ),
    ].map { ("https://ossci-datasets.s3.amazonaws.com/mnist/" + $0.0, $0.1) }),
  DataSet(
    name: "cifar10",
    files: [
      (
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
      )
    ]),
]

/// Unpacks a verified .tar.gz into `folder`, without the outermost folder of the archive; all or nothing.
package func unpack(_ archive: String, to folder: String) throws(FetchError) {
  let files = FileManager.default
  let temporary = folder + ".\(UUID().uuidString).tmp"
  defer { try? files.removeItem(atPath: temporary) }
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [
    "tar", "-xzf", archive, "-C", temporary, "--strip-components=1", "--no-same-owner",
  ]
  let errors = Pipe()
  process.standardError = errors
  let text: String
  do {
    try files.createDirectory(atPath: temporary, withIntermediateDirectories: true)
    try process.run()
    try errors.fileHandleForWriting.close()
    text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
  } catch { throw FetchError("\(archive): cannot unpack: \(error.localizedDescription)") }
  guard process.terminationStatus == 0 else {
    throw FetchError("\(archive): cannot unpack: \(text.split(separator: "\n").first ?? "")")
  }
  try? files.removeItem(atPath: folder)
  guard rename(temporary, folder) == 0 else {
    throw FetchError("\(folder): cannot write: \(posixReason())")
  }
}
