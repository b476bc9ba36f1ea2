// All kernels of an instruction set but the elementary functions, with CK_SUFFIX defined.
#include "ArithmeticTemplate.h"
#include "CastTemplate.h"
#include "ReductionTemplate.h"

const ck_tables FN(ck_tables) = {
    FN(unaries),     FN(binaries),      FN(casts),       FN(selects),       FN(reduces),
    FN(accumulates), FN(moments_merge), FN(moments_add), FN(moments_close)};
