import Muster

/// A task graph of Task Bench (Slaughter et al., "Task Bench: A Parameterized Benchmark for Evaluating Parallel Runtime
/// Performance", SC20): steps of up to `width` tasks each, which take the outputs of tasks of the step before. The
/// patterns are those of the paper, with its radix of 5 for `nearest` and `spread`; `spread` has the longest period that
/// Task Bench allows for the width, at most its 3. Benchmarks/peers/task_bench.h says the same in C.
struct TaskBench: Sendable {
  enum Pattern: String {
    case trivial
    case stencil = "stencil_1d"
    case fft
    case tree
    case nearest
    case spread
  }

  /// What a task yields: where it is in the graph, and a digest of its own numbers and those of its inputs.
  struct Output: BitwiseCopyable {
    var step: Int32
    var point: Int32
    var value: UInt64
  }

  var pattern: Pattern
  var width: Int
  var steps: Int
  /// How long a task is.
  var iterations: Int

  private static let radix = 5

  func width(at step: Int) -> Int {
    pattern == .tree && step < 62 ? min(width, 1 << step) : width
  }

  /// The tasks of the step before whose outputs a task takes, in the order in which it takes them.
  func inputs(of point: Int, at step: Int) -> [Int] {
    guard step > 0 else { return [] }
    switch pattern {
    case .trivial: return []
    case .stencil: return Array(max(0, point - 1)...min(width - 1, point + 1))
    case .nearest: return Array(max(0, point - Self.radix / 2)...min(width - 1, point + (Self.radix - 1) / 2))
    case .tree: return [point / 2]
    case .fft:
      let levels = Self.levels(of: width)
      let distance = 1 << ((step + levels - 1) % levels)
      return [point - distance, point, point + distance].filter { $0 >= 0 && $0 < width }
    case .spread:
      let shift = step % min(3, (width + Self.radix - 1) / Self.radix)
      return (0..<Self.radix).map { (point + $0 * width / Self.radix + ($0 > 0 ? shift : 0)) % width }
    }
  }

  /// The logarithm of the width, to base 2, rounded up.
  private static func levels(of width: Int) -> Int { (width - 1).bitWidth - (width - 1).leadingZeroBitCount }

  /// Runs one task.
  ///
  /// - Throws: `MusterError` where the inputs aren't those that the pattern says.
  func run(_ point: Int, at step: Int, taking outputs: [Output]) throws -> Output {
    let expected = inputs(of: point, at: step)
    guard
      outputs.count == expected.count,
      zip(outputs, expected).allSatisfy({ Int($0.step) == step - 1 && Int($0.point) == $1 })
    else { throw MusterError(.internal, "task \(point) of step \(step) got \(outputs), not those of \(expected)") }
    var digest = Self.kernel(point: point, iterations: iterations)
    Self.mix(UInt64(step), into: &digest)
    for output in outputs { Self.mix(output.value, into: &digest) }
    return Output(step: Int32(step), point: Int32(point), value: digest)
  }

  /// The compute-bound kernel: 128 floating-point operations an iteration, multiplications and additions in turn on
  /// eight registers of two numbers. Task Bench's squares a number and adds the number itself, which soon gives infinity;
  /// this one adds a constant, so that the numbers stay in -2 ... 2 and can be compared bit for bit.
  ///
  /// - Returns: a digest of the numbers.
  @inline(never)
  static func kernel(point: Int, iterations: Int) -> UInt64 {
    func start(_ number: Int) -> SIMD2<Double> {
      SIMD2(Double(2 * number + 1) / 20, Double(2 * number + 2) / 20) + Double(point) / 1000
    }
    var (a, b, c, d) = (start(0), start(1), start(2), start(3))
    var (e, f, g, h) = (start(4), start(5), start(6), start(7))
    let constant = SIMD2<Double>(repeating: -1.9)
    for _ in 0..<4 * iterations {
      (a, b, c, d) = (a * a + constant, b * b + constant, c * c + constant, d * d + constant)
      (e, f, g, h) = (e * e + constant, f * f + constant, g * g + constant, h * h + constant)
    }
    var digest: UInt64 = 0
    for pair in [a, b, c, d, e, f, g, h] {
      mix(pair.x.bitPattern, into: &digest)
      mix(pair.y.bitPattern, into: &digest)
    }
    return digest
  }

  static func mix(_ value: UInt64, into digest: inout UInt64) {
    digest = (digest ^ value) &* 0x9E37_79B9_7F4A_7C15
    digest ^= digest >> 32
  }
}
