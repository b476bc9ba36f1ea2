// Kernels for processors with AVX2 and fused multiply-add.
#if defined(__x86_64__)
#include "Types.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define CK_SUFFIX avx2
#include "TablesTemplate.h"

#define VECTOR_f64 __m256d
#define VECTOR_f32 __m256
#define SLEEF_f64(f) Sleef_finz_##f##d4_u10avx2
#define SLEEF_f32(f) Sleef_finz_##f##f8_u10avx2
#include "FunctionTemplate.h"
#pragma clang attribute pop
#endif
