// Shares of the scratch memory for pieces of work that are more than there are shares.
#if arch(x86_64)
import CZooKernels

/// One word for each share: what its memory holds, 0 for nothing, or that a piece works in it.
///
/// As many pieces run at a time as there are threads, so that one of as many shares is free at once; with fewer shares, pieces wait.
struct ScratchSlots {
  let words: UnsafeMutablePointer<UInt32>
  let count: Int

  /// Takes a share, if possible one that holds `content`. Returns its number and what it holds.
  func take(preferring content: UInt32) -> (slot: Int, content: UInt32) {
    while true {
      for slot in 0..<count where zoo_slot_content(words + slot) == content {
        let found = zoo_slot_take(words + slot)
        if found != ZOO_SLOT_TAKEN { return (slot, found) }
      }
      for slot in 0..<count {
        let found = zoo_slot_take(words + slot)
        if found != ZOO_SLOT_TAKEN { return (slot, found) }
      }
    }
  }

  func giveBack(_ slot: Int, content: UInt32) { zoo_slot_give_back(words + slot, content) }
}
#endif
