"""`(x - mean) / std`, then a sum, over 8 M doubles in memory on two threads: dask threads, with several chunk lengths,
and numexpr, in both of the ways that it offers. Mean and standard deviation are numbers that are known beforehand.
The best of all counts; each is the median of repeats after one that doesn't count.
"""

import json
import statistics
import sys
import time

import dask
import dask.array as da
import numexpr
import numpy as np

count, repeats, threads = int(sys.argv[1]), 15, 2
# What the numbers are has no bearing on the time: those of the other side.
x = 5.0 + 3.0 * (np.arange(count) % 1009 - 504) / 291
mean, deviation = 5.0, 3.0
numexpr.set_num_threads(threads)
dask.config.set(scheduler="threads", num_workers=threads)


def with_dask(length):
    array = da.from_array(x, chunks=length)
    return lambda: float(((array - mean) / deviation).sum().compute())


ways = {f"dask threads, chunks of {length}": with_dask(length) for length in (250_000, 1_000_000, 4_000_000)}
ways["numexpr sum((x-m)/s)"] = lambda: float(
    numexpr.evaluate("sum((x - m) / s)", local_dict={"x": x, "m": mean, "s": deviation})
)
ways["numexpr, then numpy sum"] = lambda: float(
    numexpr.evaluate("(x - m) / s", local_dict={"x": x, "m": mean, "s": deviation}).sum()
)

medians = {}
for name, way in ways.items():
    result = way()
    expected = float(((x - mean) / deviation).sum())
    assert abs(result - expected) < 1e-6 * count**0.5, (name, result, expected)
    timings = []
    for _ in range(repeats):
        start = time.perf_counter()
        way()
        timings.append(time.perf_counter() - start)
    medians[name] = statistics.median(timings)
best = min(medians, key=medians.get)
print(json.dumps({"seconds": medians[best], "check": ways[best](), "way": best, "all": medians}))
