internal import MusterRuntime

/// The dimensions that a program is run over, as few as possible: those of size 1 dropped, neighbours merged where
/// every input allows it.
struct IterationSpace {
  private(set) var shape: [Int] = []
  /// Whether a dimension is reduced. Only dimensions of one kind are merged.
  private(set) var isReduced: [Bool] = []
  /// For each input the steps in elements, 0 where it is broadcast.
  private(set) var strides: [[Int]]

  /// - Throws: `MusterError` with code `shapeMismatch` where an input doesn't broadcast to the shape.
  init(inputs: [[Int]], shape full: [Int], reducedAxes: [Int] = []) throws {
    let inputStrides = try inputs.map { try Self.strides(of: $0, broadcastTo: full) }
    strides = inputs.map { _ in [] }
    for axis in full.indices where full[axis] != 1 {
      let reduced = reducedAxes.contains(axis)
      if let last = shape.indices.last, isReduced[last] == reduced,
        inputs.indices.allSatisfy({ strides[$0][last] == inputStrides[$0][axis] * full[axis] })
      {
        shape[last] *= full[axis]
        for input in inputs.indices { strides[input][last] = inputStrides[input][axis] }
      } else {
        shape.append(full[axis])
        isReduced.append(reduced)
        for input in inputs.indices { strides[input].append(inputStrides[input][axis]) }
      }
    }
    if shape.isEmpty {
      shape = [1]
      isReduced = [!reducedAxes.isEmpty]
      strides = inputs.map { _ in [0] }
    }
  }

  static func strides(of shape: [Int], broadcastTo full: [Int]) throws -> [Int] {
    let missing = full.count - shape.count
    let own = Shapes.strides(of: shape)
    var result = [Int](repeating: 0, count: full.count)
    for axis in shape.indices where shape[axis] != 1 {
      guard missing + axis >= 0, shape[axis] == full[missing + axis] else { throw mismatch(shape, full) }
      result[missing + axis] = own[axis]
    }
    guard missing >= 0 else { throw mismatch(shape, full) }
    return result
  }

  private static func mismatch(_ shape: [Int], _ full: [Int]) -> MusterError {
    MusterError(
      .shapeMismatch, "the shape \(shape) doesn't broadcast to \(full)",
      fix: "Aligned at the last axis, sizes must be equal or one of them 1; reshape one of the arrays")
  }

  var count: Int { shape.reduce(1, *) }
  var innerCount: Int { shape[shape.count - 1] }

  /// Whether an input has all elements in the order of the space.
  func isContiguous(_ input: Int) -> Bool { strides[input] == Shapes.strides(of: shape) }
  /// Whether an input is one element.
  func isScalar(_ input: Int) -> Bool { strides[input].allSatisfy { $0 == 0 } }
}

/// Walks some dimensions in row-major order, keeping an offset in bytes for each input.
///
/// Its memory is its own, released with it; `offsets` is valid as long as it lives.
final class Odometer {
  let offsets: UnsafeMutablePointer<Int>
  private let inputCount: Int
  private let shape: [Int]
  private let steps: UnsafeMutablePointer<Int>
  private let index: UnsafeMutablePointer<Int>

  init(_ space: IterationSpace, dimensions: [Int], elementSizes: [Int]) {
    inputCount = elementSizes.count
    shape = dimensions.map { space.shape[$0] }
    offsets = .allocate(capacity: max(inputCount, 1))
    offsets.initialize(repeating: 0, count: max(inputCount, 1))
    steps = .allocate(capacity: max(inputCount * shape.count, 1))
    index = .allocate(capacity: max(shape.count, 1))
    index.initialize(repeating: 0, count: max(shape.count, 1))
    for (position, dimension) in dimensions.enumerated() {
      for input in 0..<inputCount {
        steps[position * inputCount + input] = space.strides[input][dimension] * elementSizes[input]
      }
    }
  }

  deinit {
    offsets.deallocate()
    steps.deallocate()
    index.deallocate()
  }

  /// Goes to the next position. False, and back at the first one, where that was the last.
  func advance() -> Bool {
    var dimension = shape.count - 1
    while dimension >= 0 {
      let step = steps + dimension * inputCount
      index[dimension] += 1
      if index[dimension] < shape[dimension] {
        for input in 0..<inputCount { offsets[input] += step[input] }
        return true
      }
      let back = shape[dimension] - 1
      for input in 0..<inputCount { offsets[input] -= step[input] * back }
      index[dimension] = 0
      dimension -= 1
    }
    return false
  }
}
