// Small data sets that tests make themselves.
import Zoo
import ZooCompiler
import ZooTrain

/// Ten kinds of strokes on 28 x 28 pixels, moved and dimmed at random: as easy as digits are, and made in a moment.
func syntheticDigits(_ count: Int, seed: UInt64) throws -> Dataset {
  var random = RandomStream(seed: seed)
  var pixels = [UInt8](repeating: 0, count: count * 784)
  var labels: [Int32] = []
  for index in 0..<count {
    let label = index % 10
    labels.append(Int32(label))
    let (dx, dy) = (random.below(7) - 3, random.below(7) - 3)
    let ink = 150 + random.below(106)
    func dot(_ y: Int, _ x: Int) {
      let (row, column) = (y + dy, x + dx)
      guard (0..<28).contains(row), (0..<28).contains(column) else { return }
      pixels[index * 784 + row * 28 + column] = UInt8(ink)
    }
    for step in 0..<16 {
      for (row, column) in strokes(label, 6 + step) { dot(row, column) }
    }
    for _ in 0..<20 { pixels[index * 784 + random.below(784)] = UInt8(random.below(90)) }
  }
  return try Dataset(
    name: "synthetic", height: 28, width: 28, channels: 1, pixels: pixels, labels: labels,
    classNames: (0..<10).map(String.init))
}

/// Pixels of one step of a class's strokes: bars, diagonals, crosses, corners and boxes.
private func strokes(_ label: Int, _ at: Int) -> [(Int, Int)] {
  var pixels: [(Int, Int)] = []
  if [0, 4, 6].contains(label) { pixels += [(at, 13), (at, 14)] }
  if [1, 4, 7].contains(label) { pixels += [(13, at), (14, at)] }
  if [2, 5].contains(label) { pixels += [(at, at), (at, at + 1)] }
  if [3, 5].contains(label) { pixels += [(at, 27 - at), (at, 28 - at)] }
  if [6, 8].contains(label) { pixels += [(6, at), (7, at)] }
  if [7, 8].contains(label) { pixels += [(at, 6), (at, 7)] }
  if label == 8 { pixels += [(21, at)] }
  if label == 9 { pixels += [(6, at), (21, at), (at, 6), (at, 21)] }
  return pixels
}

/// Flat colours with noise, 8 x 8, four classes.
func syntheticColours(_ count: Int, seed: UInt64) throws -> Dataset {
  var random = RandomStream(seed: seed)
  let colours: [[Int]] = [[200, 60, 60], [60, 200, 60], [60, 60, 200], [180, 180, 60]]
  var pixels: [UInt8] = []
  var labels: [Int32] = []
  for index in 0..<count {
    labels.append(Int32(index % 4))
    for _ in 0..<64 {
      for channel in 0..<3 {
        pixels.append(UInt8(max(0, min(255, colours[index % 4][channel] + random.below(101) - 50))))
      }
    }
  }
  return try Dataset(
    name: "colours", height: 8, width: 8, channels: 3, pixels: pixels, labels: labels,
    classNames: ["red", "green", "blue", "yellow"])
}

/// A few layers of every kind that a training step can meet: batch norm, dropout, depthwise, a shortcut.
func smallNetwork(seed: UInt64 = 3) throws -> Graph {
  var b = NetworkBuilder(RandomWeights(seed: seed))
  let image = b.image(height: 8, width: 8, channels: 3)
  var x = try b.convolution("c1", image, channels: 8, kernel: 3, padding: .same, bias: false)
  x = try b.relu(try b.batchNorm("b1", x))
  var y = try b.depthwise("d", x, kernel: 3, padding: .same)
  y = try b.convolution("c2", try b.relu(y), channels: 8, kernel: 1, bias: false)
  x = try b.relu(try b.addition(try b.batchNorm("b2", y), x))
  x = try b.pool(.max, x, kernel: 2)
  x = try b.dropout(try b.flatten(x), 0.3)
  let output = try b.softmax(try b.dense("fc", x, 4))
  return withColours(try b.finish(output))
}

/// Two convolutions of 3 x 3 taps, of which "c2" has enough channels for Winograd's transforms.
func transformedNetwork() throws -> Graph {
  var b = NetworkBuilder(RandomWeights(seed: 4))
  let image = b.image(height: 8, width: 8, channels: 3)
  var x = try b.relu(try b.convolution("c1", image, channels: 32, kernel: 3, padding: .same))
  x = try b.relu(try b.convolution("c2", x, channels: 32, kernel: 3, padding: .same))
  x = try b.flatten(try b.pool(.max, x, kernel: 2))
  let output = try b.softmax(try b.dense("fc", x, 4))
  return withColours(try b.finish(output))
}

private func withColours(_ graph: Graph) -> Graph {
  var graph = graph
  var preprocessing = Preprocessing()
  preprocessing.mean = (128, 128, 128)
  preprocessing.scale = (1 / 64, 1 / 64, 1 / 64)
  graph.info.preprocessing = preprocessing
  return graph
}
