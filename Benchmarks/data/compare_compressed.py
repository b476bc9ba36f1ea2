"""Compares two files with one compressed dataset: compare_compressed.py MUSTER PEER"""

import os
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1]) as a, h5py.File(sys.argv[2]) as b:
    x, y = a["t"], b["t"]
    stored = [(d.chunks, d.compression, d.compression_opts, d.shuffle, d.dtype) for d in (x, y)]
    assert stored[0] == stored[1], stored
    # Sines may differ in the last bit, and what is rounded from them by a hundredth.
    assert np.max(np.abs(x[...] - y[...])) < 0.011
sizes = [os.path.getsize(path) / 1e6 for path in sys.argv[1:]]
print(f"the files have {sizes[0]:.4g} and {sizes[1]:.4g} MB")
