// The memory plan as a picture: time across, bytes up.
import Zoo

/// An SVG of the plan of `graph`.
///
/// Each buffer is a box from the step that makes it to the last that reads it, at its place in the arena, with the name of the
/// value it holds first. The dashed line is the lower bound: the most bytes alive at one step.
package func drawPlan(_ graph: Graph, _ plan: MemoryPlan, title: String) -> String {
  let buffers = plan.placement.buffers
  let steps = graph.nodes.count
  let (left, top, width, height) = (92.0, 56.0, max(900.0, Double(steps) * 16), 520.0)
  let columns = Double(steps + 2)
  func x(_ step: Int) -> Double { left + Double(step + 1) / columns * width }
  func y(_ byte: Int) -> Double {
    top + height * (1 - Double(byte) / Double(max(plan.byteCount, 1)))
  }
  func number(_ value: Double) -> String {
    let scaled = Int((value * 100).rounded())
    return "\(scaled / 100).\(scaled % 100 < 10 ? "0" : "")\(scaled % 100)"
  }
  var names = [String](repeating: "", count: buffers.count)
  for (id, place) in plan.placement.places.sorted(by: { $0.key.index < $1.key.index })
  where names[place.buffer].isEmpty {
    names[place.buffer] = graph[id].name
  }
  var svg: [String] = []
  let total = (left + width + 24, top + height + 64)
  svg.append(
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(number(total.0)) \(number(total.1))\" width=\"\(number(total.0))\" height=\"\(number(total.1))\" font-family=\"system-ui, 'DejaVu Sans', sans-serif\">"
  )
  svg.append("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>")
  svg.append(
    "<text x=\"\(left)\" y=\"24\" font-size=\"16\" font-weight=\"600\" fill=\"#1f2933\">\(escapeMarkup(title))</text>"
  )
  let ratio = Double(plan.byteCount) / Double(max(plan.lowerBound, 1))
  svg.append(
    "<text x=\"\(left)\" y=\"42\" font-size=\"12\" fill=\"#52606d\">arena \(plan.byteCount) bytes, lower bound \(plan.lowerBound) bytes (ratio \(number(ratio))), \(buffers.count) buffers, \(steps) steps</text>"
  )
  for tick in 0...5 {
    let byte = plan.byteCount * tick / 5
    svg.append(
      "<line x1=\"\(left)\" x2=\"\(number(left + width))\" y1=\"\(number(y(byte)))\" y2=\"\(number(y(byte)))\" stroke=\"#e4e7eb\"/>"
        + "<text x=\"\(left - 8)\" y=\"\(number(y(byte) + 4))\" font-size=\"11\" text-anchor=\"end\" fill=\"#7b8794\">\(size(byte))</text>"
    )
  }
  let palette = [
    "#3e7cb1", "#81a4cd", "#dbe4ee", "#f17300", "#f6ae2d", "#55a630", "#80b918", "#9d4edd",
    "#c77dff", "#e07a5f",
  ]
  for (index, buffer) in buffers.enumerated() {
    let (x0, x1) = (x(buffer.first), x(buffer.last + 1))
    let (y0, y1) = (
      y(plan.packing.offsets[index] + buffer.byteCount), y(plan.packing.offsets[index])
    )
    svg.append(
      "<g><title>\(escapeMarkup(names[index])): \(buffer.byteCount) bytes at \(plan.packing.offsets[index]), steps \(buffer.first) to \(buffer.last)</title>"
        + "<rect x=\"\(number(x0))\" y=\"\(number(y0))\" width=\"\(number(max(x1 - x0 - 1, 1)))\" height=\"\(number(max(y1 - y0 - 1, 0.5)))\" rx=\"2\" fill=\"\(palette[index % palette.count])\" fill-opacity=\"0.85\"/>"
    )
    let fits = Int((x1 - x0 - 10) / 6.2)
    if y1 - y0 > 15 && fits >= 4 {
      let name = names[index].count <= fits ? names[index] : "…" + names[index].suffix(fits - 1)
      let dark = ["#dbe4ee", "#f6ae2d", "#81a4cd", "#80b918", "#c77dff"].contains(
        palette[index % palette.count])
      svg.append(
        "<text x=\"\(number(x0 + 5))\" y=\"\(number((y0 + y1) / 2 + 4))\" font-size=\"11\" fill=\"\(dark ? "#1f2933" : "#ffffff")\">\(escapeMarkup(name))</text>"
      )
    }
    svg.append("</g>")
  }
  let bound = y(plan.lowerBound)
  svg.append(
    "<line x1=\"\(left)\" x2=\"\(number(left + width))\" y1=\"\(number(bound))\" y2=\"\(number(bound))\" stroke=\"#ab091e\" stroke-dasharray=\"6 4\"/>"
      + "<text x=\"\(number(left + width))\" y=\"\(number(bound - 5))\" font-size=\"11\" text-anchor=\"end\" fill=\"#ab091e\">lower bound</text>"
  )
  let every = max(1, (steps + 19) / 20)
  for step in stride(from: 0, to: steps, by: every) {
    svg.append(
      "<text x=\"\(number((x(step) + x(step + 1)) / 2))\" y=\"\(number(top + height + 18))\" font-size=\"11\" text-anchor=\"middle\" fill=\"#7b8794\">\(step)</text>"
    )
  }
  svg.append(
    "<text x=\"\(number(left + width / 2))\" y=\"\(number(top + height + 42))\" font-size=\"12\" text-anchor=\"middle\" fill=\"#52606d\">step (operators in the order they run)</text>"
  )
  svg.append("</svg>\n")
  return svg.joined(separator: "\n")
}

private func size(_ byteCount: Int) -> String {
  byteCount < 10_240
    ? "\(byteCount) B"
    : byteCount < 10 << 20 ? "\(byteCount >> 10) KB" : "\(byteCount >> 20) MB"
}
