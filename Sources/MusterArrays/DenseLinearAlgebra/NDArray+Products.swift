internal import MusterRuntime

extension NDArray where Element: LinearAlgebraElement {
  /// The two sizes of a matrix, as the library takes them.
  ///
  /// - Throws: `shapeMismatch` where the array isn't a matrix, `unsupported` where a size is beyond 2³¹ - 1.
  func matrixSizes(_ operation: String) throws -> (rows: Int32, columns: Int32) {
    guard shape.count == 2 else {
      throw MusterError(.shapeMismatch, "\(operation) needs a matrix; the array has the shape \(shape)")
    }
    guard let rows = Int32(exactly: shape[0]), let columns = Int32(exactly: shape[1]) else {
      throw MusterError(
        .unsupported, "\(operation): a matrix of \(shape) is beyond the library's 32-bit sizes",
        fix: "Use smaller chunks")
    }
    BLAS.setSingleThreaded()
    return (rows, columns)
  }

  /// Runs a closure with this array's memory, to be overwritten: a copy where others have the memory too, as they have
  /// that of blocks.
  mutating func withMutableElements<R>(_ body: (UnsafeMutablePointer<Element>) throws -> R) throws -> R {
    if !erased.isSoleOwner() {
      self = try NDArray(allocating: shape) { target in
        withElements { _ = target.initialize(fromContentsOf: $0) }
      }
    }
    let storage = erased.storage
    // Nobody else has this memory, so writing to it is safe.
    return try withExtendedLifetime(storage) { try body(storage.bytes.assumingMemoryBound(to: Element.self)) }
  }

  /// c = alpha op(a) op(b) + beta c.
  ///
  /// - Throws: `shapeMismatch`, naming the shapes.
  package static func gemm(
    _ a: NDArray, _ ta: Transposition = .none, _ b: NDArray, _ tb: Transposition = .none, alpha: Element = 1,
    beta: Element = 0, into c: inout NDArray
  ) throws {
    let sizesA = try a.matrixSizes("a matrix product")
    let sizesB = try b.matrixSizes("a matrix product")
    let sizesC = try c.matrixSizes("a matrix product")
    let (m, k) = ta == .none ? sizesA : (sizesA.columns, sizesA.rows)
    let (k2, n) = tb == .none ? sizesB : (sizesB.columns, sizesB.rows)
    guard k == k2, sizesC == (m, n) else {
      throw MusterError(
        .shapeMismatch, "a matrix product of \(a.shape) and \(b.shape) into \(c.shape)",
        fix: "The inner sizes have to agree")
    }
    try a.withElements { a in
      try b.withElements { b in
        try c.withMutableElements { c in
          guard let a = a.baseAddress, let b = b.baseAddress else { return }
          Element.linearAlgebra.gemm(
            ta == .none ? 0 : 1, tb == .none ? 0 : 1, m, n, k, alpha, a, sizesA.columns, b, sizesB.columns, beta, c, n)
        }
      }
    }
  }

  /// The matrix product with another matrix: m × k by k × n gives m × n.
  ///
  /// - Throws: `MusterError` with code `shapeMismatch`, naming both shapes.
  /// - Complexity: O(m k n).
  public func matmul(_ other: NDArray) throws -> NDArray {
    let (m, k) = try matrixSizes("matmul")
    let (k2, n) = try other.matrixSizes("matmul")
    guard k == k2 else {
      throw MusterError(
        .shapeMismatch, "matmul of \(shape) and \(other.shape)", fix: "The inner sizes have to agree")
    }
    return try withElements { a in
      try other.withElements { b in
        try NDArray(allocating: [Int(m), Int(n)]) { c in
          guard let target = c.baseAddress else { return }
          guard k > 0, let a = a.baseAddress, let b = b.baseAddress else {
            c.initialize(repeating: 0)
            return
          }
          Element.linearAlgebra.gemm(0, 0, m, n, k, 1, a, k, b, n, 0, target, n)
        }
      }
    }
  }

