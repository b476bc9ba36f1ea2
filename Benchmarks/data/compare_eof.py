"""Compares what the two sides of `eof` wrote: every dataset, modes up to sign. Leaves with status 1 where they differ.

Arguments: the two files.
"""

import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1], "r") as a, h5py.File(sys.argv[2], "r") as b:
    for name in ("latitude", "mode", "singular_values", "explained_variance", "principal_components", "eof"):
        x, y = a[name][()], b[name][()]
        if x.shape != y.shape:
            sys.exit(f"{name}: the shapes are {x.shape} and {y.shape}")
        if name in ("principal_components", "eof"):
            axis = 1 if name == "eof" else 0
            x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
            y = y * np.sign((x * y).sum(axis=axis, keepdims=True))
        difference = np.abs(x - y).max() / np.abs(x).max()
        # Neighbouring modes of the field are a hundredth apart, so that each is certain to about 1e-13.
        if not difference < 1e-10:
            sys.exit(f"{name}: the results differ by {difference:.2g} of the largest")
