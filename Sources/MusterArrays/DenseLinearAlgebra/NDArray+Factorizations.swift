internal import MusterRuntime

extension NDArray where Element: LinearAlgebraElement {
  /// Whether no element is NaN or infinite.
  package var allFinite: Bool {
    // x - x is 0 for finite x and NaN otherwise; the sum has no branch and so is vectorised.
    withElements { elements in
      var sum: Element = 0
      for element in elements { sum += element - element }
      return sum == 0
    }
  }

  /// The upper triangular R with RᵀR equal to this symmetric matrix.
  ///
  /// - Returns: R, and LAPACK's `info`: above 0 where the matrix isn't positive definite, and R then of no use.
  package func cholesky() throws -> (r: NDArray, info: Int) {
    let (n, _) = try matrixSizes("a Cholesky factorisation")
    let size = Int(n)
    var result = self
    let info = try result.withMutableElements { a in
      let info = Element.linearAlgebra.cholesky(n, a)
      for row in 0..<size {
        for column in 0..<row { a[row * size + column] = 0 }
      }
      return info
    }
    return (result, Int(info))
  }

  /// Thin Householder QR of an m × n matrix: Q (m × k) and R (k × n), k = min(m, n), with a diagonal that is not
  /// negative, which makes it unique where the matrix has full rank.
  package func qr() throws -> (q: NDArray, r: NDArray) {
    let (m, n) = try matrixSizes("a QR factorisation")
    let k = Swift.min(m, n)
    let (rows, columns, rank) = (Int(m), Int(n), Int(k))
    guard rank > 0 else {
      return (try NDArray(allocating: [rows, rank]) { _ in }, try NDArray(allocating: [rank, columns]) { _ in })
    }
    var factors = self
    return try factors.withMutableElements { a in
      var tau = [Element](repeating: 0, count: rank)
      try Self.withWorkspace("a QR factorisation") { Element.linearAlgebra.qr(m, n, a, &tau, $0, $1) }
      let negative = (0..<rank).map { a[$0 * columns + $0] < 0 }
      let r = try NDArray(allocating: [rank, columns]) { r in
        for row in 0..<rank {
          for column in 0..<columns {
            let value = column < row ? 0 : a[row * columns + column]
            r[row * columns + column] = negative[row] ? -value : value
          }
        }
      }
      try Self.withWorkspace("a QR factorisation") { Element.linearAlgebra.qrQ(m, n, k, a, tau, $0, $1) }
      let q = try NDArray(allocating: [rows, rank]) { q in
        for row in 0..<rows {
          for column in 0..<rank {
            let value = a[row * columns + column]
            q[row * rank + column] = negative[column] ? -value : value
          }
        }
      }
      return (q, r)
    }
  }

  /// Thin singular value decomposition of an m × n matrix: U (m × k), the singular values in descending order, and Vᵀ
  /// (k × n), with k = min(m, n). Divide and conquer, and the QR iteration where that doesn't converge.
  ///
  /// - Throws: `MusterError` with code `notConverged`.
  package func svd() throws -> (u: NDArray, s: NDArray, vt: NDArray) {
    let (m, n) = try matrixSizes("a singular value decomposition")
    let k = Int(Swift.min(m, n))
    try Self.checkWorkspace(4 * k * k + 7 * k, "a singular value decomposition of a \(shape) matrix")
    var factors = self
    var s = [Element](repeating: 0, count: k)
    let u = try AnyNDArray(allocating: Element.elementType, shape: [Int(m), k])
    let vt = try AnyNDArray(allocating: Element.elementType, shape: [k, Int(n)])
    // Both were made above and nobody else has them.
    let uPointer = u.storage.bytes.bindMemory(to: Element.self, capacity: u.count)
    let vtPointer = vt.storage.bytes.bindMemory(to: Element.self, capacity: vt.count)
    if k > 0 {
      var integers = [Int32](repeating: 0, count: 8 * k)
      let info = try factors.withMutableElements { a in
        try Self.withWorkspace("a singular value decomposition", failing: false) {
          Element.linearAlgebra.svd(m, n, a, &s, uPointer, vtPointer, $0, $1, &integers)
        }
      }
      if info > 0 {
        factors = self
        let info = try factors.withMutableElements { a in
          try Self.withWorkspace("a singular value decomposition", failing: false) {
            Element.linearAlgebra.svdByQR(m, n, a, &s, uPointer, vtPointer, $0, $1)
          }
        }
        guard info == 0 else {
          throw MusterError(
            .notConverged, "the singular value decomposition of a \(shape) matrix didn't converge",
            fix: "Look for values of very different size, and scale the columns")
        }
      }
    }
    return (NDArray(u), NDArray(s), NDArray(vt))
  }

  /// The eigenvalues of this symmetric matrix in ascending order, and its eigenvectors as columns.
  ///
  /// - Throws: `MusterError` with code `notConverged`.
  package func eigh() throws -> (values: NDArray, vectors: NDArray) {
    let (n, _) = try matrixSizes("an eigenvalue decomposition")
    let size = Int(n)
    guard size > 0 else { return (NDArray([]), self) }
    try Self.checkWorkspace(1 + 6 * size + 2 * size * size, "an eigenvalue decomposition of a \(shape) matrix")
    var factors = self
    var values = [Element](repeating: 0, count: size)
    let info = try factors.withMutableElements { a in
      var wanted: Element = 0
      var integersWanted: Int32 = 0
      _ = Element.linearAlgebra.eigh(n, a, &values, &wanted, -1, &integersWanted, -1)
      var work = [Element](repeating: 0, count: Swift.max(1, Int(wanted)))
      var integers = [Int32](repeating: 0, count: Swift.max(1, Int(integersWanted)))
      return Element.linearAlgebra.eigh(
        n, a, &values, &work, Int32(work.count), &integers, Int32(integers.count))
    }
    guard info == 0 else {
      throw MusterError(.notConverged, "the eigenvalue decomposition of a \(shape) matrix didn't converge")
    }
    // The library leaves them as rows.
    return (NDArray(values), NDArray(try factors.erased.transposed([1, 0])))
  }

  /// Asks a routine how much work space it wants, and calls it with that.
  @discardableResult
  private static func withWorkspace(
    _ operation: String, failing: Bool = true, _ routine: (UnsafeMutablePointer<Element>, Int32) -> Int32
  ) throws -> Int32 {
    var wanted: Element = 0
    try check(routine(&wanted, -1), operation)
    // Float can't hold every size exactly: a little more never hurts.
    var work = [Element](repeating: 0, count: Int(wanted) + 64)
    let info = routine(&work, Int32(work.count))
    if failing || info < 0 { try check(info, operation) }
    return info
  }

  /// - Throws: `unsupported` where the library can't count its work space: it would write beyond it.
  private static func checkWorkspace(_ size: Int, _ operation: String) throws {
    guard size <= Int32.max else {
      throw MusterError(
        .unsupported, "\(operation) needs more work space than the library's 32-bit sizes can count",
        fix: "Reduce the shorter side to at most 23,000")
    }
  }

  private static func check(_ info: Int32, _ operation: String) throws {
    guard info == 0 else {
      throw MusterError(.internal, "\(operation): the library answered \(info)")
    }
  }
}
