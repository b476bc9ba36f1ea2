internal import COpenBLAS
internal import Glibc

/// OpenBLAS as a whole.
package enum BLAS {
  private static let configured: Void = {
    replaceFallbackKernels()
    copenblas_set_threads(1)
  }()

  /// An OpenBLAS that is older than the processor takes kernels of 2004 for it (0.3.21 on Intel's Emerald Rapids, for
  /// one), five times as slow as those that it has for that processor's instructions. `OPENBLAS_CORETYPE`, where it is
  /// set, has the last word.
  private static func replaceFallbackKernels() {
    guard getenv("OPENBLAS_CORETYPE") == nil, let name = copenblas_core_name() else { return }
    guard ["prescott", "core2", "nehalem", "barcelona"].contains(String(cString: name).lowercased()) else { return }
    switch copenblas_vector_bits() {
    case 512: _ = copenblas_choose_core("SkylakeX")
    case 256: _ = copenblas_choose_core("Haswell")
    default: break
    }
  }

  /// One thread for each call: the parallelism is in the tasks, and results don't depend on the number of cores.
  package static func setSingleThreaded() {
    _ = configured
    // With OpenMP each thread has a number of its own, and a new thread the one from the environment.
    guard let key = openMPKey, pthread_getspecific(key) == nil else { return }
    copenblas_set_threads(1)
    pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1))
  }

  /// Marks the threads whose number is set, where OpenBLAS goes by OpenMP.
  private static let openMPKey: pthread_key_t? = {
    guard copenblas_uses_openmp() != 0 else { return nil }
    var key = pthread_key_t()
    return pthread_key_create(&key, nil) == 0 ? key : nil
  }()
}

/// How an operand of a product is read.
package enum Transposition: Sendable {
  case none, transposed
}

/// An element type that BLAS and LAPACK know: Double and Float. The requirements are the library's calls on row-major
/// matrices, as `COpenBLAS.h` explains them.
public protocol LinearAlgebraElement: ArrayElement, BinaryFloatingPoint {
  /// The calls for this type. Only Double and Float have them: other types can't conform.
  static var linearAlgebra: LinearAlgebraCalls<Self> { get }
}

/// The library's calls for one element type. A program has no use for it but as a requirement of
/// `LinearAlgebraElement`.
public struct LinearAlgebraCalls<T: LinearAlgebraElement>: Sendable {
  typealias Pointer = UnsafeMutablePointer<T>
  typealias Source = UnsafePointer<T>
  var gemm: @Sendable (Int32, Int32, Int32, Int32, Int32, T, Source, Int32, Source, Int32, T, Pointer, Int32) -> Void
  var syrk: @Sendable (Int32, Int32, Source, Pointer) -> Void
  var multiplyLeft: @Sendable (Int32, Int32, Source, Pointer) -> Void
  var solveRight: @Sendable (Int32, Int32, Source, Int32, Pointer, Int32) -> Void
  var solveLeft: @Sendable (Int32, Int32, Source, Pointer) -> Void
  var cholesky: @Sendable (Int32, Pointer) -> Int32
  var qr: @Sendable (Int32, Int32, Pointer, Pointer, Pointer, Int32) -> Int32
  var qrQ: @Sendable (Int32, Int32, Int32, Pointer, Source, Pointer, Int32) -> Int32
  var svd:
    @Sendable (Int32, Int32, Pointer, Pointer, Pointer, Pointer, Pointer, Int32, UnsafeMutablePointer<Int32>) ->
      Int32
  var svdByQR: @Sendable (Int32, Int32, Pointer, Pointer, Pointer, Pointer, Pointer, Int32) -> Int32
  var eigh: @Sendable (Int32, Pointer, Pointer, Pointer, Int32, UnsafeMutablePointer<Int32>, Int32) -> Int32
}

extension Double: LinearAlgebraElement {
  /// The calls that take `double`.
  public static let linearAlgebra = LinearAlgebraCalls<Double>(
    gemm: { copenblas_dgemm($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) },
    syrk: { copenblas_dsyrk($0, $1, $2, $3) },
    multiplyLeft: { copenblas_dtrmm_left($0, $1, $2, $3) },
    solveRight: { copenblas_dtrsm_right($0, $1, $2, $3, $4, $5) }, solveLeft: { copenblas_dtrsm_left($0, $1, $2, $3) },
    cholesky: { copenblas_dpotrf($0, $1) }, qr: { copenblas_dqr($0, $1, $2, $3, $4, $5) },
    qrQ: { copenblas_dqr_q($0, $1, $2, $3, $4, $5, $6) },
    svd: { copenblas_dgesdd($0, $1, $2, $3, $4, $5, $6, $7, $8) },
    svdByQR: { copenblas_dgesvd($0, $1, $2, $3, $4, $5, $6, $7) },
    eigh: { copenblas_dsyevd($0, $1, $2, $3, $4, $5, $6) })
}

extension Float: LinearAlgebraElement {
  /// The calls that take `float`.
  public static let linearAlgebra = LinearAlgebraCalls<Float>(
    gemm: { copenblas_sgemm($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) },
    syrk: { copenblas_ssyrk($0, $1, $2, $3) },
    multiplyLeft: { copenblas_strmm_left($0, $1, $2, $3) },
    solveRight: { copenblas_strsm_right($0, $1, $2, $3, $4, $5) }, solveLeft: { copenblas_strsm_left($0, $1, $2, $3) },
    cholesky: { copenblas_spotrf($0, $1) }, qr: { copenblas_sqr($0, $1, $2, $3, $4, $5) },
    qrQ: { copenblas_sqr_q($0, $1, $2, $3, $4, $5, $6) },
    svd: { copenblas_sgesdd($0, $1, $2, $3, $4, $5, $6, $7, $8) },
    svdByQR: { copenblas_sgesvd($0, $1, $2, $3, $4, $5, $6, $7) },
    eigh: { copenblas_ssyevd($0, $1, $2, $3, $4, $5, $6) })
}
