// One NaN for all instruction sets.
#include "Types.h"

void ck_quiet_f64(double *x, long n) {
  CK_LOOP for (long i = 0; i < n; i++) x[i] = x[i] != x[i] ? (double)__builtin_nanf("") : x[i];
}

void ck_quiet_f32(float *x, long n) {
  CK_LOOP for (long i = 0; i < n; i++) x[i] = x[i] != x[i] ? __builtin_nanf("") : x[i];
}
