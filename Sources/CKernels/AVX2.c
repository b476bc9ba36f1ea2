// Kernels for processors with AVX2 and fused multiply-add.
#if defined(__x86_64__)
#include "Types.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define CK_SUFFIX avx2
#include "TablesTemplate.h"

#define VECTOR_BYTES_f64 32
#define VECTOR_BYTES_f32 32
#define DECLARE1(T, f) extern void f(void);
#define DECLARE2(T, f) extern void f(void);
#define CALL1(T, f, out, a, count) ck_call1_256(f, out, a, count)
#define CALL2(T, f, out, a, b, count) ck_call2_256(f, out, a, b, count)
#define SLEEF_f64(f) Sleef_finz_##f##d4_u10avx2
#define SLEEF_f32(f) Sleef_finz_##f##f8_u10avx2
#include "FunctionTemplate.h"
#pragma clang attribute pop
#endif
