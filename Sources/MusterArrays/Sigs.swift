

extension ElementwiseProgram {
  package func run(_ inputs: [AnyNDArray], shape: [Int]) throws -> AnyNDArray { fatalError() }
  package func reduce(_ inputs: [AnyNDArray], shape: [Int], kind: ReductionKind, axes: [Int]) throws -> PartialReduction {
    fatalError()
  }
}
extension PartialReduction {
  package static func combine(_ parts: [PartialReduction], kind: ReductionKind) throws -> PartialReduction { fatalError() }
  package func finish(as reduction: FinalReduction) throws -> AnyNDArray { fatalError() }
}
extension AnyNDArray {
  package func slice(_ region: [Range<Int>], steps: [Int]? = nil) -> AnyNDArray { fatalError() }
  package func transposed(_ axes: [Int]) -> AnyNDArray { fatalError() }
  package func reshaped(_ shape: [Int]) -> AnyNDArray { fatalError() }
  package func broadcast(to shape: [Int]) -> AnyNDArray { fatalError() }
  package static func assemble(shape: [Int], elementType: ElementType, parts: [(origin: [Int], block: AnyNDArray)]) -> AnyNDArray { fatalError() }
  package static func filled(with scalar: ScalarValue, shape: [Int]) -> AnyNDArray { fatalError() }
  package func cast(to type: ElementType) -> AnyNDArray { fatalError() }
}
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
