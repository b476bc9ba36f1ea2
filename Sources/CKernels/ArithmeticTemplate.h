// Arithmetic, comparisons and selection; included once for each instruction set, with CK_SUFFIX defined.

#define UNARY(NAME, OUT, IN, EXPRESSION)                    \
  static int FN(NAME)(CK_ARGUMENTS) {                       \
    CK_UNUSED;                                              \
    OUT *o = po;                                            \
    const IN *a = pa;                                       \
    CK_LOOP for (long i = 0; i < n; i++) {                  \
      const IN x = a[i];                                    \
      o[i] = (OUT)(EXPRESSION);                             \
    }                                                       \
    return CK_OK;                                           \
  }

// The three variants of a binary kernel.
#define BINARY_VARIANT(NAME, OUT, IN, HOIST, X, Y, EXPRESSION)     \
  static int FN(NAME)(CK_ARGUMENTS) {                              \
    CK_UNUSED;                                                     \
    OUT *o = po;                                                   \
    const IN *a = pa, *b = pb;                                     \
    HOIST;                                                         \
    CK_LOOP for (long i = 0; i < n; i++) {                         \
      const IN x = X, y = Y;                                       \
      o[i] = (OUT)(EXPRESSION);                                    \
    }                                                              \
    return CK_OK;                                                  \
  }
