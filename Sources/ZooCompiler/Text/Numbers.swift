// Numbers as people read them, on terminals and on pages.
import Foundation

/// "1,234,567".
package func grouped(_ number: Int) -> String {
  var digits = String(number.magnitude)
  var result = ""
  while digits.count > 3 {
    result = "," + digits.suffix(3) + result
    digits.removeLast(3)
  }
  return (number < 0 ? "-" : "") + digits + result
}

/// "97.53 %".
package func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }

/// "12 s", "3 min 5 s", "2 h 10 min".
package func duration(seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e9 else { return "-" }
  let whole = Int(max(0, seconds).rounded())
  return whole < 60
    ? "\(whole) s"
    : whole < 3600
      ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
}
