package enum BLAS {
  package static func setSingleThreaded() { fatalError() }
}
package enum Transposition: Sendable { case none, transposed }
extension NDArray where Element: BinaryFloatingPoint {
  /// c = alpha a b + beta c
  package static func gemm(_ a: NDArray, _ ta: Transposition = .none, _ b: NDArray, _ tb: Transposition = .none, alpha: Element = 1, beta: Element = 0, into c: inout NDArray) throws { fatalError() }
  public func matmul(_ other: NDArray) throws -> NDArray { fatalError() }
  package func gram() throws -> NDArray { fatalError() }
  package func solvingRightUpper(_ r: NDArray) throws -> NDArray { fatalError() }
  package func cholesky() throws -> (r: NDArray, info: Int) { fatalError() }
  package func qr() throws -> (q: NDArray, r: NDArray) { fatalError() }
  package func qrR() throws -> NDArray { fatalError() }
  package func svd() throws -> (u: NDArray, s: NDArray, vt: NDArray) { fatalError() }
  package func eigh() throws -> (values: NDArray, vectors: NDArray) { fatalError() }
  package func triangularReciprocalCondition() throws -> Element { fatalError() }
  package func solve(_ b: NDArray) throws -> NDArray { fatalError() }
  package var allFinite: Bool { fatalError() }
}
