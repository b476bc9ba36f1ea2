// Finding a kernel, and running the instructions of a program.
#include "Types.h"

bool ck_isa_available(int isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (isa) {
    case CK_ISA_PLAIN: return true;
    case CK_ISA_FMA: return __builtin_cpu_supports("fma");
    case CK_ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case CK_ISA_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
    default: return false;
  }
#else
  return isa == CK_ISA_PLAIN;
#endif
}

int ck_isa_best(void) {
  for (int isa = CK_ISA_COUNT - 1; isa > CK_ISA_PLAIN; isa--)
    if (ck_isa_available(isa)) return isa;
  return CK_ISA_PLAIN;
}

static const ck_tables *tables(int isa) {
#if defined(__x86_64__)
  if (isa == CK_ISA_AVX512) return &ck_tables_avx512;
  if (isa == CK_ISA_AVX2) return &ck_tables_avx2;
#endif
  (void)isa;
  return &ck_tables_plain;
}

static const ck_functions *functions(int isa) {
#if defined(__x86_64__)
  if (isa == CK_ISA_AVX512) return &ck_functions_avx512;
  if (isa == CK_ISA_AVX2) return &ck_functions_avx2;
  if (isa == CK_ISA_FMA) return &ck_functions_fma;
#endif
  (void)isa;
  return &ck_functions_plain;
}

ck_kernel ck_unary(int isa, int operation, int type) {
  const ck_kernel kernel = tables(isa)->unary[operation][type];
  return kernel || type > CK_F32 ? kernel : functions(isa)->unary[operation][type];
}

ck_kernel ck_binary(int isa, int operation, int type, int variant) {
  if (type <= CK_F32 && operation == CK_POWER) return functions(isa)->binary[variant][type];
  if (type <= CK_F32 && operation == CK_ATAN2) return functions(isa)->binary[CK_VARIANT_COUNT + variant][type];
  return tables(isa)->binary[variant][operation][type];
}

ck_kernel ck_cast(int isa, int from, int to) { return tables(isa)->cast[from][to]; }

// 1, 2, 4, 8, 16 bytes.
static int size_class(int size) { return __builtin_ctz((unsigned)size); }

ck_kernel ck_select(int isa, int size, int scalars) { return tables(isa)->select[size_class(size)][scalars]; }

ck_kernel ck_reduce(int isa, int kind, int type) { return tables(isa)->reduce[kind][type]; }

ck_kernel ck_accumulate(int isa, int kind, int type) { return tables(isa)->accumulate[kind][type]; }

ck_kernel ck_combine(int isa, int kind, int type) {
  int accumulator = type;
  if (kind == CK_SUM || kind == CK_PRODUCT) {
    if (type <= CK_F32) accumulator = CK_F64;
    else if (type >= CK_C128) accumulator = CK_C128;
    else accumulator = CK_U64;
  }
  static const int operations[] = {
      [CK_SUM] = CK_ADD, [CK_PRODUCT] = CK_MULTIPLY, [CK_MIN] = CK_MINIMUM,
      [CK_MAX] = CK_MAXIMUM, [CK_ANY] = CK_OR,       [CK_ALL] = CK_AND};
  if (kind >= CK_MOMENTS) return 0;
  return ck_binary(isa, operations[kind], accumulator, CK_VV);
}

void ck_moments_merge(
    int isa, double *mean, double *m2, const double *mean_a, const double *m2_a, double na, const double *mean_b,
    const double *m2_b, double nb, long n) {
  tables(isa)->moments_merge(mean, m2, mean_a, m2_a, na, mean_b, m2_b, nb, n);
}

void ck_moments_add(int isa, double *sum, double *squares, const double *shift, const double *x, long n) {
  tables(isa)->moments_add(sum, squares, shift, x, n);
}

void ck_moments_close(int isa, double *sum, double *squares, const double *shift, double count, long n) {
  tables(isa)->moments_close(sum, squares, shift, count, n);
}

long ck_execute(const ck_instruction *instructions, long count, void *const *slots, long n, int *status) {
  for (long i = 0; i < count; i++) {
    const ck_instruction *in = instructions + i;
    const int result = in->kernel(slots[in->out], slots[in->a], slots[in->b], slots[in->c], n);
    if (result != CK_OK) {
      *status = result;
      return i + 1;
    }
  }
  return 0;
}
