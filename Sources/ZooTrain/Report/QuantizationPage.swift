// What quantising did to a network, as a page.
import CZoo
import Foundation
import Zoo
package import ZooCompiler

/// Layers with their ranges and signal to noise, sizes, agreement, and the pictures on which the networks differ.
package struct QuantizationPage {
  private let result: QuantizerResult
  private let set: CalibrationSet

  package init(_ result: QuantizerResult, _ set: CalibrationSet) {
    self.result = result
    self.set = set
  }

  /// - Parameters:
  ///   - bytes: sizes of the model files.
  ///   - command: how it was made.
  /// - Throws: `CompileError` if a picture cannot be drawn.
  package func html(
    model: String, bytes: (before: Int, after: Int), command: String, signature: String
  ) throws(CompileError) -> String {
    let m = result.measurement
    var page = Page(
      title: "\(model) in integers",
      subtitle: "Measured on \(grouped(m.inputs)) inputs of \(escapeMarkup(set.name))"
        + (result.isHeldOut ? ", none of which ranges were chosen from" : ""),
      style: FactList.style + Thumbnails.style + QuantizationPage.style)
    page.add(FactList.markup(facts(bytes)))
    page.section("Layers", note: notes(), layerTable())
    if !m.differing.isEmpty { try addDiffering(to: &page) }
    page.section("Made by", "<pre>\(escapeMarkup(command))</pre>")
    page.add("<footer>\(escapeMarkup(signature))</footer>")
    return page.html()
  }

  private func facts(_ bytes: (before: Int, after: Int)) -> [(String, String, String)] {
    let m = result.measurement
    let graph = result.integer
    var macs = (integer: 0, all: 0)
    for node in graph.nodes {
      let count = Cost(node, graph).macs
      macs.all += count
      if graph[node.output].quantization != nil { macs.integer += count }
    }
    var facts: [(String, String, String)] = []
    if let accuracy = m.accuracy {
      facts.append(("top-1", percent(accuracy.integer), "float \(percent(accuracy.float))"))
    }
    facts += [
      ("agreement", percent(m.agreement), "same answer as float"),
      ("output SQNR", m.sqnr.isFinite ? String(format: "%.1f dB", m.sqnr) : "exact", ""),
      (
        "size", String(format: "%.2f\u{D7}", Double(bytes.before) / Double(max(1, bytes.after))),
        "smaller: \(grouped(bytes.after)) bytes"
      ),
      (
        "in integers", percent(macs.all > 0 ? Double(macs.integer) / Double(macs.all) : 0),
        "of the MACs"
      ),
    ]
    return facts
  }

  private func notes() -> String {
    var parts = [
      "The range that the steps cover, how it was chosen, and how far the layer's output is from the float network's: each 6 dB is one bit."
    ]
    if result.isEqualized { parts.append("Channels between layers were equalised.") }
    if result.isBiasCorrected { parts.append("Biases make up for rounded weights.") }
    if !result.wideNodes.isEmpty {
      let names = result.wideNodes.map { escapeMarkup($0) }.joined(separator: ", ")
      parts.append("With activations of 16 bits (16x8) because 8 lost too much: \(names).")
    }
    if !result.floatNodes.isEmpty {
      let names = result.floatNodes.map { escapeMarkup($0) }.joined(separator: ", ")
      parts.append("In float because they hurt too much: \(names).")
    }
    return parts.joined(separator: " ")
  }

  private func layerTable() -> String {
    let graph = result.integer
    var choices: [String: RangeChoice] = [:]
    for (id, choice) in result.choices { choices[result.float[id].name] = choice }
    let rows = graph.nodes.map { node -> [String] in
      let value = graph[node.output]
      let name = short(value.name)
      guard let q = value.quantization else {
        return [name, operationName(node.operation), "float", "", "", "", macs(node)]
      }
      return [
        name, operationName(node.operation),
        String(format: "%.4g to %.4g", q.range(value.type).lower, q.range(value.type).upper),
        value.type == ZOO_I16 ? "16 bits" : choices[value.name]?.method.rawValue ?? "shared",
        noise(value.name),
        value.type == ZOO_I16
          ? "" : choices[value.name].map { String(format: "%.1f", $0.sqnr) } ?? "",
        macs(node),
      ]
    }
    return listTable(
      ["layer", "operator", "range", "chosen by", "SQNR, dB", "of the range alone", "MACs"], rows,
      numbers: [5, 6])
  }

  /// The end of a long name, which tells more than its beginning.
  private func short(_ name: String) -> String {
    let text = escapeMarkup(name)
    return name.count <= 30
      ? text : "<span title=\"\(text)\">\u{2026}\(escapeMarkup(String(name.suffix(28))))</span>"
  }

  private func macs(_ node: GraphNode) -> String {
    let count = Cost(node, result.integer).macs
    return count > 0 ? grouped(count) : ""
  }

  /// A bar as long as the layer is good, 60 dB wide.
  private func noise(_ name: String) -> String {
    guard let sqnr = result.layerNoise[name] else { return "" }
    guard sqnr.isFinite else { return "exact" }
    let width = min(100, max(0, sqnr / 60 * 100))
    let weak = sqnr < 20 ? " weak" : ""
    return String(
      format: "<span class=\"bar%@\"><i style=\"width: %.0f%%\"></i></span> %.1f", weak, width, sqnr
    )
  }

  private func addDiffering(to page: inout Page) throws(CompileError) {
    let graph = result.float
    guard let input = graph.inputs.first, graph[input].shape.rank == 4 else { return }
    let indices = Array(result.measurement.differing.prefix(Thumbnails.mostMistakes))
    var figures: [String] = []
    for index in indices {
      let range = index..<index + 1
      let float = try Answers(graph, set, range).rows[0]
      let integer = try Answers(result.integer, set, range).rows[0]
      figures.append(
        "<figure>\(try Thumbnails.image(try picture(index, graph[input].shape), alt: "input \(index)"))<figcaption>"
          + "<span class=\"soft\">float</span> \(answer(float))<br/><span class=\"soft\">int8</span> \(answer(integer))</figcaption></figure>"
      )
    }
    page.section(
      "Where they differ",
      note: "\(result.measurement.differing.count) of \(grouped(result.measurement.inputs)) inputs",
      "<div class=\"shots\">\(figures.joined(separator: "\n"))</div>")
  }

  private func answer(_ row: [Float]) -> String {
    var best = 0
    for index in row.indices where row[index] > row[best] { best = index }
    let labels = result.float.info.labels
    return escapeMarkup(best < labels.count ? labels[best] : "class \(best)")
  }

  /// An input as a picture: its least value black, its largest white.
  private func picture(_ index: Int, _ shape: Shape) throws(CompileError) -> Picture {
    var values = [Float](repeating: 0, count: shape.elementCount)
    var failure: CompileError?
    values.withUnsafeMutableBufferPointer { buffer in
      do throws(CompileError) {
        if let base = buffer.baseAddress { try set.write(index, base) }
      } catch { failure = error }
    }
    if let failure { throw failure }
    let (low, high) = (values.min() ?? 0, values.max() ?? 1)
    let channels = shape[3] == 3 ? 3 : 1
    var picture = Picture(width: shape[2], height: shape[1], channels: channels)
    let isBGR = result.float.info.preprocessing?.channelOrder == .bgr
    for pixel in 0..<shape[1] * shape[2] {
      for c in 0..<channels {
        let value = values[pixel * shape[3] + (isBGR && channels == 3 ? 2 - c : c)]
        picture.pixels[pixel * channels + c] = UInt8(255 * (value - low) / max(high - low, 1e-9))
      }
    }
    return picture.reduced(max(shape[1], shape[2]) / 96)
  }

  private static let style = """
    .bar {
      display: inline-block; width: 4.5rem; height: 0.55rem; margin-right: 0.4rem; background: var(--card);
      border-radius: 3px; overflow: hidden; -webkit-print-color-adjust: exact; print-color-adjust: exact;
    }
    .bar i { display: block; height: 100%; background: var(--one); }
    .bar.weak i { background: var(--two); }
    .list td { white-space: nowrap; }

    """
}
