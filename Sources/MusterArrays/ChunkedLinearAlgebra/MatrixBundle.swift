internal import MusterRuntime

/// Several matrices as one block, and what they are: what the tasks of a factorisation hand on.
struct MatrixBundle: Block {
  /// How the factorisation goes on; decided from the Gram matrix, inside a task, the same for all tasks after it.
  enum Method: UInt8 {
    /// By the eigenvectors of the Gram matrix alone.
    case gram
    /// By two passes of Cholesky QR.
    case cholesky
    /// By Householder QR of panels, in a tree.
    case householder
  }
  var method: Method
  var matrices: [AnyNDArray]

  var byteCount: Int { matrices.reduce(0) { $0 + $1.byteCount } }

  func encode(into encoder: inout BlockEncoder) {
    encoder.append(method.rawValue)
    encoder.append(matrices.count)
    for matrix in matrices { matrix.encode(into: &encoder) }
  }

  static func decode(from decoder: inout BlockDecoder) throws -> MatrixBundle {
    guard let method = Method(rawValue: try decoder.read(UInt8.self)) else {
      throw MusterError(.internal, "a bundle of matrices arrived with an unknown method")
    }
    let count = try decoder.read(Int.self)
    return MatrixBundle(method: method, matrices: try (0..<count).map { _ in try AnyNDArray.decode(from: &decoder) })
  }
}
