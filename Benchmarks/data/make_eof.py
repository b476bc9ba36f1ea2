"""A field of 20,000 times and 40 × 50 places with a decaying spectrum, as doubles in HDF5: the input of `eof`.

Seeded, so that every machine has the same figures up to rounding. Arguments: the file to write.
"""

import os
import sys

import h5py
import numpy as np

times, rows, columns, signals = 20_000, 40, 50, 200
generator = np.random.default_rng(20_260)
strength = 10.0 / np.arange(1, signals + 1)
patterns = generator.standard_normal((signals, rows * columns))
path = sys.argv[1]
with h5py.File(path + ".partial", "w") as file:
    field = file.create_dataset("field", (times, rows, columns), "f8", chunks=(250, rows, columns))
    for start in range(0, times, 2_000):
        series = generator.standard_normal((2_000, signals)) * strength
        noise = generator.standard_normal((2_000, rows * columns))
        block = 280.0 + series @ patterns + 0.1 * noise
        field[start : start + 2_000] = block.reshape(-1, rows, columns)
    file["latitude"] = np.linspace(15.0, 60.0, rows)
os.replace(path + ".partial", path)
