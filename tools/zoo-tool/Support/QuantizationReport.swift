// What quantising did, layer by layer.
import CZoo
import Foundation
import Zoo
import ZooCompiler

struct QuantizationReport: Encodable {
  struct Layer: Encodable {
    let name: String
    let type: String
    let lower: Double?
    let upper: Double?
    let method: String?
    /// Of the layer's output against the float network, in decibels.
    let sqnr: Double?
    let macs: Int
  }

  let model: String
  let output: String
  let layers: [Layer]
  /// Share of multiply-accumulates in integers.
  let integerShare: Double
  let bytesBefore: Int
  let bytesAfter: Int
  let checkedInputs: Int
  let agreement: Double
  let top1Float: Double?
  let top1Integer: Double?
  let outputSqnr: Double?
  /// Layers that got activations of 16 bits because 8 lost too much.
  let wideLayers: [String]
  let floatLayers: [String]
  private let notes: [String]

  enum CodingKeys: String, CodingKey {
    case model, output, layers, agreement
    case integerShare = "integer_share"
    case bytesBefore = "bytes_before"
    case bytesAfter = "bytes_after"
    case checkedInputs = "checked_inputs"
    case top1Float = "top1_float"
    case top1Integer = "top1_int8"
    case outputSqnr = "output_sqnr"
    case wideLayers = "layers_16x8"
    case floatLayers = "float_layers"
  }

  init(
    _ result: QuantizerResult, model: String, output: String, bytesBefore: Int, bytesAfter: Int
  ) {
    self.model = model
    self.output = output
    let graph = result.integer
    var choices: [String: RangeChoice] = [:]
    for (id, choice) in result.choices { choices[result.float[id].name] = choice }
    layers = graph.nodes.map { node in
      let value = graph[node.output]
      let q = value.quantization
      return Layer(
        name: value.name, type: operationName(node.operation), lower: q?.range(value.type).lower,
        upper: q?.range(value.type).upper,
        method: q == nil
          ? nil : value.type == ZOO_I16 ? "16 bits" : choices[value.name]?.method.rawValue,
        sqnr: result.layerNoise[value.name].flatMap { $0.isFinite ? $0 : nil },
        macs: Cost(node, graph).macs)
    }
    let total = layers.reduce(0) { $0 + $1.macs }
    let integer = zip(graph.nodes, layers).filter { graph[$0.0.output].quantization != nil }
      .reduce(0) { $0 + $1.1.macs }
    integerShare = total > 0 ? Double(integer) / Double(total) : 0
    self.bytesBefore = bytesBefore
    self.bytesAfter = bytesAfter
    let m = result.measurement
    checkedInputs = m.inputs
    agreement = m.agreement
    top1Float = m.accuracy?.float
    top1Integer = m.accuracy?.integer
    outputSqnr = m.sqnr.isFinite ? m.sqnr : nil
    wideLayers = result.wideNodes
    floatLayers = result.floatNodes
    var notes: [String] = []
    if result.isEqualized { notes.append("channels equalised") }
    if result.isBiasCorrected { notes.append("biases corrected") }
    if !result.isHeldOut { notes.append("measured on the inputs that ranges were chosen from") }
    self.notes = notes
  }

  /// The same for a person.
  var text: String {
    func number(_ value: Double?) -> String { value.map { String(format: "%.4g", $0) } ?? "" }
    let rows = layers.map { layer in
      [
        String(layer.name.suffix(44)), layer.type, number(layer.lower), number(layer.upper),
        layer.method ?? (layer.lower == nil ? "float" : "shared"),
        layer.sqnr.map { String(format: "%.1f dB", $0) } ?? "", grouped(layer.macs),
      ]
    }
    let head = ["layer", "operator", "from", "to", "range by", "SQNR", "MACs"]
    var lines = [
      "", table([head] + rows, rightAligned: [2, 3, 5, 6]), "",
      "in integers    \(percent(integerShare)) of the MACs",
      "size           \(bytes(bytesBefore)) -> \(bytes(bytesAfter))",
      "agreement      \(percent(agreement)) of \(grouped(checkedInputs)) inputs",
    ]
    if let top1Float, let top1Integer {
      lines.append("top-1          \(percent(top1Float)) -> \(percent(top1Integer))")
    }
    if let outputSqnr { lines.append(String(format: "output SQNR    %.1f dB", outputSqnr)) }
    for layer in wideLayers { lines.append("in 16x8        \(layer)") }
    for layer in floatLayers { lines.append("in float       \(layer)") }
    for note in notes { lines.append("note           \(note)") }
    return lines.joined(separator: "\n")
  }
}
