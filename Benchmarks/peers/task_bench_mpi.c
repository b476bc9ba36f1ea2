/* Task Bench's graphs written by hand in MPI, in the way of its own MPI program: each rank has a share of the columns.
 * In each step it posts the receives of what its tasks take from other ranks and the sends of what others take from it,
 * one message for each output and task, waits for all, and runs its tasks. What is on the rank itself is copied.
 *
 * Arguments: pattern, width, steps, repeats, iterations of a task ... */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "task_bench.h"

typedef struct {
  int count;
  /* The point that each input is of, and the rank that has it. */
  int point[TB_MOST_INPUTS], rank[TB_MOST_INPUTS];
} taken;

typedef struct {
  int from, to, rank;
} message;

/* What a rank does in a step: known beforehand, since it is the same again after each period. */
typedef struct {
  taken inputs[TB_MOST_WIDTH];
  message sends[TB_MOST_WIDTH * TB_MOST_INPUTS];
  int send_count;
  char is_leaf[TB_MOST_WIDTH];
} row;

enum { GROWING = 8, MOST_ROWS = 32, MOST_LENGTHS = 64 };

static int ranks, rank;
static row rows[MOST_ROWS];

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

static int first_of(int of, int width) { return of * width / ranks; }

static int owner(int point, int width) {
  int of = 0;
  while (point >= first_of(of + 1, width)) of++;
  return of;
}

static int row_number(const tb_graph *graph, long step) {
  return (int)(step < GROWING ? step : GROWING + (step - GROWING) % tb_period(graph));
}

static void plan(const tb_graph *graph) {
  int inputs[TB_MOST_INPUTS];
  for (long step = 0; step < GROWING + tb_period(graph) && step < graph->steps; step++) {
    row *this = &rows[row_number(graph, step)];
    this->send_count = 0;
    for (int point = 0; point < tb_width(graph, step); point++) {
      int count = tb_inputs(graph, step, point, inputs), to = owner(point, graph->width);
      taken *takes = &this->inputs[point];
      takes->count = count;
      for (int i = 0; i < count; i++) {
        takes->point[i] = inputs[i];
        takes->rank[i] = owner(inputs[i], graph->width);
        if (takes->rank[i] == rank && to != rank) this->sends[this->send_count++] = (message){inputs[i], point, to};
      }
      this->is_leaf[point] = (char)tb_is_leaf(graph, step, point);
    }
  }
}

/* Returns the seconds; in `digest` the sum of the values that no task takes, of all ranks. */
static double run(const tb_graph *graph, uint64_t *digest) {
  int first = first_of(rank, graph->width), end = first_of(rank + 1, graph->width);
  tb_output outputs[TB_MOST_WIDTH], inputs[TB_MOST_WIDTH][TB_MOST_INPUTS];
  MPI_Request requests[2 * TB_MOST_WIDTH * TB_MOST_INPUTS];
  uint64_t sum = 0;
  plan(graph);
  MPI_Barrier(MPI_COMM_WORLD);
  double start = MPI_Wtime();
  for (long step = 0; step < graph->steps; step++) {
    const row *this = &rows[row_number(graph, step)];
    int stop = tb_width(graph, step) < end ? tb_width(graph, step) : end, count = 0;
    for (int point = first; point < stop; point++) {
      const taken *takes = &this->inputs[point];
      for (int i = 0; i < takes->count; i++) {
        if (takes->rank[i] == rank)
          inputs[point][i] = outputs[takes->point[i]];
        else
          MPI_Irecv(
              &inputs[point][i], sizeof(tb_output), MPI_BYTE, takes->rank[i], takes->point[i] << 7 | point,
              MPI_COMM_WORLD, &requests[count++]);
      }
    }
    for (int i = 0; i < this->send_count; i++) {
      const message *send = &this->sends[i];
      MPI_Isend(
          &outputs[send->from], sizeof(tb_output), MPI_BYTE, send->rank, send->from << 7 | send->to, MPI_COMM_WORLD,
          &requests[count++]);
    }
    MPI_Waitall(count, requests, MPI_STATUSES_IGNORE);
    for (int point = first; point < stop; point++) {
      if (!tb_run(graph, step, point, inputs[point], this->inputs[point].count, &outputs[point]))
        fail("a task got other inputs than its pattern says");
      if (this->is_leaf[point] || step + 1 == graph->steps) sum += outputs[point].value;
    }
  }
  MPI_Barrier(MPI_COMM_WORLD);
  double seconds = MPI_Wtime() - start;
  MPI_Allreduce(&sum, digest, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
  return seconds;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (argc < 6 || argc - 5 > MOST_LENGTHS) fail("pattern, width, steps, repeats, iterations ... are needed");
  tb_graph graph = {tb_named(argv[1]), atoi(argv[2]), 40, 10};
  long steps = atol(argv[3]);
  int repeats = atoi(argv[4]), lengths = argc - 5;
  if (graph.pattern == TB_NONE || graph.width > TB_MOST_WIDTH || graph.width < ranks) fail("no such graph");
  uint64_t check, digests[MOST_LENGTHS], digest;
  double *times = malloc(sizeof(double) * (size_t)(repeats * lengths));
  run(&graph, &check);
  graph.steps = steps;
  for (int repeat = 0; repeat < repeats; repeat++) {
    for (int i = 0; i < lengths; i++) {
      graph.iterations = atol(argv[5 + i]);
      times[i * repeats + repeat] = run(&graph, &digest);
      if (repeat > 0 && digest != digests[i]) fail("the same graph gave other values");
      digests[i] = digest;
    }
  }
  MPI_Barrier(MPI_COMM_WORLD);
  double own = tb_calibrate(), iteration;
  MPI_Allreduce(&own, &iteration, 1, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
  if (rank == 0) {
    long tasks = 0;
    for (long step = 0; step < steps; step++) tasks += tb_width(&graph, step);
    printf(
        "{\"iteration\": %.9g, \"workers\": %d, \"tasks\": %ld, \"check\": %llu, \"times\": {", iteration, ranks, tasks,
        (unsigned long long)(check >> 40));
    for (int i = 0; i < lengths; i++) {
      printf("%s\"%s\": [", i ? ", " : "", argv[5 + i]);
      for (int repeat = 0; repeat < repeats; repeat++)
        printf("%s%.9g", repeat ? ", " : "", times[i * repeats + repeat]);
      printf("]");
    }
    printf("}}\n");
  }
  free(times);
  MPI_Finalize();
  return 0;
}
