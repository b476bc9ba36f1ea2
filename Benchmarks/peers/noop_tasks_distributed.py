"""Independent no-op tasks and one sum of what they return, on distributed with two worker processes of one thread.
Timed from the first submission to the sum; the cluster is up before. The manual has two ways of writing it, a graph of
`delayed` calls and futures from `Client.map`: the one that is quicker with a twentieth of the tasks is taken.

Arguments: the number of tasks.
"""

import json
import sys
import time

from dask import delayed
from dask.distributed import Client, LocalCluster


def noop(index):
    return index


def with_delayed(client, count):
    task = delayed(noop, pure=False)
    return delayed(sum)([task(index) for index in range(count)]).compute()


def with_futures(client, count):
    return client.submit(sum, client.map(noop, range(count), pure=False), pure=False).result()


def main():
    count = int(sys.argv[1])
    ways = {"delayed": with_delayed, "futures": with_futures}

    def seconds(way, tasks):
        # A cluster of its own: what one leaves behind doesn't slow the next.
        with (
            LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            client.wait_for_workers(2)
            start = time.perf_counter()
            total = ways[way](client, tasks)
            return time.perf_counter() - start, total

    tried = {way: seconds(way, count // 20)[0] for way in ways}
    best = min(tried, key=tried.get)
    elapsed, total = seconds(best, count)
    print(json.dumps({"seconds": elapsed, "check": total, "way": best, "tried": tried}))


if __name__ == "__main__":
    main()
