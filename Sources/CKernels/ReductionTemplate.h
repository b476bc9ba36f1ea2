// Reductions of tiles, and accumulation of tiles elementwise; included once for each instruction set, with CK_SUFFIX
// defined.

// Element i of a tile goes to lane i modulo LANES, and the lanes are combined in halves: an order that depends on
// nothing but the tile's length, and vectors of every width can keep to it.
#define LANES 32

#define REDUCE(NAME, A, T, INITIAL, COMBINED)                                     \
  static int FN(NAME)(CK_ARGUMENTS) {                                             \
    CK_UNUSED;                                                                    \
    const T *restrict a = pa;                                                     \
    A lanes[LANES];                                                               \
    for (int l = 0; l < LANES; l++) lanes[l] = (INITIAL);                         \
    long i = 0;                                                                   \
    for (; i + LANES <= n; i += LANES)                                            \
      _Pragma("clang loop vectorize(enable)") for (int l = 0; l < LANES; l++) {   \
        const A x = lanes[l], y = (A)a[i + l];                                    \
        lanes[l] = (COMBINED);                                                    \
      }                                                                           \
    for (int l = 0; i < n; i++, l++) {                                            \
      const A x = lanes[l], y = (A)a[i];                                          \
      lanes[l] = (COMBINED);                                                      \
    }                                                                             \
    for (int half = LANES / 2; half > 0; half /= 2)                               \
      for (int l = 0; l < half; l++) {                                            \
        const A x = lanes[l], y = lanes[l + half];                                \
        lanes[l] = (COMBINED);                                                    \
      }                                                                           \
    *(A *)po = lanes[0];                                                          \
    return CK_OK;                                                                 \
  }

#define ACCUMULATE(NAME, A, T, COMBINED)                  \
  static int FN(NAME)(CK_ARGUMENTS) {                     \
    CK_UNUSED;                                            \
    A *o = po;                                            \
    const T *a = pa;                                      \
    CK_LOOP for (long i = 0; i < n; i++) {                \
      const A x = o[i], y = (A)a[i];                      \
      o[i] = (A)(COMBINED);                               \
    }                                                     \
    return CK_OK;                                         \
  }

