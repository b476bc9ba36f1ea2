// Means and squared deviations: merging them, and the columns of a block of rows.
#include "Types.h"

void ck_moments_merge(
    double *mean, double *m2, const double *mean_a, const double *m2_a, double na, const double *mean_b,
    const double *m2_b, double nb, long n) {
  const double share = nb / (na + nb), weight = na * share;
  CK_LOOP for (long i = 0; i < n; i++) {
    const double ma = mean_a[i], difference = mean_b[i] - ma;
    const double squares = m2_a[i] + m2_b[i];
    mean[i] = ma + difference * share;
    m2[i] = squares + difference * difference * weight;
  }
}

void ck_moments_add(double *sum, double *squares, const double *shift, const double *x, long n) {
  CK_LOOP for (long i = 0; i < n; i++) {
    const double d = x[i] - shift[i];
    sum[i] += d;
    squares[i] += d * d;
  }
}

void ck_moments_close(double *sum, double *squares, const double *shift, double count, long n) {
  CK_LOOP for (long i = 0; i < n; i++) {
    const double s = sum[i], m2 = squares[i] - s * (s / count);
    sum[i] = shift[i] + s / count;
    // Rounding may leave a column of equal numbers a little below zero; NaN stays.
    squares[i] = m2 < 0 ? 0 : m2;
  }
}

bool ck_all_finite_f64(const double *x, long n) {
  int bad = 0;
  for (long i = 0; i < n; i++) bad |= !(__builtin_elementwise_abs(x[i]) < __builtin_inf());
  return !bad;
}

bool ck_all_finite_f32(const float *x, long n) {
  int bad = 0;
  for (long i = 0; i < n; i++) bad |= !(__builtin_elementwise_abs(x[i]) < __builtin_inff());
  return !bad;
}
