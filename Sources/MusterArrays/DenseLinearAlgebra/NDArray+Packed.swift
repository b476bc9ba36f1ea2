internal import MusterRuntime

/// Symmetric matrices by their upper triangle, row by row in one dimension: half of the bytes to add and to send.
extension NDArray<Double> {
  /// The upper triangle of AᵀA, packed: n (n + 1) / 2 elements for m × n.
  package func packedGram() throws -> NDArray {
    let (m, n) = try matrixSizes("a Gram matrix")
    let size = Int(n)
    let square = try AnyNDArray(allocating: .float64, shape: [size, size])
    return try NDArray(allocating: [size * (size + 1) / 2]) { packed in
      guard m > 0, size > 0 else {
        packed.initialize(repeating: 0)
        return
      }
      // Made above, and nobody else has it. What is below the diagonal is neither written nor read.
      let gram = square.storage.bytes.bindMemory(to: Double.self, capacity: square.count)
      withElements { Double.linearAlgebra.syrk(m, n, $0.baseAddress!, gram) }
      var next = packed.baseAddress!
      for row in 0..<size {
        next.initialize(from: gram + row * size + row, count: size - row)
        next += size - row
      }
    }
  }

  /// The symmetric n × n matrix of which this is the packed upper triangle.
  package func unpacked(size: Int) throws -> NDArray {
    precondition(count == size * (size + 1) / 2, "\(count) elements aren't a triangle of \(size) columns")
    return try withElements { packed in
      try NDArray(allocating: [size, size]) { square in
        var next = 0
        for row in 0..<size {
          for column in row..<size {
            square[row * size + column] = packed[next]
            next += 1
          }
        }
        Self.forTilesBelowDiagonal(size) { row, column in square[row * size + column] = square[column * size + row] }
      }
    }
  }

  /// Whether the diagonal of the packed matrix is finite. That of AᵀA is where A is, unless it overflows: each entry is
  /// a sum of squares, which bound the others.
  package func packedDiagonalIsFinite(size: Int) -> Bool {
    withElements { packed in
      var next = 0
      for row in 0..<size {
        guard packed[next].isFinite else { return false }
        next += size - row
      }
      return true
    }
  }
}
