// Ctrl-C and termination as a question that loops can ask.
import CZooPlatform
import Foundation

/// Notes SIGINT and SIGTERM instead of ending; a second one ends at once.
final class Interrupt {
  init() {
    Interrupt.count.pointee = 0
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if zoo_platform_atomic_add(Interrupt.count, 1) > 1 { _exit(128 + number) }
      }
    }
  }

  deinit { for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) } }

  var isRequested: Bool { zoo_platform_atomic_add(Interrupt.count, 0) > 0 }

  // Memory that a signal handler may touch; one word for the whole process, never freed.
  private nonisolated(unsafe) static let count: UnsafeMutablePointer<UInt32> = {
    let word = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    word.initialize(to: 0)
    return word
  }()
}
