"""The steps of examples/eof in dask.array and h5py: two worker processes of one thread, as its manual advises for work
that is in BLAS. Timed from the opening of the file to the closing of the result; the cluster is up before.

Arguments: input, output, rows of a chunk (about 100 MB are advised).
"""

import json
import sys
import time

import dask
import dask.array as da
import h5py
import numpy as np
from dask.distributed import Client, LocalCluster

modes = 20


def main():
    source, target, chunk_rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        start = time.perf_counter()
        with h5py.File(source, "r") as file:
            field = da.from_array(file["field"], chunks=(chunk_rows, -1, -1))
            latitude = file["latitude"][:]
            times, rows, columns = field.shape
            weights = np.sqrt(np.cos(np.deg2rad(latitude)))[:, np.newaxis]
            anomaly = field - field.mean(axis=0)
            matrix = (anomaly * weights).reshape((times, rows * columns))
            u, s, vt = da.linalg.svd(matrix)
            variance = s**2 / (s**2).sum()
            components = (u * s)[:, :modes]
            maps = vt[:modes].reshape((modes, rows, columns))
            s, variance, components, maps = dask.compute(s, variance, components, maps)
        with h5py.File(target, "w") as file:
            file["latitude"] = latitude
            file["mode"] = np.arange(1, modes + 1)
            file["singular_values"] = s[:modes]
            file["explained_variance"] = variance[:modes]
            file["principal_components"] = components
            file["eof"] = maps
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "check": float(variance[0])}))


if __name__ == "__main__":
    main()
