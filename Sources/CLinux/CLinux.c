#define _GNU_SOURCE
#include "CLinux.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int clinux_allowed_processors(unsigned char mask[CLINUX_PROCESSOR_MASK_SIZE]) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return -1;
  for (int i = 0; i < 8 * CLINUX_PROCESSOR_MASK_SIZE; i++) {
    if (CPU_ISSET(i, &set)) mask[i / 8] |= (unsigned char)(1u << (i % 8));
  }
  return 0;
}

void clinux_set_timer_slack(unsigned long nanoseconds) { prctl(PR_SET_TIMERSLACK, nanoseconds); }

void clinux_buffer_output_by_lines(void) {
  // Without a buffer the size is 1: nothing is kept back.
  if (__flbf(stdout) || __fbufsize(stdout) == 1) return;
  setvbuf(stdout, NULL, _IOLBF, 0);
  fflush(stdout);
}

void clinux_flush_output(void) {
  for (int i = 0; i < 100; i++) {
    if (ftrylockfile(stdout) == 0) {
      fflush_unlocked(stdout);
      funlockfile(stdout);
      return;
    }
    usleep(1000);
  }
}

static void (*error_in_main_hook)(void *error);

void clinux_on_error_in_main(void (*hook)(void *error)) { error_in_main_hook = hook; }

// The function that a Swift program calls where an error leaves `main`; its one argument is the error. A definition in
// the program comes before the Swift runtime's, which stays the one that decides where no hook is set. Weak, since a
// runtime that is linked statically defines it too.
__attribute__((weak)) void swift_errorInMain(void *error) {
  if (error_in_main_hook) error_in_main_hook(error);
  void (*next)(void *) = (void (*)(void *))dlsym(RTLD_NEXT, "swift_errorInMain");
  if (next) next(error);
  abort();
}