#define BINARY(NAME, OUT, IN, EXPRESSION)                                              \
  BINARY_VARIANT(NAME##_vv, OUT, IN, (void)0, a[i], b[i], EXPRESSION)                  \
  BINARY_VARIANT(NAME##_vs, OUT, IN, const IN scalar = b[0], a[i], scalar, EXPRESSION) \
  BINARY_VARIANT(NAME##_sv, OUT, IN, const IN scalar = a[0], scalar, b[i], EXPRESSION)

// As BINARY, for operations that can fail: BAD says whether x and y do, STATUS is what is returned then.
#define CHECKED_VARIANT(NAME, T, HOIST, X, Y, BAD, STATUS, EXPRESSION) \
  static int FN(NAME)(CK_ARGUMENTS) {                                  \
    CK_UNUSED;                                                         \
    T *o = po;                                                         \
    const T *a = pa, *b = pb;                                          \
    HOIST;                                                             \
    int bad = 0;                                                       \
    for (long i = 0; i < n; i++) {                                     \
      const T x = X, y = Y;                                            \
      bad |= (BAD);                                                    \
      o[i] = (BAD) ? 0 : (T)(EXPRESSION);                              \
    }                                                                  \
    return bad ? STATUS : CK_OK;                                       \
  }
#define CHECKED(NAME, T, BAD, STATUS, EXPRESSION)                                              \
  CHECKED_VARIANT(NAME##_vv, T, (void)0, a[i], b[i], BAD, STATUS, EXPRESSION)                  \
  CHECKED_VARIANT(NAME##_vs, T, const T scalar = b[0], a[i], scalar, BAD, STATUS, EXPRESSION)  \
  CHECKED_VARIANT(NAME##_sv, T, const T scalar = a[0], scalar, b[i], BAD, STATUS, EXPRESSION)

#define INFINITY_OF(T) ((T)__builtin_inff())

#define FLOAT_KERNELS(T)                                                        \
  UNARY(negate_##T, T, T, -x)                                                   \
  UNARY(absolute_##T, T, T, __builtin_elementwise_abs(x))                       \
  UNARY(square_##T, T, T, x *x)                                                 \
  UNARY(sign_##T, T, T, x > 0 ? (T)1 : x < 0 ? (T)-1 : x)                       \
  UNARY(sqrt_##T, T, T, __builtin_elementwise_sqrt(x))                          \
  UNARY(reciprocal_##T, T, T, (T)1 / x)                                         \
  UNARY(floor_##T, T, T, __builtin_elementwise_floor(x))                        \
  UNARY(ceil_##T, T, T, __builtin_elementwise_ceil(x))                          \
  UNARY(round_##T, T, T, __builtin_elementwise_rint(x))                         \
  UNARY(isnan_##T, b8, T, x != x)                                               \
  UNARY(isfinite_##T, b8, T, __builtin_elementwise_abs(x) < INFINITY_OF(T))     \
  BINARY(add_##T, T, T, x + y)                                                  \
  BINARY(subtract_##T, T, T, x - y)                                             \
  BINARY(multiply_##T, T, T, x *y)                                              \
  BINARY(divide_##T, T, T, x / y)                                               \
  BINARY(minimum_##T, T, T, (x < y || x != x) ? x : y)                          \
  BINARY(maximum_##T, T, T, (x > y || x != x) ? x : y)
CK_FOR_FLOATS(FLOAT_KERNELS)

// fmod is exact, so the C library's gives the same bits everywhere.
BINARY(remainder_f64, f64, f64, __builtin_fmod(x, y))
BINARY(remainder_f32, f32, f32, __builtin_fmodf(x, y))

#define INTEGER_KERNELS(T)                                                                   \
  static inline T FN(power_of_##T)(T x, T y) {                                               \
    wide_##T result = 1, factor = (wide_##T)x;                                               \
    for (T exponent = y; exponent != 0; exponent >>= 1, factor *= factor)                    \
      if (exponent & 1) result *= factor;                                                    \
    return (T)result;                                                                        \
  }                                                                                          \
  UNARY(negate_##T, T, T, (wide_##T)0 - (wide_##T)x)                                         \
  UNARY(square_##T, T, T, (wide_##T)x *(wide_##T)x)                                          \
  UNARY(not_##T, T, T, ~x)                                                                   \
  BINARY(add_##T, T, T, (wide_##T)x + (wide_##T)y)                                           \
  BINARY(subtract_##T, T, T, (wide_##T)x - (wide_##T)y)                                      \
  BINARY(multiply_##T, T, T, (wide_##T)x *(wide_##T)y)                                       \
  BINARY(minimum_##T, T, T, x < y ? x : y)                                                   \
  BINARY(maximum_##T, T, T, x > y ? x : y)                                                   \
  BINARY(and_##T, T, T, x &y)                                                                \
  BINARY(or_##T, T, T, x | y)                                                                \
  BINARY(xor_##T, T, T, x ^ y)
CK_FOR_INTEGERS(INTEGER_KERNELS)

// Dividing the least integer by -1 wraps, as negating it does.
#define SIGNED_KERNELS(T)                                                                                   \
  UNARY(absolute_##T, T, T, x < 0 ? (T)((wide_##T)0 - (wide_##T)x) : x)                                     \
  UNARY(sign_##T, T, T, (x > 0) - (x < 0))                                                                  \
  CHECKED(divide_##T, T, y == 0, CK_DIVISION_BY_ZERO, y == -1 ? (T)((wide_##T)0 - (wide_##T)x) : (T)(x / y)) \
  CHECKED(remainder_##T, T, y == 0, CK_DIVISION_BY_ZERO, y == -1 ? 0 : (T)(x % y))                           \
  CHECKED(power_##T, T, y < 0, CK_NEGATIVE_EXPONENT, FN(power_of_##T)(x, y))
CK_FOR_SIGNED(SIGNED_KERNELS)

#define UNSIGNED_KERNELS(T)                                         \
  UNARY(sign_##T, T, T, x > 0)                                      \
  CHECKED(divide_##T, T, y == 0, CK_DIVISION_BY_ZERO, x / y)        \
  CHECKED(remainder_##T, T, y == 0, CK_DIVISION_BY_ZERO, x % y)     \
  CHECKED(power_##T, T, 0, CK_OK, FN(power_of_##T)(x, y))
CK_FOR_UNSIGNED(UNSIGNED_KERNELS)

#define COMPARISON_KERNELS(T)                       \
  BINARY(equal_##T, b8, T, x == y)                  \
  BINARY(not_equal_##T, b8, T, x != y)              \
  BINARY(less_##T, b8, T, x < y)                    \
  BINARY(less_or_equal_##T, b8, T, x <= y)          \
  BINARY(greater_##T, b8, T, x > y)                 \
  BINARY(greater_or_equal_##T, b8, T, x >= y)
CK_FOR_REALS(COMPARISON_KERNELS)

COMPARISON_KERNELS(b8)
UNARY(not_b8, b8, b8, x ^ 1)
BINARY(minimum_b8, b8, b8, x &y)
BINARY(maximum_b8, b8, b8, x | y)
BINARY(and_b8, b8, b8, x &y)
BINARY(or_b8, b8, b8, x | y)
BINARY(xor_b8, b8, b8, x ^ y)

// Complex division by Smith's method, which neither overflows nor underflows where the quotient doesn't.
#define COMPLEX_KERNELS(C, T)                                                                                   \
  static inline C FN(quotient_##C)(C x, C y) {                                                                  \
    if (__builtin_elementwise_abs(y.re) >= __builtin_elementwise_abs(y.im)) {                                   \
      if (y.re == 0 && y.im == 0) return (C){x.re / y.re, x.im / y.re};                                         \
      const T r = y.im / y.re, d = y.re + y.im * r;                                                             \
      return (C){(x.re + x.im * r) / d, (x.im - x.re * r) / d};                                                 \
    }                                                                                                           \
    const T r = y.re / y.im, d = y.re * r + y.im;                                                               \
    return (C){(x.re * r + x.im) / d, (x.im * r - x.re) / d};                                                   \
  }                                                                                                             \
  UNARY(negate_##C, C, C, ((C){-x.re, -x.im}))                                                                  \
  UNARY(square_##C, C, C, ((C){x.re * x.re - x.im * x.im, x.re * x.im + x.im * x.re}))                          \
  UNARY(reciprocal_##C, C, C, FN(quotient_##C)((C){1, 0}, x))                                                   \
  UNARY(isnan_##C, b8, C, x.re != x.re || x.im != x.im)                                                         \
  UNARY(                                                                                                        \
      isfinite_##C, b8, C,                                                                                      \
      __builtin_elementwise_abs(x.re) < INFINITY_OF(T) && __builtin_elementwise_abs(x.im) < INFINITY_OF(T))     \
  UNARY(conjugate_##C, C, C, ((C){x.re, -x.im}))                                                                \
  UNARY(real_##C, T, C, x.re)                                                                                   \
  UNARY(imaginary_##C, T, C, x.im)                                                                              \
  BINARY(add_##C, C, C, ((C){x.re + y.re, x.im + y.im}))                                                        \
  BINARY(subtract_##C, C, C, ((C){x.re - y.re, x.im - y.im}))                                                   \
  BINARY(multiply_##C, C, C, ((C){x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re}))                       \
  BINARY(divide_##C, C, C, FN(quotient_##C)(x, y))                                                              \
  BINARY(equal_##C, b8, C, x.re == y.re && x.im == y.im)                                                        \
  BINARY(not_equal_##C, b8, C, x.re != y.re || x.im != y.im)
COMPLEX_KERNELS(c128, f64)
COMPLEX_KERNELS(c64, f32)

// |x|: scaled by a power of two where squares would overflow or underflow.
static inline f64 FN(modulus_c128)(c128 x) {
  const f64 re = __builtin_elementwise_abs(x.re), im = __builtin_elementwise_abs(x.im);
  if (re == INFINITY_OF(f64) || im == INFINITY_OF(f64)) return INFINITY_OF(f64);
  const f64 larger = re > im ? re : im;
  const f64 scale = larger > 0x1p500 ? 0x1p-600 : larger < 0x1p-400 ? 0x1p600 : 1.0;
  const f64 a = re * scale, b = im * scale;
  return __builtin_elementwise_sqrt(a * a + b * b) / scale;
}
static inline f32 FN(modulus_c64)(c64 x) {
  const f64 re = x.re, im = x.im;
  if (__builtin_elementwise_abs(re) == INFINITY_OF(f64) || __builtin_elementwise_abs(im) == INFINITY_OF(f64))
    return INFINITY_OF(f32);
  return (f32)__builtin_elementwise_sqrt(re * re + im * im);
}
UNARY(absolute_c128, f64, c128, FN(modulus_c128)(x))
UNARY(absolute_c64, f32, c64, FN(modulus_c64)(x))

// Selection by element size; the operands' indices are the element's or 0.
typedef struct { u64 words[2]; } FN(s16);
typedef u8 FN(s1);
typedef u16 FN(s2);
typedef u32 FN(s4);
typedef u64 FN(s8);
#define SELECT_VARIANT(S, BITS, A, B, C)                                       \
  static int FN(select_##S##_##BITS)(CK_ARGUMENTS) {                           \
    CK_UNUSED;                                                                 \
    FN(S) *o = po;                                                             \
    const FN(S) *a = pa, *b = pb;                                              \
    const b8 *c = pc;                                                          \
    CK_LOOP for (long i = 0; i < n; i++) o[i] = c[C] ? a[A] : b[B];            \
    return CK_OK;                                                              \
  }
#define SELECTS(S)                                                                                          \
  SELECT_VARIANT(S, 0, i, i, i) SELECT_VARIANT(S, 1, 0, i, i) SELECT_VARIANT(S, 2, i, 0, i)                 \
  SELECT_VARIANT(S, 3, 0, 0, i) SELECT_VARIANT(S, 4, i, i, 0) SELECT_VARIANT(S, 5, 0, i, 0)                 \
  SELECT_VARIANT(S, 6, i, 0, 0)
SELECTS(s1)
SELECTS(s2)
SELECTS(s4)
SELECTS(s8)
SELECTS(s16)
#define SELECT_ROW(S)                                                                                       \
  {FN(select_##S##_0), FN(select_##S##_1), FN(select_##S##_2), FN(select_##S##_3), FN(select_##S##_4),      \
   FN(select_##S##_5), FN(select_##S##_6)}
static const ck_kernel FN(selects)[5][8] = {
    SELECT_ROW(s1), SELECT_ROW(s2), SELECT_ROW(s4), SELECT_ROW(s8), SELECT_ROW(s16)};

#define FLOATS_OF(N, V) [CK_F64] = FN(N##_f64##V), [CK_F32] = FN(N##_f32##V)
#define SIGNED_OF(N, V) \
  [CK_I8] = FN(N##_i8##V), [CK_I16] = FN(N##_i16##V), [CK_I32] = FN(N##_i32##V), [CK_I64] = FN(N##_i64##V)
#define UNSIGNED_OF(N, V) \
  [CK_U8] = FN(N##_u8##V), [CK_U16] = FN(N##_u16##V), [CK_U32] = FN(N##_u32##V), [CK_U64] = FN(N##_u64##V)
#define INTEGERS_OF(N, V) SIGNED_OF(N, V), UNSIGNED_OF(N, V)
#define BOOL_OF(N, V) [CK_BOOL] = FN(N##_b8##V)
#define COMPLEX_OF(N, V) [CK_C128] = FN(N##_c128##V), [CK_C64] = FN(N##_c64##V)

static const ck_kernel FN(unaries)[CK_UNARY_COUNT][CK_TYPE_COUNT] = {
    [CK_NEGATE] = {FLOATS_OF(negate, ), INTEGERS_OF(negate, ), COMPLEX_OF(negate, )},
    [CK_ABSOLUTE] = {FLOATS_OF(absolute, ), SIGNED_OF(absolute, ), COMPLEX_OF(absolute, )},
    [CK_SQUARE] = {FLOATS_OF(square, ), INTEGERS_OF(square, ), COMPLEX_OF(square, )},
    [CK_SIGN] = {FLOATS_OF(sign, ), INTEGERS_OF(sign, )},
    [CK_SQRT] = {FLOATS_OF(sqrt, )},
    [CK_RECIPROCAL] = {FLOATS_OF(reciprocal, ), COMPLEX_OF(reciprocal, )},
    [CK_FLOOR] = {FLOATS_OF(floor, )},
    [CK_CEIL] = {FLOATS_OF(ceil, )},
    [CK_ROUND] = {FLOATS_OF(round, )},
    [CK_ISNAN] = {FLOATS_OF(isnan, ), COMPLEX_OF(isnan, )},
    [CK_ISFINITE] = {FLOATS_OF(isfinite, ), COMPLEX_OF(isfinite, )},
    [CK_NOT] = {INTEGERS_OF(not, ), BOOL_OF(not, )},
    [CK_CONJUGATE] = {COMPLEX_OF(conjugate, )},
    [CK_REAL] = {COMPLEX_OF(real, )},
    [CK_IMAGINARY] = {COMPLEX_OF(imaginary, )},
};

#define BINARIES(V)                                                                                       \
  {                                                                                                       \
    [CK_ADD] = {FLOATS_OF(add, V), INTEGERS_OF(add, V), COMPLEX_OF(add, V)},                              \
    [CK_SUBTRACT] = {FLOATS_OF(subtract, V), INTEGERS_OF(subtract, V), COMPLEX_OF(subtract, V)},          \
    [CK_MULTIPLY] = {FLOATS_OF(multiply, V), INTEGERS_OF(multiply, V), COMPLEX_OF(multiply, V)},          \
    [CK_DIVIDE] = {FLOATS_OF(divide, V), INTEGERS_OF(divide, V), COMPLEX_OF(divide, V)},                  \
    [CK_REMAINDER] = {FLOATS_OF(remainder, V), INTEGERS_OF(remainder, V)},                                \
    [CK_POWER] = {INTEGERS_OF(power, V)},                                                                 \
    [CK_MINIMUM] = {FLOATS_OF(minimum, V), INTEGERS_OF(minimum, V), BOOL_OF(minimum, V)},                 \
    [CK_MAXIMUM] = {FLOATS_OF(maximum, V), INTEGERS_OF(maximum, V), BOOL_OF(maximum, V)},                 \
    [CK_EQUAL] = {FLOATS_OF(equal, V), INTEGERS_OF(equal, V), BOOL_OF(equal, V), COMPLEX_OF(equal, V)},   \
    [CK_NOT_EQUAL] = {FLOATS_OF(not_equal, V), INTEGERS_OF(not_equal, V), BOOL_OF(not_equal, V),          \
                      COMPLEX_OF(not_equal, V)},                                                          \
    [CK_LESS] = {FLOATS_OF(less, V), INTEGERS_OF(less, V), BOOL_OF(less, V)},                             \
    [CK_LESS_OR_EQUAL] = {FLOATS_OF(less_or_equal, V), INTEGERS_OF(less_or_equal, V),                     \
                          BOOL_OF(less_or_equal, V)},                                                     \
    [CK_GREATER] = {FLOATS_OF(greater, V), INTEGERS_OF(greater, V), BOOL_OF(greater, V)},                 \
    [CK_GREATER_OR_EQUAL] = {FLOATS_OF(greater_or_equal, V), INTEGERS_OF(greater_or_equal, V),            \
                             BOOL_OF(greater_or_equal, V)},                                               \
    [CK_AND] = {INTEGERS_OF(and, V), BOOL_OF(and, V)},                                                    \
    [CK_OR] = {INTEGERS_OF(or, V), BOOL_OF(or, V)},                                                       \
    [CK_XOR] = {INTEGERS_OF(xor, V), BOOL_OF(xor, V)},                                                    \
  }
static const ck_kernel FN(binaries)[CK_VARIANT_COUNT][CK_BINARY_COUNT][CK_TYPE_COUNT] = {
    BINARIES(_vv), BINARIES(_vs), BINARIES(_sv)};
