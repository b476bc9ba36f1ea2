internal import CKernels

/// Combines accumulators pairwise in the order in which they come, as a binary counter does: the error of a sum grows
/// with the logarithm of their number, and the order depends on nothing else.
///
/// An accumulator is `width` elements wide; for moments the means come first and the squared deviations `width` after.
/// The memory is the cascade's own, released with it.
final class Cascade {
  private let kind: ReductionKind
  private let instructionSet: InstructionSet
  private let kernel: ck_kernel?
  private let width: Int
  private let size: Int
  private let accumulatorType: ElementType
  private let byteCount: Int
  /// What is filled before `push`.
  private(set) var incoming: UnsafeMutableRawPointer
  private var levels: [(memory: UnsafeMutableRawPointer, count: Int)] = []
  private var occupied: UInt64 = 0

  init(
    kind: ReductionKind, sourceType: ElementType, accumulatorType: ElementType, width: Int,
    instructionSet: InstructionSet
  ) {
    self.kind = kind
    self.instructionSet = instructionSet
    self.width = width
    self.accumulatorType = accumulatorType
    size = accumulatorType.byteCount
    byteCount = width * size * (kind == .moments ? 2 : 1)
    kernel = ck_combine(instructionSet.rawValue, Int32(kind.rawValue), Int32(sourceType.rawValue))
    incoming = .allocate(byteCount: byteCount, alignment: 64)
  }

  deinit {
    incoming.deallocate()
    for level in levels { level.memory.deallocate() }
  }

  /// right = left (+) right, of the first `used` elements.
  private func combine(
    _ left: UnsafeMutableRawPointer, _ leftCount: Int, _ right: UnsafeMutableRawPointer, _ rightCount: Int, _ used: Int
  ) {
    if let kernel {
      _ = kernel(right, left, right, right, used)
    } else {
      let offset = width * size
      let (mean, squares) = (
        right.assumingMemoryBound(to: Double.self), (right + offset).assumingMemoryBound(to: Double.self)
      )
      ck_moments_merge(
        instructionSet.rawValue, mean, squares, left.assumingMemoryBound(to: Double.self),
        (left + offset).assumingMemoryBound(to: Double.self),
        Double(leftCount), mean, squares, Double(rightCount), used)
    }
  }

  /// Takes the accumulator in `incoming`, of `count` elements of the source each; its first `used` elements count.
  func push(count: Int, used: Int) {
    var count = count
    var level = 0
    while occupied & (1 << level) != 0 {
      combine(levels[level].memory, levels[level].count, incoming, count, used)
      count += levels[level].count
      occupied &= ~(1 << level)
      level += 1
    }
    if level == levels.count {
      levels.append((.allocate(byteCount: byteCount, alignment: 64), 0))
    }
    let empty = levels[level].memory
    levels[level] = (incoming, count)
    incoming = empty
    occupied |= 1 << level
  }

  /// Combines all that came, writes it out and is empty again.
  func drain(used: Int, values: UnsafeMutableRawPointer, deviations: UnsafeMutableRawPointer?) {
    var level = occupied.trailingZeroBitCount
    let result = levels[level].memory
    var count = levels[level].count
    occupied &= ~(1 << level)
    while occupied != 0 {
      level = occupied.trailingZeroBitCount
      combine(levels[level].memory, levels[level].count, result, count, used)
      count += levels[level].count
      occupied &= ~(1 << level)
    }
    quiet(result, used)
    values.copyMemory(from: result, byteCount: used * size)
    if let deviations {
      quiet(result + width * size, used)
      deviations.copyMemory(from: result + width * size, byteCount: used * size)
    }
  }

  private func quiet(_ address: UnsafeMutableRawPointer, _ used: Int) {
    switch accumulatorType {
    case .float64: ck_quiet_f64(address.assumingMemoryBound(to: Double.self), used)
    case .complex128: ck_quiet_f64(address.assumingMemoryBound(to: Double.self), 2 * used)
    case .float32: ck_quiet_f32(address.assumingMemoryBound(to: Float.self), used)
    default: break
    }
  }
}
