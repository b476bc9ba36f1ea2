// Calls of functions on vectors of 256 and 512 bits, which arrive and return in registers.
//
// In assembly, since a compiler that isn't told the instruction set for the whole file (packages may not) passes such
// vectors on the stack, whatever the function's own target is. The function has the plain calling convention of the
// System V ABI: all vector registers are its to overwrite.
#if defined(__x86_64__)

#define PUSH(REGISTER) pushq REGISTER; .cfi_adjust_cfa_offset 8; .cfi_rel_offset REGISTER, 0
#define POP(REGISTER) popq REGISTER; .cfi_adjust_cfa_offset -8; .cfi_restore REGISTER

// void NAME(void (*f)(void), void *out, const void *a, long count): out[i] = f(a[i]) for `count` vectors.
#define CALLS1(NAME, REGISTER, BYTES) \
  .globl NAME                        ;\
  .hidden NAME                       ;\
  .type NAME, @function              ;\
NAME:                                ;\
  .cfi_startproc                     ;\
  testq %rcx, %rcx                   ;\
  jle 2f                             ;\
  PUSH(%rbx)                         ;\
  PUSH(%r12)                         ;\
  PUSH(%r13)                         ;\
  PUSH(%r14)                         ;\
  subq $8, %rsp                      ;\
  .cfi_adjust_cfa_offset 8           ;\
  movq %rdi, %rbx                    ;\
  movq %rsi, %r12                    ;\
  movq %rdx, %r13                    ;\
  movq %rcx, %r14                    ;\
1:                                   ;\
  vmovupd (%r13), REGISTER##0        ;\
  call *%rbx                         ;\
  vmovupd REGISTER##0, (%r12)        ;\
  addq $BYTES, %r12                  ;\
  addq $BYTES, %r13                  ;\
  decq %r14                          ;\
  jnz 1b                             ;\
  addq $8, %rsp                      ;\
  .cfi_adjust_cfa_offset -8          ;\
  POP(%r14)                          ;\
  POP(%r13)                          ;\
  POP(%r12)                          ;\
  POP(%rbx)                          ;\
  vzeroupper                         ;\
2:                                   ;\
  ret                                ;\
  .cfi_endproc                       ;\
  .size NAME, . - NAME

// void NAME(void (*f)(void), void *out, const void *a, const void *b, long count): out[i] = f(a[i], b[i]).
#define CALLS2(NAME, REGISTER, BYTES) \
  .globl NAME                        ;\
  .hidden NAME                       ;\
  .type NAME, @function              ;\
NAME:                                ;\
  .cfi_startproc                     ;\
  testq %r8, %r8                     ;\
  jle 2f                             ;\
  PUSH(%rbx)                         ;\
  PUSH(%r12)                         ;\
  PUSH(%r13)                         ;\
  PUSH(%r14)                         ;\
  PUSH(%r15)                         ;\
  movq %rdi, %rbx                    ;\
  movq %rsi, %r12                    ;\
  movq %rdx, %r13                    ;\
  movq %rcx, %r14                    ;\
  movq %r8, %r15                     ;\
1:                                   ;\
  vmovupd (%r13), REGISTER##0        ;\
  vmovupd (%r14), REGISTER##1        ;\
  call *%rbx                         ;\
  vmovupd REGISTER##0, (%r12)        ;\
  addq $BYTES, %r12                  ;\
  addq $BYTES, %r13                  ;\
  addq $BYTES, %r14                  ;\
  decq %r15                          ;\
  jnz 1b                             ;\
  POP(%r15)                          ;\
  POP(%r14)                          ;\
  POP(%r13)                          ;\
  POP(%r12)                          ;\
  POP(%rbx)                          ;\
  vzeroupper                         ;\
2:                                   ;\
  ret                                ;\
  .cfi_endproc                       ;\
  .size NAME, . - NAME

  .text
CALLS1(ck_call1_256, %ymm, 32)
CALLS2(ck_call2_256, %ymm, 32)
CALLS1(ck_call1_512, %zmm, 64)
CALLS2(ck_call2_512, %zmm, 64)

#endif

#if defined(__linux__) && defined(__ELF__)
  .section .note.GNU-stack,"",%progbits
#endif
