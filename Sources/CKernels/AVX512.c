// Kernels for processors with AVX-512 (F, DQ, BW, VL).
#if defined(__x86_64__)
#include "Types.h"

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,evex512"))), apply_to = function)
#define CK_SUFFIX avx512
#include "TablesTemplate.h"

#define VECTOR_BYTES_f64 64
#define VECTOR_BYTES_f32 64
#define DECLARE1(T, f) extern void f(void);
#define DECLARE2(T, f) extern void f(void);
#define CALL1(T, f, out, a, count) ck_call1_512(f, out, a, count)
#define CALL2(T, f, out, a, b, count) ck_call2_512(f, out, a, b, count)
#define SLEEF_f64(f) Sleef_finz_##f##d8_u10avx512f
#define SLEEF_f32(f) Sleef_finz_##f##f16_u10avx512f
#include "FunctionTemplate.h"
#pragma clang attribute pop
#endif
