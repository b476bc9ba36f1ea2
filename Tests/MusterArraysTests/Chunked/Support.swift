import Muster
import MusterSimulation
import Testing

/// Runs a test in a session of two threads that says nothing.
func inSession<R>(threads: Int = 2, _ body: (Session) async throws -> R) async throws -> R {
  try await Session.run(
    SessionConfiguration(backend: .threads, threads: threads, progress: SessionConfiguration.Progress.none), body)
}

/// A repeatable stream of numbers.
struct Stream {
  private var random: SplitMix64
  init(_ seed: Int) { random = SplitMix64(seed: UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1) }

  mutating func bits() -> UInt64 { random.next() }
  mutating func int(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(bits() % UInt64(range.count))
  }
  /// Uniform in -1 ..< 1.
  mutating func double() -> Double { Double(bits() >> 11) / Double(1 << 52) - 1 }

  mutating func array(_ shape: [Int]) -> NDArray<Double> {
    NDArray((0..<shape.reduce(1, *)).map { _ in double() }, shape: shape)
  }

  /// Sizes that add up to a length.
  mutating func cuts(_ length: Int) -> [Int] {
    guard length > 0 else { return [0] }
    var rest = length
    var sizes: [Int] = []
    while rest > 0 {
      let size = int(1...rest)
      sizes.append(size)
      rest -= size
    }
    return sizes
  }
  mutating func chunks(_ shape: [Int]) -> Chunks { .exact(shape.map { cuts($0) }) }
}

extension NDArray {
  subscript(at position: [Int]) -> Element {
    var index = 0
    for (axis, coordinate) in position.enumerated() { index = index * shape[axis] + coordinate }
    return withElements { $0[index] }
  }

  /// The array whose element at a position is a function of the position.
  init(_ shape: [Int], _ body: ([Int]) -> Element) {
    self.init(indices(of: shape).map(body), shape: shape)
  }
}

func expectEqual<E>(
  _ a: NDArray<E>, _ b: NDArray<E>, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(a.shape == b.shape, comment, sourceLocation: sourceLocation)
  #expect(a.elements == b.elements, comment, sourceLocation: sourceLocation)
}

func expectClose(
  _ a: NDArray<Double>, _ b: NDArray<Double>, within tolerance: Double = 1e-13, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(a.shape == b.shape, comment, sourceLocation: sourceLocation)
  guard a.shape == b.shape else { return }
  let difference = zip(a.elements, b.elements).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
  #expect(difference <= tolerance, comment, sourceLocation: sourceLocation)
}

/// The error that a closure throws, which has to be Muster's.
func musterError(_ body: () async throws -> Void) async -> MusterError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? MusterError
  }
}
