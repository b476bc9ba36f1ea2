// Elementary functions through SLEEF; included once for each instruction set, with
//   CK_SUFFIX                 the instruction set's suffix
//   VECTOR_f64, VECTOR_f32    the vector types, or the element types themselves
//   SLEEF_f64(f), SLEEF_f32(f)  the name of SLEEF's function f
//
// The rest of a tile is computed in a whole vector, padded with ones, so that a value doesn't depend on its place.

#define FUNCTION1(NAME, T)                                                                  \
  extern VECTOR_##T SLEEF_##T(NAME)(VECTOR_##T);                                            \
  static int FN(function_##NAME##_##T)(CK_ARGUMENTS) {                                      \
    CK_UNUSED;                                                                              \
    enum { W = sizeof(VECTOR_##T) / sizeof(T) };                                            \
    T *o = po;                                                                              \
    const T *a = pa;                                                                        \
    VECTOR_##T x;                                                                           \
    long i = 0;                                                                             \
    for (; i + W <= n; i += W) {                                                            \
      memcpy(&x, a + i, sizeof x);                                                          \
      x = SLEEF_##T(NAME)(x);                                                               \
      memcpy(o + i, &x, sizeof x);                                                          \
    }                                                                                       \
    if (i < n) {                                                                            \
      T rest[W];                                                                            \
      for (int l = 0; l < W; l++) rest[l] = i + l < n ? a[i + l] : 1;                       \
      memcpy(&x, rest, sizeof x);                                                           \
      x = SLEEF_##T(NAME)(x);                                                               \
      memcpy(o + i, &x, (unsigned long)(n - i) * sizeof(T));                                \
    }                                                                                       \
    return CK_OK;                                                                           \
  }

#define FUNCTION2_VARIANT(NAME, T, V, STEP_A, STEP_B)                                       \
  static int FN(function_##NAME##_##T##V)(CK_ARGUMENTS) {                                   \
    CK_UNUSED;                                                                              \
    enum { W = sizeof(VECTOR_##T) / sizeof(T) };                                            \
    T *o = po;                                                                              \
    const T *a = pa, *b = pb;                                                               \
    for (long i = 0; i < n; i += W) {                                                       \
      const long m = n - i < W ? n - i : W;                                                 \
      T xs[W], ys[W];                                                                       \
      VECTOR_##T x, y;                                                                      \
      for (int l = 0; l < W; l++) xs[l] = l < m ? a[STEP_A * (i + l)] : 1;                  \
      for (int l = 0; l < W; l++) ys[l] = l < m ? b[STEP_B * (i + l)] : 1;                  \
      memcpy(&x, xs, sizeof x);                                                             \
      memcpy(&y, ys, sizeof y);                                                             \
      x = SLEEF_##T(NAME)(x, y);                                                            \
      memcpy(o + i, &x, (unsigned long)m * sizeof(T));                                      \
    }                                                                                       \
    return CK_OK;                                                                           \
  }
#define FUNCTION2(NAME, T)                                             \
  extern VECTOR_##T SLEEF_##T(NAME)(VECTOR_##T, VECTOR_##T);           \
  FUNCTION2_VARIANT(NAME, T, _vv, 1, 1)                                \
  FUNCTION2_VARIANT(NAME, T, _vs, 1, 0)                                \
  FUNCTION2_VARIANT(NAME, T, _sv, 0, 1)

#define FUNCTIONS(T)                                                                               \
  FUNCTION1(exp, T) FUNCTION1(expm1, T) FUNCTION1(log, T) FUNCTION1(log1p, T) FUNCTION1(log2, T)   \
  FUNCTION1(log10, T) FUNCTION1(sin, T) FUNCTION1(cos, T) FUNCTION1(tan, T) FUNCTION1(asin, T)     \
  FUNCTION1(acos, T) FUNCTION1(atan, T) FUNCTION1(sinh, T) FUNCTION1(cosh, T) FUNCTION1(tanh, T)   \
  FUNCTION2(pow, T) FUNCTION2(atan2, T)
FUNCTIONS(f64)
FUNCTIONS(f32)

#define BOTH_OF(NAME, V) {FN(function_##NAME##_f64##V), FN(function_##NAME##_f32##V)}
static const ck_kernel FN(functions1)[CK_UNARY_COUNT][2] = {
    [CK_EXP] = BOTH_OF(exp, ),     [CK_EXPM1] = BOTH_OF(expm1, ), [CK_LOG] = BOTH_OF(log, ),
    [CK_LOG1P] = BOTH_OF(log1p, ), [CK_LOG2] = BOTH_OF(log2, ),   [CK_LOG10] = BOTH_OF(log10, ),
    [CK_SIN] = BOTH_OF(sin, ),     [CK_COS] = BOTH_OF(cos, ),     [CK_TAN] = BOTH_OF(tan, ),
    [CK_ASIN] = BOTH_OF(asin, ),   [CK_ACOS] = BOTH_OF(acos, ),   [CK_ATAN] = BOTH_OF(atan, ),
    [CK_SINH] = BOTH_OF(sinh, ),   [CK_COSH] = BOTH_OF(cosh, ),   [CK_TANH] = BOTH_OF(tanh, ),
};
// [variant] for power, then [variant] for atan2.
static const ck_kernel FN(functions2)[2 * CK_VARIANT_COUNT][2] = {
    BOTH_OF(pow, _vv),   BOTH_OF(pow, _vs),   BOTH_OF(pow, _sv),
    BOTH_OF(atan2, _vv), BOTH_OF(atan2, _vs), BOTH_OF(atan2, _sv),
};
const ck_functions FN(ck_functions) = {FN(functions1), FN(functions2)};
