"""An array in memory, written with shuffle and gzip at level 4: by h5py, whose library compresses in one thread, and by
h5py's write_direct_chunk with chunks that two threads have compressed with zlib. The better one counts; each is the
median of repeats after one that doesn't count. What is written is on disk at the end, as on the other side.
"""

import concurrent.futures
import json
import os
import statistics
import sys
import time
import zlib

import h5py
import numpy as np

rows, columns, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
chunk, level, threads, repeats = (64, 2048), 4, 2, 3
i, j = np.arange(rows)[:, None], np.arange(columns)[None, :]
x = np.round((280 + 20 * np.sin(0.01 * i) * np.cos(0.003 * j)) * 100) / 100
options = dict(shape=x.shape, dtype=x.dtype, chunks=chunk, compression="gzip", compression_opts=level, shuffle=True)


def with_h5py(f):
    f.create_dataset("t", **options)[...] = x


def compressed(origin):
    part = np.ascontiguousarray(x[origin[0] : origin[0] + chunk[0], origin[1] : origin[1] + chunk[1]])
    shuffled = np.ascontiguousarray(part.reshape(-1).view(np.uint8).reshape(-1, x.itemsize).T)
    return origin, zlib.compress(shuffled, level)


def with_threads(f):
    dataset = f.create_dataset("t", **options)
    origins = [(r, c) for r in range(0, rows, chunk[0]) for c in range(0, columns, chunk[1])]
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for origin, data in pool.map(compressed, origins):
            dataset.id.write_direct_chunk(origin, data)


medians = {}
for name, way in {"h5py": with_h5py, "h5py, chunks by zlib in threads": with_threads}.items():
    timings = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        with h5py.File(path, "w") as f:
            way(f)
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        timings.append(time.perf_counter() - start)
    medians[name] = statistics.median(timings[1:])
    with h5py.File(path) as f:
        assert np.array_equal(f["t"][...], x), name
best = min(medians, key=medians.get)
print(json.dumps({"seconds": medians[best], "check": float(x.sum()), "way": best, "all": medians}))
