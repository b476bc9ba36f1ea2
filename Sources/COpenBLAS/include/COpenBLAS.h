#ifndef COPENBLAS_H
#define COPENBLAS_H

// BLAS and LAPACK as plain functions on row-major matrices: without gaps, where no ld (the distance of two rows, in
// elements) is asked for. A row-major matrix is the column-major one
// of its transpose: where LAPACK wants columns, the function below calls its transposed sibling, so that nothing is
// copied. `d` is double, `s` float. `info` is LAPACK's: 0 for success, negative for a bad argument.

/// For all threads; where OpenBLAS goes by OpenMP, for the calling thread and those that it starts.
void copenblas_set_threads(int count);
/// Whether this OpenBLAS takes its threads from OpenMP.
int copenblas_uses_openmp(void);
/// The name of the processor whose kernels OpenBLAS uses.
const char *copenblas_core_name(void);
/// Chooses the kernels anew, for the processor of this name. Before any other call, on one thread. Returns 0 where this
/// OpenBLAS can't (it was built for one processor).
int copenblas_choose_core(const char *name);
/// 512 or 256 where the processor has AVX-512 (F, DQ, BW, VL, CD) or AVX2 with FMA, else 0.
int copenblas_vector_bits(void);

#define COPENBLAS_DECLARE(p, T)                                                                                     \
  /* c (m x n) = alpha op(a) op(b) + beta c, with op(a) m x k and op(b) k x n */                                    \
  void copenblas_##p##gemm(int transpose_a, int transpose_b, int m, int n, int k, T alpha, const T *a, int lda,     \
                           const T *b, int ldb, T beta, T *c, int ldc);                                             \
  /* Upper triangle of c (n x n) = transpose(a) a, with a m x n */                                                  \
  void copenblas_##p##syrk(int m, int n, const T *a, T *c);                                                         \
  /* x (n x m), overwritten: r x, with r upper triangular n x n */                                                  \
  void copenblas_##p##trmm_left(int n, int m, const T *r, T *x);                                                    \
  /* x (m x n), overwritten: x inverse(r), with r upper triangular n x n */                                         \
  void copenblas_##p##trsm_right(int m, int n, const T *r, int ldr, T *x, int ldx);                                 \
  /* x (n x m), overwritten: inverse(r) x, with r upper triangular n x n */                                         \
  void copenblas_##p##trsm_left(int n, int m, const T *r, T *x);                                                    \
  /* Upper triangle of a (n x n) overwritten by r with transpose(r) r = a */                                        \
  int copenblas_##p##potrf(int n, T *a);                                                                            \
  /* QR of a (m x n): r in the upper triangle, reflectors elsewhere; tau: min(m, n). lwork -1 asks for its size */  \
  int copenblas_##p##qr(int m, int n, T *a, T *tau, T *work, int lwork);                                            \
  /* The first k columns of q (m x n, n >= k) from the reflectors in a */                                           \
  int copenblas_##p##qr_q(int m, int n, int k, T *a, const T *tau, T *work, int lwork);                             \
  /* Thin SVD of a (m x n, overwritten): u m x k, s k, vt k x n, k = min(m, n). iwork: 8k */                        \
  int copenblas_##p##gesdd(int m, int n, T *a, T *s, T *u, T *vt, T *work, int lwork, int *iwork);                  \
  int copenblas_##p##gesvd(int m, int n, T *a, T *s, T *u, T *vt, T *work, int lwork);                              \
  /* Eigenvalues of symmetric a (n x n), ascending; a's rows are overwritten by the eigenvectors */                 \
  int copenblas_##p##syevd(int n, T *a, T *w, T *work, int lwork, int *iwork, int liwork);

COPENBLAS_DECLARE(d, double)
COPENBLAS_DECLARE(s, float)

#endif
