// Kernels for any processor of the architecture.
#include "Types.h"

#define CK_SUFFIX plain
#include "TablesTemplate.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define VECTOR_f64 __m128d
#define VECTOR_f32 __m128
#define SLEEF_f64(f) Sleef_cinz_##f##d2_u10sse2
#define SLEEF_f32(f) Sleef_cinz_##f##f4_u10sse2
#elif defined(__aarch64__)
#include <arm_neon.h>
#define VECTOR_f64 float64x2_t
#define VECTOR_f32 float32x4_t
#define SLEEF_f64(f) Sleef_finz_##f##d2_u10advsimd
#define SLEEF_f32(f) Sleef_finz_##f##f4_u10advsimd
#else
#define VECTOR_f64 double
#define VECTOR_f32 float
#define SLEEF_f64(f) Sleef_cinz_##f##d1_u10purec
#define SLEEF_f32(f) Sleef_cinz_##f##f1_u10purec
#endif
#include "PlainCalls.h"
#include "FunctionTemplate.h"