#define REDUCTION(NAME, A, T, INITIAL, COMBINED)      \
  REDUCE(reduce_##NAME, A, T, INITIAL, COMBINED)      \
  ACCUMULATE(accumulate_##NAME, A, T, COMBINED)

#define LEAST(x, y) (((x) < (y) || (x) != (x)) ? (x) : (y))
#define GREATEST(x, y) (((x) > (y) || (x) != (x)) ? (x) : (y))

#define FLOAT_REDUCTIONS(T)                             \
  REDUCTION(product_##T, f64, T, 1, x * y)              \
  REDUCTION(min_##T, T, T, a[0], LEAST(x, y))           \
  REDUCTION(max_##T, T, T, a[0], GREATEST(x, y))        \
  ACCUMULATE(accumulate_sum_##T, f64, T, x + y)
CK_FOR_FLOATS(FLOAT_REDUCTIONS)

// Sums wrap, so they are made of unsigned words.
#define INTEGER_REDUCTIONS(T, WORD)                                    \
  REDUCTION(sum_##T, u64, WORD, 0, x + y)                              \
  REDUCTION(product_##T, u64, WORD, 1, x * y)                          \
  REDUCTION(min_##T, T, T, a[0], x < y ? x : y)                        \
  REDUCTION(max_##T, T, T, a[0], x > y ? x : y)
INTEGER_REDUCTIONS(i8, i8)
INTEGER_REDUCTIONS(i16, i16)
INTEGER_REDUCTIONS(i32, i32)
INTEGER_REDUCTIONS(i64, i64)
INTEGER_REDUCTIONS(u8, u8)
INTEGER_REDUCTIONS(u16, u16)
INTEGER_REDUCTIONS(u32, u32)
INTEGER_REDUCTIONS(u64, u64)

REDUCTION(sum_b8, u64, b8, 0, x + y)
REDUCTION(product_b8, u64, b8, 1, x *y)
REDUCTION(any_b8, b8, b8, 0, x | y)
REDUCTION(all_b8, b8, b8, 1, x &y)

// Sums of floating point hold their lanes in vectors.
typedef f64 FN(lanes64) __attribute__((vector_size(LANES * sizeof(f64))));
typedef f32 FN(lanes32) __attribute__((vector_size(LANES * sizeof(f32))));

static inline f64 FN(sum_of_lanes)(const FN(lanes64) *vector) {
  f64 lanes[LANES];
  memcpy(lanes, vector, sizeof lanes);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int l = 0; l < half; l++) lanes[l] += lanes[l + half];
  return lanes[0];
}

// The rest of a tile is added with zeros behind it, which change no lane (a lane is never -0 but at the start).
#define FLOAT_SUM(NAME, T, VECTOR, SETUP, TERM)                                \
  static int FN(NAME)(CK_ARGUMENTS) {                                          \
    CK_UNUSED;                                                                 \
    const T *restrict a = pa;                                                  \
    FN(lanes64) sum = {0};                                                     \
    FN(VECTOR) x;                                                              \
    long i = 0;                                                                \
    for (; i + LANES <= n; i += LANES) {                                       \
      memcpy(&x, a + i, sizeof x);                                             \
      sum += __builtin_convertvector(x, FN(lanes64));                          \
    }                                                                          \
    if (i < n) {                                                               \
      memset(&x, 0, sizeof x);                                                 \
      memcpy(&x, a + i, (unsigned long)(n - i) * sizeof(T));                   \
      sum += __builtin_convertvector(x, FN(lanes64));                          \
    }                                                                          \
    *(f64 *)po = FN(sum_of_lanes)(&sum);                                       \
    return CK_OK;                                                              \
  }
FLOAT_SUM(reduce_sum_f64, f64, lanes64, , )
FLOAT_SUM(reduce_sum_f32, f32, lanes32, , )

// Mean and sum of squared deviations, in two passes over a tile that is in cache.
static int FN(reduce_moments_f64)(CK_ARGUMENTS) {
  CK_UNUSED;
  const f64 *restrict a = pa;
  f64 *o = po;
  FN(reduce_sum_f64)(o, pa, pb, pc, n);
  const f64 mean = o[0] / (f64)n;
  FN(lanes64) sum = {0}, x;
  long i = 0;
  for (; i + LANES <= n; i += LANES) {
    memcpy(&x, a + i, sizeof x);
    x -= mean;
    sum += x * x;
  }
  if (i < n) {
    for (int l = 0; l < LANES; l++) x[l] = i + l < n ? a[i + l] : mean;
    x -= mean;
    sum += x * x;
  }
  o[0] = mean;
  o[1] = FN(sum_of_lanes)(&sum);
  return CK_OK;
}

static void FN(moments_merge)(
    double *mean, double *m2, const double *mean_a, const double *m2_a, double na, const double *mean_b,
    const double *m2_b, double nb, long n) {
  const double share = nb / (na + nb), weight = na * share;
  CK_LOOP for (long i = 0; i < n; i++) {
    const double ma = mean_a[i], difference = mean_b[i] - ma;
    const double squares = m2_a[i] + m2_b[i];
    mean[i] = ma + difference * share;
    m2[i] = squares + difference * difference * weight;
  }
}

static void FN(moments_add)(double *sum, double *squares, const double *shift, const double *x, long n) {
  CK_LOOP for (long i = 0; i < n; i++) {
    const double d = x[i] - shift[i];
    sum[i] += d;
    squares[i] += d * d;
  }
}

static void FN(moments_close)(double *sum, double *squares, const double *shift, double count, long n) {
  CK_LOOP for (long i = 0; i < n; i++) {
    const double s = sum[i], m2 = squares[i] - s * (s / count);
    sum[i] = shift[i] + s / count;
    // Rounding may leave a column of equal numbers a little below zero; NaN stays.
    squares[i] = m2 < 0 ? 0 : m2;
  }
}

// Sums and products of complex numbers have fewer lanes.
#define COMPLEX_LANES 8
#define COMPLEX_REDUCTION(NAME, T, INITIAL, RE, IM)                                           \
  static int FN(reduce_##NAME)(CK_ARGUMENTS) {                                                \
    CK_UNUSED;                                                                                \
    const T *restrict a = pa;                                                                 \
    c128 lanes[COMPLEX_LANES];                                                                \
    for (int l = 0; l < COMPLEX_LANES; l++) lanes[l] = (c128)INITIAL;                         \
    for (long i = 0; i < n; i++) {                                                            \
      const c128 x = lanes[i % COMPLEX_LANES], y = {a[i].re, a[i].im};                        \
      lanes[i % COMPLEX_LANES] = (c128){RE, IM};                                              \
    }                                                                                         \
    for (int half = COMPLEX_LANES / 2; half > 0; half /= 2)                                   \
      for (int l = 0; l < half; l++) {                                                        \
        const c128 x = lanes[l], y = lanes[l + half];                                         \
        lanes[l] = (c128){RE, IM};                                                            \
      }                                                                                       \
    *(c128 *)po = lanes[0];                                                                   \
    return CK_OK;                                                                             \
  }                                                                                           \
  static int FN(accumulate_##NAME)(CK_ARGUMENTS) {                                            \
    CK_UNUSED;                                                                                \
    c128 *o = po;                                                                             \
    const T *a = pa;                                                                          \
    for (long i = 0; i < n; i++) {                                                            \
      const c128 x = o[i], y = {a[i].re, a[i].im};                                            \
      o[i] = (c128){RE, IM};                                                                  \
    }                                                                                         \
    return CK_OK;                                                                             \
  }
#define ZERO {0, 0}
#define ONE {1, 0}
COMPLEX_REDUCTION(sum_c128, c128, ZERO, x.re + y.re, x.im + y.im)
COMPLEX_REDUCTION(sum_c64, c64, ZERO, x.re + y.re, x.im + y.im)
COMPLEX_REDUCTION(product_c128, c128, ONE, x.re *y.re - x.im * y.im, x.re *y.im + x.im * y.re)
COMPLEX_REDUCTION(product_c64, c64, ONE, x.re *y.re - x.im * y.im, x.re *y.im + x.im * y.re)

#define REDUCTIONS(V)                                                                          \
  {                                                                                            \
    [CK_SUM] = {FLOATS_OF(V##_sum, ), INTEGERS_OF(V##_sum, ), BOOL_OF(V##_sum, ),              \
                COMPLEX_OF(V##_sum, )},                                                        \
    [CK_PRODUCT] = {FLOATS_OF(V##_product, ), INTEGERS_OF(V##_product, ),                      \
                    BOOL_OF(V##_product, ), COMPLEX_OF(V##_product, )},                        \
    [CK_MIN] = {FLOATS_OF(V##_min, ), INTEGERS_OF(V##_min, ), [CK_BOOL] = FN(V##_all_b8)},     \
    [CK_MAX] = {FLOATS_OF(V##_max, ), INTEGERS_OF(V##_max, ), [CK_BOOL] = FN(V##_any_b8)},     \
    [CK_ANY] = {BOOL_OF(V##_any, )},                                                           \
    [CK_ALL] = {BOOL_OF(V##_all, )},                                                           \
    EXTRA_##V                                                                                  \
  }
#define EXTRA_reduce [CK_MOMENTS] = {[CK_F64] = FN(reduce_moments_f64)},
#define EXTRA_accumulate
static const ck_kernel FN(reduces)[CK_REDUCTION_COUNT][CK_TYPE_COUNT] = REDUCTIONS(reduce);
static const ck_kernel FN(accumulates)[CK_REDUCTION_COUNT][CK_TYPE_COUNT] = REDUCTIONS(accumulate);
