#include "COpenBLAS.h"

#include <cblas.h>
#include <stdlib.h>

// LAPACK's own symbols: not every build of OpenBLAS has LAPACKE. Fortran passes the lengths of strings at the end.
#define LAPACK(T, P)                                                                                                   \
  extern void P##potrf_(const char *, const int *, T *, const int *, int *, size_t);                                   \
  extern void P##gelqf_(const int *, const int *, T *, const int *, T *, T *, const int *, int *);                     \
  extern void P##orglq_(const int *, const int *, const int *, T *, const int *, const T *, T *, const int *, int *);  \
  extern void P##gesdd_(                                                                                               \
      const char *, const int *, const int *, T *, const int *, T *, T *, const int *, T *, const int *, T *,          \
      const int *, int *, int *, size_t);                                                                              \
  extern void P##gesvd_(                                                                                               \
      const char *, const char *, const int *, const int *, T *, const int *, T *, T *, const int *, T *, const int *, \
      T *, const int *, int *, size_t, size_t);                                                                        \
  extern void P##syevd_(                                                                                               \
      const char *, const char *, const int *, T *, const int *, T *, T *, const int *, int *, const int *, int *,     \
      size_t, size_t);                                                                                                 \
  extern void P##trcon_(                                                                                               \
      const char *, const char *, const char *, const int *, const T *, const int *, T *, T *, int *, int *, size_t,   \
      size_t, size_t);                                                                                                 \
  extern void P##getrf_(const int *, const int *, T *, const int *, int *, int *);                                     \
  extern void P##getrs_(                                                                                               \
      const char *, const int *, const int *, const T *, const int *, const int *, T *, const int *, int *, size_t);
LAPACK(double, d)
LAPACK(float, s)

// What LAPACK returns where memory for its workspace is missing, as LAPACKE has it.
enum { OUT_OF_MEMORY = -1010 };

void copenblas_set_single_threaded(void) { openblas_set_num_threads(1); }

void copenblas_gemm(
    bool is_double, bool transpose_a, bool transpose_b, int m, int n, int k, double alpha, const void *a, int lda,
    const void *b, int ldb, double beta, void *c, int ldc) {
  const enum CBLAS_TRANSPOSE ta = transpose_a ? CblasTrans : CblasNoTrans, tb = transpose_b ? CblasTrans : CblasNoTrans;
  if (is_double) cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  else cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, (float)alpha, a, lda, b, ldb, (float)beta, c, ldc);
}

void copenblas_syrk(bool is_double, int m, int n, double alpha, const void *a, double beta, void *c) {
  if (is_double) cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, m, alpha, a, n, beta, c, n);
  else cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, n, m, (float)alpha, a, n, (float)beta, c, n);
}

void copenblas_trsm_right_upper(bool is_double, int m, int n, const void *r, void *b) {
  if (is_double)
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, m, n, 1, r, n, b, n);
  else cblas_strsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, m, n, 1, r, n, b, n);
}

int copenblas_potrf(bool is_double, int n, void *a) {
  int info = 0;
  if (is_double) dpotrf_("L", &n, a, &n, &info, 1);
  else spotrf_("L", &n, a, &n, &info, 1);
  return info;
}

// Calls `CALL` with the size of its workspace asked for first, then with the workspace.
#define WITH_WORKSPACE(T, CALL)                                        \
  T best = 0, *work = &best;                                           \
  int size = -1;                                                       \
  CALL;                                                                \
  if (info != 0) return info;                                          \
  size = (int)best > 1 ? (int)best : 1;                                \
  work = malloc((size_t)size * sizeof(T));                             \
  if (!work) return OUT_OF_MEMORY;                                     \
  CALL;                                                                \
  free(work);                                                          \
  return info;

// The LQ factorisation of the transpose.
#define GEQRF(T, P)                                                             \
  static int P##geqrf(int m, int n, T *a, T *tau) {                             \
    int info = 0;                                                               \
    WITH_WORKSPACE(T, P##gelqf_(&n, &m, a, &n, tau, work, &size, &info))        \
  }                                                                             \
  static int P##orgqr(int m, int k, T *a, T *tau) {                             \
    int info = 0;                                                               \
    WITH_WORKSPACE(T, P##orglq_(&k, &m, &k, a, &k, tau, work, &size, &info))    \
  }
GEQRF(double, d)
GEQRF(float, s)

int copenblas_geqrf(bool is_double, int m, int n, void *a, void *tau) {
  return is_double ? dgeqrf(m, n, a, tau) : sgeqrf(m, n, a, tau);
}

