/* Task Bench's graphs and its compute-bound kernel (Slaughter et al., SC20), for the sides that METG is compared with.
 * Benchmarks/programs/TaskBench.swift says the same in Swift, with the reasons. */
#ifndef TASK_BENCH_H
#define TASK_BENCH_H

#include <stdint.h>
#include <string.h>
#include <time.h>

enum { TB_RADIX = 5, TB_MOST_INPUTS = 8, TB_MOST_WIDTH = 64 };
enum tb_pattern { TB_TRIVIAL, TB_STENCIL, TB_FFT, TB_TREE, TB_NEAREST, TB_SPREAD, TB_NONE };

typedef struct {
  int32_t step, point;
  uint64_t value;
} tb_output;

typedef struct {
  int pattern, width;
  long steps, iterations;
} tb_graph;

static inline int tb_named(const char *name) {
  static const char *const names[] = {"trivial", "stencil_1d", "fft", "tree", "nearest", "spread"};
  int pattern = 0;
  while (pattern < TB_NONE && strcmp(name, names[pattern]) != 0) pattern++;
  return pattern;
}

static inline int tb_width(const tb_graph *graph, long step) {
  if (graph->pattern == TB_TREE && step < 31 && (1L << step) < graph->width) return 1 << step;
  return graph->width;
}

/* After how many steps the inputs are the same again, once a tree is at its full width. */
static inline int tb_period(const tb_graph *graph) {
  if (graph->pattern == TB_FFT) {
    int levels = 0;
    while ((1 << levels) < graph->width) levels++;
    return levels;
  }
  if (graph->pattern == TB_SPREAD) {
    int most = (graph->width + TB_RADIX - 1) / TB_RADIX;
    return most < 3 ? most : 3;
  }
  return 1;
}

/* The points of the step before whose outputs a task takes, in order. Returns how many. */
static inline int tb_inputs(const tb_graph *graph, long step, int point, int *inputs) {
  int count = 0, low = 0, high = -1, width = graph->width;
  if (step == 0) return 0;
  switch (graph->pattern) {
    case TB_STENCIL: low = point - 1, high = point + 1; break;
    case TB_NEAREST: low = point - TB_RADIX / 2, high = point + (TB_RADIX - 1) / 2; break;
    case TB_TREE: low = high = point / 2; break;
    case TB_FFT: {
      int period = tb_period(graph), distance = 1 << ((step + period - 1) % period);
      for (int i = -1; i <= 1; i++) {
        int input = point + i * distance;
        if (input >= 0 && input < width) inputs[count++] = input;
      }
      return count;
    }
    case TB_SPREAD: {
      int shift = (int)(step % tb_period(graph));
      for (int i = 0; i < TB_RADIX; i++) inputs[count++] = (point + i * width / TB_RADIX + (i > 0 ? shift : 0)) % width;
      return count;
    }
    default: return 0;
  }
  if (low < 0) low = 0;
  if (high > width - 1) high = width - 1;
  for (int input = low; input <= high; input++) inputs[count++] = input;
  return count;
}

/* Whether no task takes the output of a task. */
static inline int tb_is_leaf(const tb_graph *graph, long step, int point) {
  int inputs[TB_MOST_INPUTS];
  if (step + 1 >= graph->steps) return 1;
  for (int other = 0; other < tb_width(graph, step + 1); other++) {
    int count = tb_inputs(graph, step + 1, other, inputs);
    for (int i = 0; i < count; i++)
      if (inputs[i] == point) return 0;
  }
  return 1;
}

static inline uint64_t tb_mix(uint64_t digest, uint64_t value) {
  digest = (digest ^ value) * UINT64_C(0x9E3779B97F4A7C15);
  return digest ^ digest >> 32;
}

typedef double tb_pair __attribute__((vector_size(16)));

static inline tb_pair tb_start(int number, int point) {
  double shift = (double)point / 1000;
  return (tb_pair){(double)(2 * number + 1) / 20 + shift, (double)(2 * number + 2) / 20 + shift};
}

/* 128 floating-point operations an iteration. */
static __attribute__((noinline)) uint64_t tb_kernel(int point, long iterations) {
  tb_pair a = tb_start(0, point), b = tb_start(1, point), c = tb_start(2, point), d = tb_start(3, point);
  tb_pair e = tb_start(4, point), f = tb_start(5, point), g = tb_start(6, point), h = tb_start(7, point);
  const tb_pair constant = {-1.9, -1.9};
  for (long i = 0; i < 4 * iterations; i++) {
    a = a * a + constant, b = b * b + constant, c = c * c + constant, d = d * d + constant;
    e = e * e + constant, f = f * f + constant, g = g * g + constant, h = h * h + constant;
  }
  tb_pair pairs[] = {a, b, c, d, e, f, g, h};
  uint64_t bits[16], digest = 0;
  memcpy(bits, pairs, sizeof bits);
  for (int i = 0; i < 16; i++) digest = tb_mix(digest, bits[i]);
  return digest;
}

/* Runs one task. Returns 0 where its inputs aren't those that the pattern says. */
static inline int tb_run(
    const tb_graph *graph, long step, int point, const tb_output *inputs, int count, tb_output *output) {
  int expected[TB_MOST_INPUTS];
  if (tb_inputs(graph, step, point, expected) != count) return 0;
  for (int i = 0; i < count; i++)
    if (inputs[i].step != step - 1 || inputs[i].point != expected[i]) return 0;
  uint64_t digest = tb_mix(tb_kernel(point, graph->iterations), (uint64_t)step);
  for (int i = 0; i < count; i++) digest = tb_mix(digest, inputs[i].value);
  *output = (tb_output){(int32_t)step, point, digest};
  return 1;
}

static inline double tb_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The seconds of one iteration of the kernel where nothing else is done; to be called on all workers at once. */
static inline double tb_calibrate(void) {
  enum { iterations = 5000 };
  double best = 1e9;
  uint64_t digest = 0;
  for (int i = 0; i < 2000; i++) {
    double start = tb_now();
    digest |= tb_kernel(i, iterations);
    double seconds = tb_now() - start;
    if (seconds < best) best = seconds;
  }
  return digest != 0 ? best / iterations : 0;
}

#endif
