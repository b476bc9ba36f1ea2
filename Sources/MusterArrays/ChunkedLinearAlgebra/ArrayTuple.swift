internal import MusterRuntime

/// Several arrays as one block, for tasks that yield more than one.
struct ArrayTuple: Block {
  var arrays: [NDArray<Double>]

  init(_ arrays: NDArray<Double>...) { self.init(arrays) }
  init(_ arrays: [NDArray<Double>]) { self.arrays = arrays }

  var byteCount: Int { arrays.reduce(0) { $0 + $1.erased.byteCount } }

  func encode(into encoder: inout BlockEncoder) {
    encoder.append(arrays.count)
    for array in arrays { array.erased.encode(into: &encoder) }
  }

  static func decode(from decoder: inout BlockDecoder) throws -> ArrayTuple {
    var tuple = ArrayTuple()
    for _ in 0..<(try decoder.read(Int.self)) {
      tuple.arrays.append(NDArray<Double>(try AnyNDArray.decode(from: &decoder)))
    }
    return tuple
  }
}
