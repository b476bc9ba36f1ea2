"""Task Bench's graphs on distributed with two worker processes of one thread, the kernel in C. The graph is written as
a dictionary, as in the program with which Task Bench's figures were made: it is quicker to make than delayed calls.
Timed from the making of the first task to the sum of the values that no task takes; the cluster is up before.

Arguments: pattern, width, steps, repeats, iterations of a task ...
"""

import json
import sys
import time

import task_bench_library as library
from dask.distributed import Client, LocalCluster

workers = 2


def timed(client, graph, number):
    start = time.perf_counter()
    tasks, last, taken = {}, [], set()
    for step in range(graph.steps):
        row = []
        for point in range(library.width_at(graph, step)):
            inputs = [last[i] for i in library.inputs_of(graph, step, point)]
            taken.update(inputs)
            # Names of its own: distributed takes what has the same name to be the same.
            name = f"task-{number}-{step}-{point}"
            tasks[name] = (library.run, graph, step, point, *inputs)
            row.append(name)
        last = row
    leaves = [name for name in tasks if name not in taken]
    tasks[f"sum-{number}"] = (library.add, *leaves)
    digest = client.get(tasks, f"sum-{number}")
    return time.perf_counter() - start, digest


def main():
    pattern = library.pattern(sys.argv[1])
    width, steps, repeats, *lengths = map(int, sys.argv[2:])
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        _, check = timed(client, library.Graph(pattern, width, 40, 10), 0)
        times, digests, number = {length: [] for length in lengths}, {}, 0
        for _ in range(repeats):
            for length in lengths:
                number += 1
                seconds, digest = timed(client, library.Graph(pattern, width, steps, length), number)
                times[length].append(seconds)
                if digests.setdefault(length, digest) != digest:
                    sys.exit("the same graph gave other values")
        iteration = min(client.gather(client.map(library.calibrate, range(2 * workers), pure=False)))
        whole = library.Graph(pattern, width, steps, 0)
        tasks = sum(library.width_at(whole, step) for step in range(steps))
    print(
        json.dumps(
            {"iteration": iteration, "workers": workers, "tasks": tasks, "check": check >> 40, "times": times}
        )
    )


if __name__ == "__main__":
    main()
