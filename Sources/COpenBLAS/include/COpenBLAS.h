// BLAS and LAPACK through OpenBLAS, for float64 (`is_double`) and float32: functions only.
//
// Matrices are row-major and contiguous. LAPACK's are column-major, so it sees each matrix transposed, and each
// function asks it for the factorisation of the transpose that gives the wanted one: no copies. `info` is LAPACK's:
// 0 for success.
#ifndef COPENBLAS_H
#define COPENBLAS_H

#include <stdbool.h>

// One thread in every call from now on.
void copenblas_set_single_threaded(void);

// c(m,n) = alpha op(a) op(b) + beta c, where op(a) is m by k and op(b) k by n. `ld` are the row lengths.
void copenblas_gemm(
    bool is_double, bool transpose_a, bool transpose_b, int m, int n, int k, double alpha, const void *a, int lda,
    const void *b, int ldb, double beta, void *c, int ldc);

// c(n,n) = alpha aᵀ a + beta c for a(m,n): the upper triangle only.
void copenblas_syrk(bool is_double, int m, int n, double alpha, const void *a, double beta, void *c);

// b(m,n) = b r⁻¹ for the upper triangular r(n,n).
void copenblas_trsm_right_upper(bool is_double, int m, int n, const void *r, void *b);

// The upper triangle of a(n,n) becomes r with a = rᵀ r. info > 0: the leading minor of that order isn't positive.
int copenblas_potrf(bool is_double, int n, void *a);

// Householder QR of a(m,n), k = min(m, n): afterwards r is in the upper triangle of the first k rows and the
// reflectors below it and in `tau` (k).
int copenblas_geqrf(bool is_double, int m, int n, void *a, void *tau);
// The first k columns of q(m,k) from the reflectors, which are the first k columns of the rows of a with k <= m.
int copenblas_orgqr(bool is_double, int m, int k, void *a, void *tau);

// Thin SVD of a(m,n), which is overwritten, k = min(m, n): u(m,k), s(k), vt(k,n). By divide and conquer, or by QR
// iteration.
int copenblas_gesdd(bool is_double, int m, int n, void *a, void *s, void *u, void *vt);
int copenblas_gesvd(bool is_double, int m, int n, void *a, void *s, void *u, void *vt);

// Eigenvalues of the symmetric a(n,n), ascending, and the eigenvectors as the rows of a.
int copenblas_syevd(bool is_double, int n, void *a, void *w);

// An estimate of 1 / (|r| |r⁻¹|) in the 1-norm, of the upper triangular r(n,n).
int copenblas_trcon_upper(bool is_double, int n, const void *r, double *rcond);

// LU with partial pivoting of a(n,n), in place, then the solution of a x = b for right sides that are the rows of
// bt(count,n).
int copenblas_getrf(bool is_double, int n, void *a, int *pivots);
int copenblas_getrs(bool is_double, int n, int count, const void *a, const int *pivots, void *bt);

#endif
