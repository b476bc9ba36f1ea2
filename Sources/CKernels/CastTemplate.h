// Casts between all element types; included once for each instruction set, with CK_SUFFIX defined.

// The least value of each integer type, and the first value above the greatest, as powers of two that every
// floating-point type holds exactly.
#define LEAST_i8 -0x1p7
#define LEAST_i16 -0x1p15
#define LEAST_i32 -0x1p31
#define LEAST_i64 -0x1p63
#define LEAST_u8 0
#define LEAST_u16 0
#define LEAST_u32 0
#define LEAST_u64 0
#define BEYOND_i8 0x1p7
#define BEYOND_i16 0x1p15
#define BEYOND_i32 0x1p31
#define BEYOND_i64 0x1p63
#define BEYOND_u8 0x1p8
#define BEYOND_u16 0x1p16
#define BEYOND_u32 0x1p32
#define BEYOND_u64 0x1p64
#define MINIMUM_i8 INT8_MIN
#define MINIMUM_i16 INT16_MIN
#define MINIMUM_i32 INT32_MIN
#define MINIMUM_i64 INT64_MIN
#define MINIMUM_u8 0
#define MINIMUM_u16 0
#define MINIMUM_u32 0
#define MINIMUM_u64 0
#define MAXIMUM_i8 INT8_MAX
#define MAXIMUM_i16 INT16_MAX
#define MAXIMUM_i32 INT32_MAX
#define MAXIMUM_i64 INT64_MAX
#define MAXIMUM_u8 UINT8_MAX
#define MAXIMUM_u16 UINT16_MAX
#define MAXIMUM_u32 UINT32_MAX
#define MAXIMUM_u64 UINT64_MAX

// Towards zero, saturating; NaN to 0.
#define SATURATED(F, T, X)                                                                    \
  ((X) != (X) ? (T)0                                                                          \
              : (X) < (F)LEAST_##T ? (T)MINIMUM_##T : (X) >= (F)BEYOND_##T ? (T)MAXIMUM_##T : (T)(X))

#define CAST_FLOAT_INTEGER(F, X, S, T) UNARY(cast_##S##_##T, T, S, SATURATED(F, T, X))
#define CASTS_FLOAT(F, X, S)                   \
  CAST_FLOAT_INTEGER(F, X, S, i8)              \
  CAST_FLOAT_INTEGER(F, X, S, i16)             \
  CAST_FLOAT_INTEGER(F, X, S, i32)             \
  CAST_FLOAT_INTEGER(F, X, S, i64)             \
  CAST_FLOAT_INTEGER(F, X, S, u8)              \
  CAST_FLOAT_INTEGER(F, X, S, u16)             \
  CAST_FLOAT_INTEGER(F, X, S, u32)             \
  CAST_FLOAT_INTEGER(F, X, S, u64)             \
  UNARY(cast_##S##_f64, f64, S, X)             \
  UNARY(cast_##S##_f32, f32, S, X)
CASTS_FLOAT(f64, x, f64)
CASTS_FLOAT(f32, x, f32)
CASTS_FLOAT(f64, x.re, c128)
CASTS_FLOAT(f32, x.re, c64)

#define CAST_PLAIN(S, T) UNARY(cast_##S##_##T, T, S, x)
#define CASTS_INTEGER(S)                                                                                   \
  CAST_PLAIN(S, i8) CAST_PLAIN(S, i16) CAST_PLAIN(S, i32) CAST_PLAIN(S, i64) CAST_PLAIN(S, u8)              \
  CAST_PLAIN(S, u16) CAST_PLAIN(S, u32) CAST_PLAIN(S, u64) CAST_PLAIN(S, f64) CAST_PLAIN(S, f32)
CK_FOR_INTEGERS(CASTS_INTEGER)
CASTS_INTEGER(b8)

#define CASTS_REAL(S)                                       \
  UNARY(cast_##S##_b8, b8, S, x != 0)                       \
  UNARY(cast_##S##_c128, c128, S, ((c128){(f64)x, 0}))      \
  UNARY(cast_##S##_c64, c64, S, ((c64){(f32)x, 0}))
CK_FOR_REALS(CASTS_REAL)
CASTS_REAL(b8)

#define CASTS_COMPLEX(S)                                               \
  UNARY(cast_##S##_b8, b8, S, x.re != 0 || x.im != 0)                  \
  UNARY(cast_##S##_c128, c128, S, ((c128){(f64)x.re, (f64)x.im}))      \
  UNARY(cast_##S##_c64, c64, S, ((c64){(f32)x.re, (f32)x.im}))
CASTS_COMPLEX(c128)
CASTS_COMPLEX(c64)

#define CASTS_OF(S)                                                                                     \
  { FLOATS_OF(cast_##S, ), INTEGERS_OF(cast_##S, ), BOOL_OF(cast_##S, ), COMPLEX_OF(cast_##S, ) }
static const ck_kernel FN(casts)[CK_TYPE_COUNT][CK_TYPE_COUNT] = {
    [CK_F64] = CASTS_OF(f64), [CK_F32] = CASTS_OF(f32), [CK_I8] = CASTS_OF(i8),    [CK_I16] = CASTS_OF(i16),
    [CK_I32] = CASTS_OF(i32), [CK_I64] = CASTS_OF(i64), [CK_U8] = CASTS_OF(u8),    [CK_U16] = CASTS_OF(u16),
    [CK_U32] = CASTS_OF(u32), [CK_U64] = CASTS_OF(u64), [CK_BOOL] = CASTS_OF(b8),  [CK_C128] = CASTS_OF(c128),
    [CK_C64] = CASTS_OF(c64),
};
