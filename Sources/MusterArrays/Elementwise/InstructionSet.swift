internal import CKernels

/// The instruction sets that kernels exist for. All of them give the same bits, but `plain` on x86-64, whose
/// elementary functions have no fused multiply-add and may differ in the last bit: it is for processors without one.
package enum InstructionSet: Int32, Sendable, CaseIterable {
  case plain, fma, avx2, avx512

  /// Whether this processor has it.
  package var isAvailable: Bool { ck_isa_available(rawValue) }

  /// The best one that this processor has.
  package static let best = InstructionSet(rawValue: ck_isa_best()) ?? .plain
}
