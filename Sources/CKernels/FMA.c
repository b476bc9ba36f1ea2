// Elementary functions for processors with fused multiply-add, an element at a time: the bits of the vector ones.
#if defined(__x86_64__)
#include "Types.h"

#define CK_SUFFIX fma
#define VECTOR_f64 double
#define VECTOR_f32 float
#define SLEEF_f64(f) Sleef_finz_##f##d1_u10purecfma
#define SLEEF_f32(f) Sleef_finz_##f##f1_u10purecfma
#include "PlainCalls.h"
#include "FunctionTemplate.h"
#endif