  /// AᵀA, n × n for m × n, symmetric to the bit.
  package func gram() throws -> NDArray {
    let (m, n) = try matrixSizes("a Gram matrix")
    let size = Int(n)
    return try withElements { a in
      try NDArray(allocating: [size, size]) { c in
        guard let target = c.baseAddress else { return }
        guard m > 0, let a = a.baseAddress else {
          c.initialize(repeating: 0)
          return
        }
        Element.linearAlgebra.syrk(m, n, a, target)
        Self.forTilesBelowDiagonal(size) { row, column in target[row * size + column] = target[column * size + row] }
      }
    }
  }

  /// Calls a closure with each row and column below the diagonal of an n × n matrix, in tiles, so that what lies across
  /// the diagonal is still in the cache when its neighbour is wanted.
  static func forTilesBelowDiagonal(_ n: Int, _ body: (_ row: Int, _ column: Int) -> Void) {
    let tile = 32
    for rows in stride(from: 0, to: n, by: tile) {
      for columns in stride(from: 0, through: rows, by: tile) {
        for row in rows..<Swift.min(rows + tile, n) {
          for column in columns..<Swift.min(columns + tile, row) { body(row, column) }
        }
      }
    }
  }

  /// R B, for this n × m matrix B and R upper triangular, n × n.
  package func multipliedLeftUpper(_ r: NDArray) throws -> NDArray {
    let (n, m) = try matrixSizes("a triangular product")
    return try overwritten(with: r, size: n) { Element.linearAlgebra.multiplyLeft(n, m, $0, $1) }
  }

  /// A R⁻¹, for this m × n matrix and R upper triangular, n × n.
  package func solvingRightUpper(_ r: NDArray) throws -> NDArray {
    let (m, n) = try matrixSizes("a triangular solution")
    return try overwritten(with: r, size: n) { r, x in
      Self.solveRight(r, x, rows: m, size: n, columns: 0..<n)
    }
  }

  /// Overwrites columns of X (m × n), from which the columns before them have been taken already, by X R⁻¹.
  ///
  /// The library's routine solves triangles of some hundred columns at once, at half of the speed of its products. In
  /// halves down to this size nearly all work is in products.
  private static func solveRight(
    _ r: UnsafePointer<Element>, _ x: UnsafeMutablePointer<Element>, rows m: Int32, size n: Int32,
    columns: Range<Int32>
  ) {
    let smallest: Int32 = 64
    let first = columns.lowerBound
    let diagonal = r + Int(first) * Int(n) + Int(first)
    guard columns.count > smallest else {
      Element.linearAlgebra.solveRight(m, Int32(columns.count), diagonal, n, x + Int(first), n)
      return
    }
    let half = (Int32(columns.count) / 2 + smallest - 1) / smallest * smallest
    let rest = Int32(columns.count) - half
    solveRight(r, x, rows: m, size: n, columns: first..<first + half)
    Element.linearAlgebra.gemm(
      0, 0, m, rest, half, -1, x + Int(first), n, diagonal + Int(half), n, 1, x + Int(first + half), n)
    solveRight(r, x, rows: m, size: n, columns: first + half..<columns.upperBound)
  }

  /// R⁻¹ B, for this n × m matrix B and R upper triangular, n × n.
  package func solvingLeftUpper(_ r: NDArray) throws -> NDArray {
    let (n, m) = try matrixSizes("a triangular solution")
    return try overwritten(with: r, size: n) { Element.linearAlgebra.solveLeft(n, m, $0, $1) }
  }

  /// A copy of this matrix that `routine` has overwritten by a product or solution with R, which is `size` × `size`.
  private func overwritten(
    with r: NDArray, size: Int32, _ routine: (UnsafePointer<Element>, UnsafeMutablePointer<Element>) -> Void
  ) throws -> NDArray {
    precondition(r.shape == [Int(size), Int(size)])
    var result = self
    guard count > 0 else { return result }
    try r.withElements { r in
      try result.withMutableElements { x in
        if let r = r.baseAddress { routine(r, x) }
      }
    }
    return result
  }
}
