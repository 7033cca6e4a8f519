// Whether the runs of a session use its threads.

/// Finds out by trying whether short runs end sooner on a session's threads or on the caller's alone.
///
/// Threads make a network of a few dozen microseconds faster only while they hear of each other's work within a fraction of one. That is a
/// matter of the moment: the host of a virtual machine puts two of its CPUs far apart or onto one core, another process takes one.
/// So each way is tried again now and then, seldom while the answer stays the same, at once when runs have become longer. Results have the
/// same bits either way.
package struct ThreadChoice {
  /// Runs of which the last `sample` are timed.
  private static let round = 64
  private static let sample = 8
  /// A trial lasts at least `sample` runs and so many nanoseconds: threads may have to be woken first.
  private static let trial: UInt64 = 500_000
  /// Runs of so many nanoseconds gain from threads wherever these are.
  private static let long: UInt64 = 1_000_000
  /// How many times as long as a trial its answer holds, at first and at most.
  private static let firstPatience = 4
  private static let mostPatience = 128

  /// Whether the next run is for the calling thread alone.
  package var isAlone: Bool { prefersAlone != isTrial }

  private var prefersAlone = false
  private var isTrial = false
  /// Runs of this round or trial, and what the trial took.
  private var runs = 0
  private var elapsed: UInt64 = 0
  /// The shortest run of this sample, and of the preferred way when it was last compared with the other.
  private var shortest = UInt64.max
  private var expected = UInt64.max
  private var patience = ThreadChoice.firstPatience
  /// Runs until the next trial.
  private var rest = 0

  package init() {}

  /// Whether the next run is to be timed.
  package var isTimed: Bool { isTrial || runs >= ThreadChoice.round - ThreadChoice.sample }

  /// To be called after each run with the nanoseconds that it took, if it was timed.
  package mutating func count(_ nanoseconds: UInt64) {
    runs += 1
    if !isTrial && runs <= ThreadChoice.round - ThreadChoice.sample { return }
    shortest = min(shortest, nanoseconds)
    elapsed += nanoseconds
    if isTrial {
      if runs >= ThreadChoice.sample && elapsed >= ThreadChoice.trial { decide() }
    } else if runs == ThreadChoice.round {
      finishRound()
    }
  }

  private mutating func finishRound() {
    rest -= runs
    let isLonger = shortest - shortest / 5 > expected
    let isShort = shortest < ThreadChoice.long || prefersAlone
    if isShort && (rest <= 0 || isLonger) {
      expected = shortest
      isTrial = true
    }
    begin()
  }

  /// A tenth has to be gained, since what is measured varies by more than a hundredth.
  private mutating func decide() {
    if shortest < expected - expected / 10 {
      prefersAlone.toggle()
      expected = shortest
      patience = ThreadChoice.firstPatience
    } else {
      patience = min(2 * patience, ThreadChoice.mostPatience)
    }
    rest = patience * runs
    isTrial = false
    begin()
  }

  private mutating func begin() {
    runs = 0
    elapsed = 0
    shortest = .max
  }
}
