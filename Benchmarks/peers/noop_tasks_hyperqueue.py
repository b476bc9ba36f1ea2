"""Independent no-op tasks on HyperQueue with two workers of one core, in the way that the manual of its Python API
shows: a local cluster, and one job of many tasks. Timed from the making of the job to its end; the cluster is up before.

A task of HyperQueue is a process, here of `true`: in Python it would be an interpreter. Its output goes nowhere, as its
manual advises for many tasks. Workers that run nothing (the "zero worker", with which the figures in its papers were
made) have to be compiled in, and aren't in what PyPI has.

Arguments: the number of tasks.
"""

import json
import os
import sys
import tempfile
import time

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig


def main():
    count = int(sys.argv[1])
    # What the server and the workers say goes to standard output.
    output = os.dup(1)
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as folder, LocalCluster(folder) as cluster:
        for _ in range(2):
            cluster.start_worker(WorkerConfig(cores=1))
        client = cluster.client()
        start = time.perf_counter()
        job = Job()
        for _ in range(count):
            job.program(["true"], stdout=None, stderr=None)
        client.wait_for_jobs([client.submit(job)])
        seconds = time.perf_counter() - start
    os.write(output, (json.dumps({"seconds": seconds, "per_second": count / seconds}) + "\n").encode())


main()
