// The inner loops of elementwise programs, reductions and copies: functions only, each over one tile of elements.
//
// Every kernel exists once for each instruction set, and all of them give the same bits (but for the sign of a NaN made
// of two): nothing is contracted to fused multiply-adds by the compiler, sums go over a fixed number of lanes, and
// elementary functions are SLEEF's deterministic ones.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stdint.h>

// The numbers of element types, as in Swift's ElementType.
enum {
  CK_F64, CK_F32, CK_I8, CK_I16, CK_I32, CK_I64, CK_U8, CK_U16, CK_U32, CK_U64, CK_BOOL, CK_C128, CK_C64,
  CK_TYPE_COUNT
};

// The numbers of operations, as in Swift's UnaryOperation, BinaryOperation and ReductionKind.
enum {
  CK_NEGATE, CK_ABSOLUTE, CK_SQUARE, CK_SIGN, CK_SQRT, CK_RECIPROCAL, CK_FLOOR, CK_CEIL, CK_ROUND, CK_ISNAN,
  CK_ISFINITE, CK_NOT, CK_CONJUGATE, CK_REAL, CK_IMAGINARY, CK_EXP, CK_EXPM1, CK_LOG, CK_LOG1P, CK_LOG2, CK_LOG10,
  CK_SIN, CK_COS, CK_TAN, CK_ASIN, CK_ACOS, CK_ATAN, CK_SINH, CK_COSH, CK_TANH,
  CK_UNARY_COUNT
};
enum {
  CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE, CK_REMAINDER, CK_POWER, CK_MINIMUM, CK_MAXIMUM, CK_ATAN2, CK_EQUAL,
  CK_NOT_EQUAL, CK_LESS, CK_LESS_OR_EQUAL, CK_GREATER, CK_GREATER_OR_EQUAL, CK_AND, CK_OR, CK_XOR,
  CK_BINARY_COUNT
};
enum { CK_SUM, CK_PRODUCT, CK_MIN, CK_MAX, CK_ANY, CK_ALL, CK_MOMENTS, CK_REDUCTION_COUNT };

// Which operands are one element for the whole tile: none, the second, the first.
enum { CK_VV, CK_VS, CK_SV, CK_VARIANT_COUNT };

// What a kernel returns.
enum { CK_OK = 0, CK_DIVISION_BY_ZERO = 1, CK_NEGATIVE_EXPONENT = 2 };

// Instruction sets, the plainest first. On x86-64, CK_ISA_FMA is plain code that calls SLEEF's scalar functions with
// fused multiply-add, which give the bits of CK_ISA_AVX2 and CK_ISA_AVX512; CK_ISA_PLAIN is for processors without
// it, whose elementary functions may differ in the last bit. Elsewhere there is CK_ISA_PLAIN only.
enum { CK_ISA_PLAIN, CK_ISA_FMA, CK_ISA_AVX2, CK_ISA_AVX512, CK_ISA_COUNT };

// Computes `n` elements of `out`, which may be `a`, `b` or `c` itself where the element sizes are equal, and must not
// overlap them otherwise. Operands that the operation doesn't have are ignored.
typedef int (*ck_kernel)(void *out, const void *a, const void *b, const void *c, long n);

// Whether this processor has the instruction set; the best one that it has.
bool ck_isa_available(int isa);
int ck_isa_best(void);

// The kernels; NULL where there is none for the type.
ck_kernel ck_unary(int isa, int operation, int type);
ck_kernel ck_binary(int isa, int operation, int type, int variant);
ck_kernel ck_cast(int isa, int from, int to);
// out = c ? a : b, with c Bool, for elements of `size` bytes; bits 0, 1, 2 of `scalars`: a, b, c is one element.
ck_kernel ck_select(int isa, int size, int scalars);
// out = a, elementwise or one element repeated.
ck_kernel ck_copy(int size);
ck_kernel ck_fill(int size);

// Reduces a tile to one accumulator (CK_MOMENTS, of f64 only: mean, then sum of squared deviations).
ck_kernel ck_reduce(int isa, int kind, int type);
// out[i] = out[i] (+) a[i], of accumulators and elements.
ck_kernel ck_accumulate(int isa, int kind, int type);
// out[i] = a[i] (+) b[i], of accumulators, for elements of the type. Not CK_MOMENTS.
ck_kernel ck_combine(int isa, int kind, int type);

// Chan's merge of means and sums of squared deviations of `na` and `nb` elements; the results may be the `b` operands.
void ck_moments_merge(
    int isa, double *mean, double *m2, const double *mean_a, const double *m2_a, double na, const double *mean_b,
    const double *m2_b, double nb, long n);
// Moments of columns by blocks of few rows: sums of x - shift and of its square, then mean and squared deviations
// (which replace the sums).
void ck_moments_add(int isa, double *sum, double *squares, const double *shift, const double *x, long n);
void ck_moments_close(int isa, double *sum, double *squares, const double *shift, double count, long n);

// One instruction of a program: a kernel and the slots of its operands.
typedef struct {
  ck_kernel kernel;
  int32_t out, a, b, c;
} ck_instruction;

// Runs the instructions on `n` elements. Returns 0, or the number of the instruction that failed, from 1, with what
// it returned in `*status`.
long ck_execute(const ck_instruction *instructions, long count, void *const *slots, long n, int *status);

// Copies elements of `size` bytes between arrays with any strides (in elements, also negative or zero in the source).
// Neighbouring dimensions should be merged where strides allow. At most 32 dimensions.
void ck_copy_strided(
    void *out, const long *out_strides, const void *in, const long *in_strides, const long *shape, long rank, long size);

// Copies the elements [start, start + n) in row-major order of a strided view to `out`.
void ck_gather(void *out, const void *in, const long *strides, const long *shape, long rank, long size, long start, long n);

// Makes every NaN the same one: which of two a sum keeps, with which sign, differs between instruction sets.
void ck_quiet_f64(double *x, long n);
void ck_quiet_f32(float *x, long n);

#endif
