#ifndef CLINUX_H
#define CLINUX_H

// Calls of Linux that Swift's Glibc module doesn't show, because they need _GNU_SOURCE or variable arguments.

/// Names the calling thread; up to 15 characters.
void clinux_name_thread(const char *name);
enum { CLINUX_PROCESSOR_MASK_SIZE = 128 };
/// Sets the bit of each processor that this process may run on; returns -1 where the kernel doesn't say.
int clinux_allowed_processors(unsigned char mask[CLINUX_PROCESSOR_MASK_SIZE]);
/// How much the kernel may lengthen this thread's sleeps, in nanoseconds.
void clinux_set_timer_slack(unsigned long nanoseconds);

#include <sys/uio.h>

/// Opens a file that is read and written past the page cache; -1 and EINVAL where its file system can't.
int clinux_open_direct(const char *path, int flags, unsigned mode);
/// Has a file go through the page cache from now on.
int clinux_leave_direct(int file);
/// Writes and reads several parts at one place of a file, as pwritev and preadv do.
long clinux_write_parts(int file, const struct iovec *parts, int count, long offset);
long clinux_read_parts(int file, const struct iovec *parts, int count, long offset);
/// Gives the space of a stretch of a file back; -1 where the file system can't.
int clinux_punch_hole(int file, long offset, long length);

/// The kind of file system that a path is in, as the kernel numbers it; -1 where that isn't known.
long clinux_file_system_type(const char *path);

/// Gives the kernel what malloc keeps of freed memory.
void clinux_trim_heap(void);
/// How many heaps malloc may have.
void clinux_limit_arenas(int count);
/// How much free memory each heap of malloc's keeps at its end; larger pieces come from the kernel, and go back there.
void clinux_limit_kept_heap(int bytes);

/// Has standard output pass on each line when it is complete, where it keeps lines back.
void clinux_buffer_output_by_lines(void);
/// Passes on what standard output keeps back; gives up where another thread holds it for long.
void clinux_flush_output(void);
/// Forgets that standard output couldn't be written.
void clinux_clear_output_failure(void);
/// Whether some of what was printed couldn't be written since then.
int clinux_output_has_failed(void);

/// Has `hook` called with the error that leaves a Swift program's `main`, before the Swift runtime reports it as a crash.
/// Where the runtime is linked statically its own function is called and the hook is not.
void clinux_on_error_in_main(void (*hook)(void *error));

/// Has the processor fetch the cache line of an address, which is written to soon. Any address will do.
static inline void clinux_prefetch_to_write(const void *address) { __builtin_prefetch(address, 1); }

#endif
