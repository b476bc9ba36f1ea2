// Copies of elements by size: contiguous, repeated, strided, transposed.
#include "Types.h"

typedef struct { u64 words[2]; } s16;

#define SIZES(M) M(u8) M(u16) M(u32) M(u64) M(s16)

#define KERNELS(T)                                       \
  static int copy_##T(CK_ARGUMENTS) {                    \
    CK_UNUSED;                                           \
    memcpy(po, pa, (unsigned long)n * sizeof(T));        \
    return CK_OK;                                        \
  }                                                      \
  static int fill_##T(CK_ARGUMENTS) {                    \
    CK_UNUSED;                                           \
    T *o = po;                                           \
    const T x = *(const T *)pa;                          \
    for (long i = 0; i < n; i++) o[i] = x;               \
    return CK_OK;                                        \
  }
SIZES(KERNELS)

static int size_class(long size) { return __builtin_ctzl((unsigned long)size); }

ck_kernel ck_copy(int size) {
  static const ck_kernel kernels[] = {copy_u8, copy_u16, copy_u32, copy_u64, copy_s16};
  return kernels[size_class(size)];
}

ck_kernel ck_fill(int size) {
  static const ck_kernel kernels[] = {fill_u8, fill_u16, fill_u32, fill_u64, fill_s16};
  return kernels[size_class(size)];
}

// One dimension, and two: the rows of `out` are contiguous and the columns of `in` are (a transposition), walked in
// square blocks that fit the first-level cache on both sides.
#define STRIDED(T)                                                                                              \
  static void line_##T(void *po, long so, const void *pi, long si, long n) {                                    \
    T *o = po;                                                                                                  \
    const T *a = pi;                                                                                            \
    if (so == 1 && si == 1) memcpy(o, a, (unsigned long)n * sizeof(T));                                         \
    else if (so == 1 && si == 0) fill_##T(po, pi, 0, 0, n);                                                     \
    else if (so == 1)                                                                                           \
      for (long i = 0; i < n; i++) o[i] = a[i * si];                                                            \
    else                                                                                                        \
      for (long i = 0; i < n; i++) o[i * so] = a[i * si];                                                       \
  }                                                                                                             \
  static void transpose_##T(void *po, long so, const void *pi, long si, long rows, long columns) {              \
    enum { B = 32 };                                                                                            \
    T *restrict o = po;                                                                                         \
    const T *restrict a = pi;                                                                                   \
    for (long r = 0; r < rows; r += B)                                                                          \
      for (long c = 0; c < columns; c += B) {                                                                   \
        const long re = r + B < rows ? r + B : rows, ce = c + B < columns ? c + B : columns;                    \
        for (long i = r; i < re; i++)                                                                           \
          for (long j = c; j < ce; j++) o[i * so + j] = a[i + j * si];                                          \
      }                                                                                                         \
  }
SIZES(STRIDED)

typedef void (*line_function)(void *, long, const void *, long, long);
typedef void (*transpose_function)(void *, long, const void *, long, long, long);
static const line_function lines[] = {line_u8, line_u16, line_u32, line_u64, line_s16};
static const transpose_function transposes[] = {
    transpose_u8, transpose_u16, transpose_u32, transpose_u64, transpose_s16};

enum { MAXIMUM_RANK = 32 };

void ck_copy_strided(
    void *out, const long *out_strides, const void *in, const long *in_strides, const long *shape, long rank,
    long size) {
  for (long d = 0; d < rank; d++)
    if (shape[d] == 0) return;
  if (rank == 0) {
    memcpy(out, in, (unsigned long)size);
    return;
  }
  const long last = rank - 1;
  // The dimension in which the source is contiguous, where the destination's last isn't it.
  long other = -1;
  if (out_strides[last] == 1 && in_strides[last] != 1 && in_strides[last] != 0 && shape[last] > 1)
    for (long d = 0; d < last; d++)
      if (in_strides[d] == 1 && shape[d] > 1) other = d;

  const line_function line = lines[size_class(size)];
  const transpose_function transpose = transposes[size_class(size)];
  long index[MAXIMUM_RANK] = {0};
  char *o = out;
  const char *a = in;
  for (;;) {
    if (other >= 0) transpose(o, out_strides[other], a, in_strides[last], shape[other], shape[last]);
    else line(o, out_strides[last], a, in_strides[last], shape[last]);
    long d = last - 1;
    for (; d >= 0; d--) {
      if (d == other) continue;
      o += out_strides[d] * size;
      a += in_strides[d] * size;
      if (++index[d] < shape[d]) break;
      o -= out_strides[d] * shape[d] * size;
      a -= in_strides[d] * shape[d] * size;
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

void ck_gather(
    void *out, const void *in, const long *strides, const long *shape, long rank, long size, long start, long n) {
  long index[MAXIMUM_RANK];
  const char *a = in;
  char *o = out;
  for (long d = rank - 1; d >= 0; d--) {
    index[d] = start % shape[d];
    start /= shape[d];
    a += index[d] * strides[d] * size;
  }
  const long last = rank - 1;
  const line_function line = lines[size_class(size)];
  while (n > 0) {
    const long left = shape[last] - index[last], m = left < n ? left : n;
    line(o, 1, a, strides[last], m);
    o += m * size;
    n -= m;
    a += m * strides[last] * size;
    index[last] += m;
    for (long d = last; d > 0 && index[d] == shape[d]; d--) {
      a += (strides[d - 1] - strides[d] * shape[d]) * size;
      index[d] = 0;
      index[d - 1]++;
    }
  }
}