int copenblas_orgqr(bool is_double, int m, int k, void *a, void *tau) {
  return is_double ? dorgqr(m, k, a, tau) : sorgqr(m, k, a, tau);
}

// aᵀ = u' s v'ᵀ means a = v' s u'ᵀ, and LAPACK's u' and v'ᵀ, read by rows, are vt and u.
#define SVD(T, P)                                                                                              \
  static int P##gesdd(int m, int n, T *a, T *s, T *u, T *vt, int *integers) {                                  \
    int info = 0;                                                                                              \
    const int k = m < n ? m : n;                                                                               \
    WITH_WORKSPACE(T, P##gesdd_("S", &n, &m, a, &n, s, vt, &n, u, &k, work, &size, integers, &info, 1))        \
  }                                                                                                            \
  static int P##gesvd(int m, int n, T *a, T *s, T *u, T *vt) {                                                 \
    int info = 0;                                                                                              \
    const int k = m < n ? m : n;                                                                               \
    WITH_WORKSPACE(T, P##gesvd_("S", "S", &n, &m, a, &n, s, vt, &n, u, &k, work, &size, &info, 1, 1))          \
  }                                                                                                            \
  static int P##syevd(int n, T *a, T *w) {                                                                     \
    int info = 0, size = -1, count = -1, integer = 0;                                                          \
    T best = 0;                                                                                                \
    P##syevd_("V", "L", &n, a, &n, w, &best, &size, &integer, &count, &info, 1, 1);                            \
    if (info != 0) return info;                                                                                \
    size = (int)best > 1 ? (int)best : 1;                                                                      \
    count = integer > 1 ? integer : 1;                                                                         \
    T *work = malloc((size_t)size * sizeof(T));                                                                \
    int *integers = malloc((size_t)count * sizeof(int));                                                       \
    if (work && integers) P##syevd_("V", "L", &n, a, &n, w, work, &size, integers, &count, &info, 1, 1);       \
    else info = OUT_OF_MEMORY;                                                                                 \
    free(work);                                                                                                \
    free(integers);                                                                                            \
    return info;                                                                                               \
  }                                                                                                            \
  static int P##trcon(int n, const T *r, double *rcond) {                                                      \
    int info = 0;                                                                                              \
    T result = 0, *work = malloc(3 * (size_t)n * sizeof(T));                                                   \
    int *integers = malloc((size_t)n * sizeof(int));                                                           \
    if (work && integers) P##trcon_("I", "L", "N", &n, r, &n, &result, work, integers, &info, 1, 1, 1);        \
    else info = OUT_OF_MEMORY;                                                                                 \
    free(work);                                                                                                \
    free(integers);                                                                                            \
    *rcond = result;                                                                                           \
    return info;                                                                                               \
  }
SVD(double, d)
SVD(float, s)

int copenblas_gesdd(bool is_double, int m, int n, void *a, void *s, void *u, void *vt) {
  int *integers = malloc(8 * (size_t)(m < n ? m : n) * sizeof(int));
  if (!integers) return OUT_OF_MEMORY;
  const int info = is_double ? dgesdd(m, n, a, s, u, vt, integers) : sgesdd(m, n, a, s, u, vt, integers);
  free(integers);
  return info;
}

int copenblas_gesvd(bool is_double, int m, int n, void *a, void *s, void *u, void *vt) {
  return is_double ? dgesvd(m, n, a, s, u, vt) : sgesvd(m, n, a, s, u, vt);
}

int copenblas_syevd(bool is_double, int n, void *a, void *w) { return is_double ? dsyevd(n, a, w) : ssyevd(n, a, w); }

int copenblas_trcon_upper(bool is_double, int n, const void *r, double *rcond) {
  return is_double ? dtrcon(n, r, rcond) : strcon(n, r, rcond);
}

int copenblas_getrf(bool is_double, int n, void *a, int *pivots) {
  int info = 0;
  if (is_double) dgetrf_(&n, &n, a, &n, pivots, &info);
  else sgetrf_(&n, &n, a, &n, pivots, &info);
  return info;
}

int copenblas_getrs(bool is_double, int n, int count, const void *a, const int *pivots, void *bt) {
  int info = 0;
  if (is_double) dgetrs_("T", &n, &count, a, &n, pivots, bt, &n, &info, 1);
  else sgetrs_("T", &n, &count, a, &n, pivots, bt, &n, &info, 1);
  return info;
}
