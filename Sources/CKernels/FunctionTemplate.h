// Elementary functions through SLEEF; included once for each instruction set, with
//   CK_SUFFIX                        the instruction set's suffix
//   VECTOR_BYTES_f64, _f32           the size of a vector
//   SLEEF_f64(f), SLEEF_f32(f)       the name of SLEEF's function f
//   DECLARE1(T, f), DECLARE2(T, f)   its declaration, for vectors of T
//   CALL1(T, f, out, a, count)       out[...] = f(a[...]) for `count` vectors
//   CALL2(T, f, out, a, b, count)    out[...] = f(a[...], b[...])
//
// The rest of a tile is computed in a whole vector, padded with ones, so that a value doesn't depend on its place.

// Every NaN that comes out is the same one, since SLEEF's differ in sign between instruction sets.

#define QUIET(T)                                                                     \
  static void FN(quiet_##T)(T *o, long n) {                                          \
    CK_LOOP for (long i = 0; i < n; i++) o[i] = o[i] != o[i] ? (T)__builtin_nanf("") : o[i]; \
  }
QUIET(f64)
QUIET(f32)

#define WIDTH(T) (VECTOR_BYTES_##T / (long)sizeof(T))

#define FUNCTION1(NAME, T)                                                                  \
  DECLARE1(T, SLEEF_##T(NAME))                                                              \
  static void FN(apply_##NAME##_##T)(T *o, const T *a, long n) {                            \
    const long vectors = n / WIDTH(T), done = vectors * WIDTH(T);                           \
    CALL1(T, SLEEF_##T(NAME), o, a, vectors);                                               \
    if (done < n) {                                                                         \
      T rest[WIDTH(T)];                                                                     \
      for (long l = 0; l < WIDTH(T); l++) rest[l] = done + l < n ? a[done + l] : 1;         \
      CALL1(T, SLEEF_##T(NAME), rest, rest, 1);                                             \
      memcpy(o + done, rest, (unsigned long)(n - done) * sizeof(T));                        \
    }                                                                                       \
  }                                                                                         \
  static int FN(function_##NAME##_##T)(CK_ARGUMENTS) {                                      \
    CK_UNUSED;                                                                              \
    FN(apply_##NAME##_##T)(po, pa, n);                                                      \
    FN(quiet_##T)(po, n);                                                                   \
    return CK_OK;                                                                           \
  }

// SLEEF's sinh and cosh overflow where exp does, a little before they have to: there they are (exp(|x|/2) / 2)
// exp(|x|/2).
#define HYPERBOLIC(NAME, T, LIMIT, SIGN)                                                    \
  static int FN(hyperbolic_##NAME##_##T)(CK_ARGUMENTS) {                                    \
    CK_UNUSED;                                                                              \
    enum { BLOCK = 64 };                                                                    \
    T *o = po, x[BLOCK], half[BLOCK];                                                       \
    for (const T *a = pa; n > 0; n -= BLOCK, a += BLOCK, o += BLOCK) {                      \
      const long m = n < BLOCK ? n : BLOCK;                                                 \
      int beyond = 0;                                                                       \
      memcpy(x, a, (unsigned long)m * sizeof(T));                                           \
      FN(apply_##NAME##_##T)(o, x, m);                                                      \
      FN(quiet_##T)(o, m);                                                                  \
      for (long l = 0; l < m; l++) beyond |= __builtin_elementwise_abs(x[l]) > (T)LIMIT;    \
      if (!beyond) continue;                                                                \
      for (long l = 0; l < m; l++) half[l] = __builtin_elementwise_abs(x[l]) / 2;           \
      FN(apply_exp_##T)(half, half, m);                                                     \
      for (long l = 0; l < m; l++)                                                          \
        if (__builtin_elementwise_abs(x[l]) > (T)LIMIT) {                                   \
          const T y = (half[l] / 2) * half[l];                                              \
          o[l] = SIGN && x[l] < 0 ? -y : y;                                                 \
        }                                                                                   \
    }                                                                                       \
    return CK_OK;                                                                           \
  }

// With a scalar operand the vectors of it are made once, and its pointer stays.
#define FUNCTION2(NAME, T)                                                                                     \
  DECLARE2(T, SLEEF_##T(NAME))                                                                                 \
  static void FN(apply_##NAME##_##T)(T *o, const T *a, const T *b, long n, long step_a, long step_b) {         \
    T xs[WIDTH(T)], ys[WIDTH(T)];                                                                              \
    if (step_a && step_b) {                                                                                    \
      const long vectors = n / WIDTH(T), done = vectors * WIDTH(T);                                            \
      CALL2(T, SLEEF_##T(NAME), o, a, b, vectors);                                                             \
      o += done, a += done, b += done, n -= done;                                                              \
    }                                                                                                          \
    for (; n > 0; n -= WIDTH(T), o += WIDTH(T), a += WIDTH(T) * step_a, b += WIDTH(T) * step_b) {              \
      const long m = n < WIDTH(T) ? n : WIDTH(T);                                                              \
      for (long l = 0; l < WIDTH(T); l++) xs[l] = l < m ? a[l * step_a] : 1;                                   \
      for (long l = 0; l < WIDTH(T); l++) ys[l] = l < m ? b[l * step_b] : 1;                                   \
      CALL2(T, SLEEF_##T(NAME), xs, xs, ys, 1);                                                                \
      memcpy(o, xs, (unsigned long)m * sizeof(T));                                                             \
    }                                                                                                          \
  }                                                                                                            \
  static int FN(function_##NAME##_##T##_vv)(CK_ARGUMENTS) {                                                    \
    CK_UNUSED;                                                                                                 \
    FN(apply_##NAME##_##T)(po, pa, pb, n, 1, 1);                                                               \
    FN(quiet_##T)(po, n);                                                                                      \
    return CK_OK;                                                                                              \
  }                                                                                                            \
  static int FN(function_##NAME##_##T##_vs)(CK_ARGUMENTS) {                                                    \
    CK_UNUSED;                                                                                                 \
    FN(apply_##NAME##_##T)(po, pa, pb, n, 1, 0);                                                               \
    FN(quiet_##T)(po, n);                                                                                      \
    return CK_OK;                                                                                              \
  }                                                                                                            \
  static int FN(function_##NAME##_##T##_sv)(CK_ARGUMENTS) {                                                    \
    CK_UNUSED;                                                                                                 \
    FN(apply_##NAME##_##T)(po, pa, pb, n, 0, 1);                                                               \
    FN(quiet_##T)(po, n);                                                                                      \
    return CK_OK;                                                                                              \
  }

#define FUNCTIONS(T)                                                                               \
  FUNCTION1(exp, T) FUNCTION1(expm1, T) FUNCTION1(log, T) FUNCTION1(log1p, T) FUNCTION1(log2, T)   \
  FUNCTION1(log10, T) FUNCTION1(sin, T) FUNCTION1(cos, T) FUNCTION1(tan, T) FUNCTION1(asin, T)     \
  FUNCTION1(acos, T) FUNCTION1(atan, T) FUNCTION1(sinh, T) FUNCTION1(cosh, T) FUNCTION1(tanh, T)   \
  FUNCTION2(pow, T) FUNCTION2(atan2, T)
FUNCTIONS(f64)
FUNCTIONS(f32)
HYPERBOLIC(sinh, f64, 709.5, 1)
HYPERBOLIC(cosh, f64, 709.5, 0)
HYPERBOLIC(sinh, f32, 88.5, 1)
HYPERBOLIC(cosh, f32, 88.5, 0)

#define BOTH_OF(KIND, NAME, V) {FN(KIND##_##NAME##_f64##V), FN(KIND##_##NAME##_f32##V)}
static const ck_kernel FN(functions1)[CK_UNARY_COUNT][2] = {
    [CK_EXP] = BOTH_OF(function, exp, ),      [CK_EXPM1] = BOTH_OF(function, expm1, ),
    [CK_LOG] = BOTH_OF(function, log, ),      [CK_LOG1P] = BOTH_OF(function, log1p, ),
    [CK_LOG2] = BOTH_OF(function, log2, ),    [CK_LOG10] = BOTH_OF(function, log10, ),
    [CK_SIN] = BOTH_OF(function, sin, ),      [CK_COS] = BOTH_OF(function, cos, ),
    [CK_TAN] = BOTH_OF(function, tan, ),      [CK_ASIN] = BOTH_OF(function, asin, ),
    [CK_ACOS] = BOTH_OF(function, acos, ),    [CK_ATAN] = BOTH_OF(function, atan, ),
    [CK_SINH] = BOTH_OF(hyperbolic, sinh, ),  [CK_COSH] = BOTH_OF(hyperbolic, cosh, ),
    [CK_TANH] = BOTH_OF(function, tanh, ),
};
// [variant] for power, then [variant] for atan2.
static const ck_kernel FN(functions2)[2 * CK_VARIANT_COUNT][2] = {
    BOTH_OF(function, pow, _vv),   BOTH_OF(function, pow, _vs),   BOTH_OF(function, pow, _sv),
    BOTH_OF(function, atan2, _vv), BOTH_OF(function, atan2, _vs), BOTH_OF(function, atan2, _sv),
};
const ck_functions FN(ck_functions) = {FN(functions1), FN(functions2)};
