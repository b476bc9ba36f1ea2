// Calls of SLEEF's functions on vectors of at most 128 bits, which every compiler passes in
// registers; VECTOR_f64 and VECTOR_f32 are their types.
#define DECLARE1(T, f) extern VECTOR_##T f(VECTOR_##T);
#define DECLARE2(T, f) extern VECTOR_##T f(VECTOR_##T, VECTOR_##T);
#define CALL1(T, f, out, a, count)                            \
  for (long i = 0; i < (count); i++) {                        \
    VECTOR_##T x;                                             \
    memcpy(&x, (const char *)(a) + i * (long)sizeof x, sizeof x); \
    x = f(x);                                                 \
    memcpy((char *)(out) + i * (long)sizeof x, &x, sizeof x); \
  }
#define CALL2(T, f, out, a, b, count)                         \
  for (long i = 0; i < (count); i++) {                        \
    VECTOR_##T x, y;                                          \
    memcpy(&x, (const char *)(a) + i * (long)sizeof x, sizeof x); \
    memcpy(&y, (const char *)(b) + i * (long)sizeof y, sizeof y); \
    x = f(x, y);                                              \
    memcpy((char *)(out) + i * (long)sizeof x, &x, sizeof x); \
  }
#define VECTOR_BYTES_f64 (long)sizeof(VECTOR_f64)
#define VECTOR_BYTES_f32 (long)sizeof(VECTOR_f32)

