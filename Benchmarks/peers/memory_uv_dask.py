"""Means of u², v², u·v and w² of three fields that are kept, as `persist` does, on distributed with two worker processes of one
thread that have less memory than the fields take: the rest goes to disk. Timed from `persist` to the means; the cluster
is up before.

Where the workers are killed for want of memory, the limit is raised by half until they aren't; the line says so.

Arguments: the bytes of a field, of a chunk, and the memory of a worker.
"""

import json
import sys
import time

import dask
import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster


def numbers(field, first, count):
    """The same whole numbers as Muster's side, as doubles: their sums of products are exact in any order."""
    mixed = np.arange(first, first + count, dtype=np.uint64)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(field)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed >>= np.uint64(54)
    return mixed.astype(np.float64) - 512


def field(number, count, chunk):
    def block(block_info=None):
        (first, end) = block_info[None]["array-location"][0]
        return numbers(number, first, end - first)

    return da.map_blocks(block, chunks=(da.core.normalize_chunks(chunk, (count,))), dtype=np.float64)


def means(field_bytes, chunk_bytes, limit):
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, memory_limit=limit, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        start = time.perf_counter()
        u, v, w = dask.persist(*(field(number, field_bytes // 8, chunk_bytes // 8) for number in (1, 2, 3)))
        result = dask.compute((u * u).mean(), (v * v).mean(), (u * v).mean(), (w * w).mean())
        return time.perf_counter() - start, [float(mean) for mean in result]


def main():
    field_bytes, chunk_bytes, limit = (int(argument) for argument in sys.argv[1:4])
    # Killed once, a task is killed again: what is left is to start anew with more.
    dask.config.set({"distributed.scheduler.allowed-failures": 1})
    while True:
        try:
            seconds, result = means(field_bytes, chunk_bytes, limit)
            break
        except Exception as error:
            print(f"with {limit} bytes a worker: {error!r}", file=sys.stderr)
            if limit > 16 * field_bytes:
                raise
            limit = limit * 3 // 2
    print(json.dumps({"seconds": seconds, "check": sum(result), "way": f"{limit // 10**6} MB a worker"}))


if __name__ == "__main__":
    main()
