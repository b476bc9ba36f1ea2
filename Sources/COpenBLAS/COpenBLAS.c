#define _GNU_SOURCE

#include "COpenBLAS.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// LAPACK's own symbols, which OpenBLAS carries without a header. Column-major; the trailing sizes are the hidden
// lengths of the character arguments.
#define LAPACK_DECLARE(p, T)                                                                                        \
  void p##potrf_(const char *, const int *, T *, const int *, int *, unsigned long);                                \
  void p##gelqf_(const int *, const int *, T *, const int *, T *, T *, const int *, int *);                         \
  void p##orglq_(const int *, const int *, const int *, T *, const int *, const T *, T *, const int *, int *);      \
  void p##gesdd_(const char *, const int *, const int *, T *, const int *, T *, T *, const int *, T *, const int *, \
                 T *, const int *, int *, int *, unsigned long);                                                    \
  void p##gesvd_(const char *, const char *, const int *, const int *, T *, const int *, T *, T *, const int *,     \
                 T *, const int *, T *, const int *, int *, unsigned long, unsigned long);                          \
  void p##syevd_(const char *, const char *, const int *, T *, const int *, T *, T *, const int *, int *,           \
                 const int *, int *, unsigned long, unsigned long);

LAPACK_DECLARE(d, double)
LAPACK_DECLARE(s, float)

// Exported by builds of OpenBLAS with kernels for several processors (DYNAMIC_ARCH), without a header.
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

void copenblas_set_threads(int count) { openblas_set_num_threads(count); }

int copenblas_uses_openmp(void) { return openblas_get_parallel() == OPENBLAS_OPENMP; }

const char *copenblas_core_name(void) { return openblas_get_corename(); }

int copenblas_choose_core(const char *name) {
  if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit) return 0;
  // The library takes the name from OPENBLAS_CORETYPE alone. setenv frees the list of variables that other threads may
  // be reading; so the list is replaced for a moment by a longer one, and neither is ever freed.
  static char variable[64];
  static char **known, **longer;
  if (snprintf(variable, sizeof variable, "OPENBLAS_CORETYPE=%s", name) >= (int)sizeof variable) return 0;
  size_t count = 0;
  known = environ;
  while (known && known[count]) ++count;
  longer = malloc((count + 2) * sizeof *longer);
  if (!longer) return 0;
  longer[0] = variable;
  if (count) memcpy(longer + 1, known, count * sizeof *longer);
  longer[count + 1] = NULL;
  environ = longer;
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  // Whoever has set a variable meanwhile has made a list of their own.
  if (environ == longer) environ = known;
  return 1;
}

int copenblas_vector_bits(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
    return 512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 256;
#endif
  return 0;
}

static int leading(int n) { return n > 0 ? n : 1; }

#define COPENBLAS_DEFINE(p, T)                                                                                      \
  void copenblas_##p##gemm(int transpose_a, int transpose_b, int m, int n, int k, T alpha, const T *a, int lda,     \
                           const T *b, int ldb, T beta, T *c, int ldc) {                                            \
    cblas_##p##gemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, \
                    m, n, k, alpha, a, leading(lda), b, leading(ldb), beta, c, leading(ldc));                       \
  }                                                                                                                 \
  void copenblas_##p##syrk(int m, int n, const T *a, T *c) {                                                        \
    cblas_##p##syrk(CblasRowMajor, CblasUpper, CblasTrans, n, m, 1, a, leading(n), 0, c, leading(n));               \
  }                                                                                                                 \
  void copenblas_##p##trmm_left(int n, int m, const T *r, T *x) {                                                   \
    cblas_##p##trmm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, n, m, 1, r, leading(n), x,    \
                    leading(m));                                                                                    \
  }                                                                                                                 \
  void copenblas_##p##trsm_right(int m, int n, const T *r, int ldr, T *x, int ldx) {                                \
    cblas_##p##trsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, m, n, 1, r, leading(ldr), x, \
                    leading(ldx));                                                                                  \
  }                                                                                                                 \
  void copenblas_##p##trsm_left(int n, int m, const T *r, T *x) {                                                   \
    cblas_##p##trsm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, n, m, 1, r, leading(n), x,    \
                    leading(m));                                                                                    \
  }                                                                                                                 \
  int copenblas_##p##potrf(int n, T *a) {                                                                           \
    int info = 0, ld = leading(n);                                                                                  \
    p##potrf_("L", &n, a, &ld, &info, 1);                                                                           \
    return info;                                                                                                    \
  }                                                                                                                 \
  int copenblas_##p##qr(int m, int n, T *a, T *tau, T *work, int lwork) {                                           \
    int info = 0, ld = leading(n);                                                                                  \
    p##gelqf_(&n, &m, a, &ld, tau, work, &lwork, &info);                                                            \
    return info;                                                                                                    \
  }                                                                                                                 \
  int copenblas_##p##qr_q(int m, int n, int k, T *a, const T *tau, T *work, int lwork) {                            \
    int info = 0, ld = leading(n);                                                                                  \
    p##orglq_(&k, &m, &k, a, &ld, tau, work, &lwork, &info);                                                        \
    return info;                                                                                                    \
  }                                                                                                                 \
  int copenblas_##p##gesdd(int m, int n, T *a, T *s, T *u, T *vt, T *work, int lwork, int *iwork) {                 \
    int info = 0, k = m < n ? m : n, lda = leading(n), ldk = leading(k);                                            \
    p##gesdd_("S", &n, &m, a, &lda, s, vt, &lda, u, &ldk, work, &lwork, iwork, &info, 1);                           \
    return info;                                                                                                    \
  }                                                                                                                 \
  int copenblas_##p##gesvd(int m, int n, T *a, T *s, T *u, T *vt, T *work, int lwork) {                             \
    int info = 0, k = m < n ? m : n, lda = leading(n), ldk = leading(k);                                            \
    p##gesvd_("S", "S", &n, &m, a, &lda, s, vt, &lda, u, &ldk, work, &lwork, &info, 1, 1);                          \
    return info;                                                                                                    \
  }                                                                                                                 \
  int copenblas_##p##syevd(int n, T *a, T *w, T *work, int lwork, int *iwork, int liwork) {                         \
    int info = 0, ld = leading(n);                                                                                  \
    p##syevd_("V", "U", &n, a, &ld, w, work, &lwork, iwork, &liwork, &info, 1, 1);                                  \
    return info;                                                                                                    \
  }

COPENBLAS_DEFINE(d, double)
COPENBLAS_DEFINE(s, float)
