// The instruction sets that tests can run here.
package import CZoo

/// Instruction sets of this machine; the others are named once, so that nobody takes them for tested.
package let availableISAs: [zoo_isa] = {
  let all = [
    ZOO_ISA_SCALAR, ZOO_ISA_AVX2, ZOO_ISA_AVX512, ZOO_ISA_AVX512VNNI,
    ZOO_ISA_AVX512BF16, ZOO_ISA_AMX, ZOO_ISA_NEON, ZOO_ISA_NEONDOT,
  ]
  for isa in all where zoo_isa_available(isa) == 0 {
    print("skipped: \(name(of: isa)) is not available on this CPU")
  }
  return all.filter { zoo_isa_available($0) != 0 }
}()

package func name(of isa: zoo_isa) -> String { String(cString: zoo_isa_name(isa)) }
