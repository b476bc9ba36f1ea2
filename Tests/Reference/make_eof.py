"""The EOF analysis of examples/eof, step by step in NumPy, for EOFTests to compare with."""

import os
import sys

import h5py
import numpy as np

modes = 20
folder = os.environ["MUSTER_DATA"]
runs = []
for name in ("A1B_north_america.nc", "E1_north_america.nc"):
    with h5py.File(os.path.join(folder, name)) as file:
        runs.append(file["air_temperature"][:].astype(np.float64))
        latitude = file["latitude"][:].astype(np.float64)

field = np.concatenate(runs)
weights = np.sqrt(np.cos(np.deg2rad(latitude)))
anomaly = field - field.mean(axis=0)
matrix = (anomaly * weights[:, np.newaxis]).reshape(field.shape[0], -1)
u, s, vt = np.linalg.svd(matrix, full_matrices=False)

variance = s**2 / np.sum(s**2)
eof = vt.reshape(-1, *field.shape[1:])
pattern = eof * (s / np.sqrt(field.shape[0] - 1))[:, np.newaxis, np.newaxis] / weights[:, np.newaxis]

with h5py.File(os.path.join(sys.argv[1], "eof.h5"), "w") as file:
    file["singular_values"] = s[:modes]
    file["explained_variance"] = variance[:modes]
    file["principal_components"] = (u * s)[:, :modes]
    file["eof"] = eof[:modes]
    file["pattern"] = pattern[:modes]
