#ifndef CLINUX_H
#define CLINUX_H

// Calls of Linux that Swift's Glibc module doesn't show, because they need _GNU_SOURCE or variable arguments.

/// Names the calling thread; up to 15 characters.
void clinux_name_thread(const char *name);
/// The processors that this process may run on; -1 where the kernel doesn't say.
int clinux_allowed_processors(void);
/// How much the kernel may lengthen this thread's sleeps, in nanoseconds.
void clinux_set_timer_slack(unsigned long nanoseconds);

#endif
