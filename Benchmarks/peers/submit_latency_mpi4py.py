"""From submitting a function to having its value, one after the other: mpi4py.futures, its workers started with it."""

import json
import sys
import time

from mpi4py.futures import MPICommExecutor
from mpi4py import MPI


def same(number):
    return number


def main(count):
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is None:
            return
        times, total = [], 0
        for number in range(-200, count):
            start = time.perf_counter()
            total += executor.submit(same, number).result()
            if number >= 0:
                times.append(1e6 * (time.perf_counter() - start))
        times.sort()
        print(
            json.dumps(
                {
                    "p50": times[count // 2],
                    "p99": times[count * 99 // 100],
                    "mean": sum(times) / count,
                    "check": total,
                }
            ),
            flush=True,
        )


main(int(sys.argv[1]))
