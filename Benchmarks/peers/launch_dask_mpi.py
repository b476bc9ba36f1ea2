"""An empty session of dask-mpi, as its manual shows: rank 0 schedules, rank 1 runs this script, rank 2 works."""

from dask.distributed import Client
from dask_mpi import initialize

initialize(nthreads=1, dashboard=False)

with Client() as client:
    client.wait_for_workers(1)
