/* Task Bench's graphs and kernel as a library, for Python. */
#include "task_bench.h"

int named(const char *name) { return tb_named(name); }
int width_at(const tb_graph *graph, long step) { return tb_width(graph, step); }
int inputs_of(const tb_graph *graph, long step, int point, int *inputs) { return tb_inputs(graph, step, point, inputs); }
double calibrate(void) { return tb_calibrate(); }

int run(const tb_graph *graph, long step, int point, const tb_output *inputs, int count, tb_output *output) {
  return tb_run(graph, step, point, inputs, count, output);
}
