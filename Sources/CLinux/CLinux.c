#define _GNU_SOURCE
#include "CLinux.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/vfs.h>
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

long clinux_file_system_type(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 ? (long)status.f_type : -1;
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

void clinux_clear_output_failure(void) { clearerr_unlocked(stdout); }

int clinux_output_has_failed(void) { return ferror_unlocked(stdout) != 0; }

int clinux_open_direct(const char *path, int flags, unsigned mode) {
  return open(path, flags | O_DIRECT, (mode_t)mode);
}

int clinux_leave_direct(int file) {
  int flags = fcntl(file, F_GETFL);
  return flags < 0 ? -1 : fcntl(file, F_SETFL, flags & ~O_DIRECT);
}

long clinux_write_parts(int file, const struct iovec *parts, int count, long offset) {
  return (long)pwritev(file, parts, count, (off_t)offset);
}

long clinux_read_parts(int file, const struct iovec *parts, int count, long offset) {
  return (long)preadv(file, parts, count, (off_t)offset);
}

int clinux_punch_hole(int file, long offset, long length) {
  return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length);
}

void clinux_trim_heap(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void clinux_limit_arenas(int count) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, count);
#endif
}

void clinux_limit_kept_heap(int bytes) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, bytes);
  mallopt(M_TRIM_THRESHOLD, bytes);
#endif
}

static void (*error_in_main_hook)(void *error);

// Sessions may begin on several threads at a time.
void clinux_on_error_in_main(void (*hook)(void *error)) { __atomic_store_n(&error_in_main_hook, hook, __ATOMIC_RELEASE); }

// The function that a Swift program calls where an error leaves `main`; its one argument is the error. A definition in
// the program comes before the Swift runtime's, which stays the one that decides where no hook is set. Weak, since a
// runtime that is linked statically defines it too.
__attribute__((weak)) void swift_errorInMain(void *error) {
  void (*hook)(void *error) = __atomic_load_n(&error_in_main_hook, __ATOMIC_ACQUIRE);
  if (hook) hook(error);
  void (*next)(void *) = (void (*)(void *))dlsym(RTLD_NEXT, "swift_errorInMain");
  if (next) next(error);
  abort();
}
