// What the kernels of all instruction sets share.
#ifndef CKERNELS_TYPES_H
#define CKERNELS_TYPES_H

#include "CKernels.h"

#include <string.h>

// The results must not depend on whether a processor has fused multiply-add.
#pragma STDC FP_CONTRACT OFF

// Where an instruction set has no vector form of an operation, the loop stays a plain one.
#pragma clang diagnostic ignored "-Wpass-failed"

typedef struct { double re, im; } c128;
typedef struct { float re, im; } c64;

typedef double f64;
typedef float f32;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef uint8_t b8;

// The unsigned types in which integer arithmetic wraps without being undefined (small ones would go to int).
typedef uint32_t wide_i8, wide_i16, wide_i32, wide_u8, wide_u16, wide_u32;
typedef uint64_t wide_i64, wide_u64;

#define CK_FOR_FLOATS(M) M(f64) M(f32)
#define CK_FOR_SIGNED(M) M(i8) M(i16) M(i32) M(i64)
#define CK_FOR_UNSIGNED(M) M(u8) M(u16) M(u32) M(u64)
#define CK_FOR_INTEGERS(M) CK_FOR_SIGNED(M) CK_FOR_UNSIGNED(M)
#define CK_FOR_REALS(M) CK_FOR_FLOATS(M) CK_FOR_INTEGERS(M)

#define CK_PASTE2(a, b) a##_##b
#define CK_PASTE(a, b) CK_PASTE2(a, b)
// A function's name in the instruction set that includes the template.
#define FN(name) CK_PASTE(name, CK_SUFFIX)

#define CK_ARGUMENTS void *po, const void *pa, const void *pb, const void *pc, long n
#define CK_UNUSED (void)pa, (void)pb, (void)pc, (void)n

// Operands are the output itself or don't overlap it, so the loop has no dependences.
#define CK_LOOP _Pragma("clang loop vectorize(assume_safety)")

// The tables that each instruction set defines.
typedef struct {
  const ck_kernel (*unary)[CK_TYPE_COUNT];
  const ck_kernel (*binary)[CK_BINARY_COUNT][CK_TYPE_COUNT];
  const ck_kernel (*cast)[CK_TYPE_COUNT];
  const ck_kernel (*select)[8];
  const ck_kernel (*reduce)[CK_TYPE_COUNT];
  const ck_kernel (*accumulate)[CK_TYPE_COUNT];
  void (*moments_merge)(
      double *mean, double *m2, const double *mean_a, const double *m2_a, double na, const double *mean_b,
      const double *m2_b, double nb, long n);
  void (*moments_add)(double *sum, double *squares, const double *shift, const double *x, long n);
  void (*moments_close)(double *sum, double *squares, const double *shift, double count, long n);
} ck_tables;

// The elementary functions, by precision: [operation][0: double, 1: float].
typedef struct {
  const ck_kernel (*unary)[2];
  const ck_kernel (*binary)[2];
} ck_functions;

#if defined(__x86_64__)
// The same for wider ones, in VectorCalls.S.
extern void ck_call1_256(void (*f)(void), void *out, const void *a, long count);
extern void ck_call2_256(void (*f)(void), void *out, const void *a, const void *b, long count);
extern void ck_call1_512(void (*f)(void), void *out, const void *a, long count);
extern void ck_call2_512(void (*f)(void), void *out, const void *a, const void *b, long count);
#endif

extern const ck_tables ck_tables_plain;
extern const ck_functions ck_functions_plain;
#if defined(__x86_64__)
extern const ck_tables ck_tables_avx2, ck_tables_avx512;
extern const ck_functions ck_functions_fma, ck_functions_avx2, ck_functions_avx512;
#endif

#endif
