// Kernels for processors with AVX-512 (F, DQ, BW, VL).
#if defined(__x86_64__)
#include "Types.h"

#include <immintrin.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,evex512"))), apply_to = function)
#define CK_SUFFIX avx512
#include "TablesTemplate.h"

#define VECTOR_f64 __m512d
#define VECTOR_f32 __m512
#define SLEEF_f64(f) Sleef_finz_##f##d8_u10avx512f
#define SLEEF_f32(f) Sleef_finz_##f##f16_u10avx512f
#include "FunctionTemplate.h"
#pragma clang attribute pop
#endif
