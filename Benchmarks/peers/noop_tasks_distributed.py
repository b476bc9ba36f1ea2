"""Independent no-op tasks and one sum of what they return, on distributed with two worker processes of one thread.
Timed from the first submission to the sum; the cluster is up before.

Arguments: the number of tasks.
"""

import json
import sys
import time

from dask import delayed
from dask.distributed import Client, LocalCluster


def noop(index):
    return index


def main():
    count = int(sys.argv[1])
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        start = time.perf_counter()
        task = delayed(noop, pure=False)
        total = delayed(sum)([task(index) for index in range(count)]).compute()
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "check": total}))


if __name__ == "__main__":
    main()
