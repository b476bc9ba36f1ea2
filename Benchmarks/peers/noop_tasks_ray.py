"""Independent no-op tasks on Ray with two workers, and the sum of what they return, as its manual writes it: a remote
function, called for each, and one `get` of all. Timed from the first call to the sum; the workers are up before.

Arguments: the number of tasks.
"""

import json
import os
import sys
import time

# It reports to its makers otherwise.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
import ray  # noqa: E402


@ray.remote
def noop(index):
    return index


def main():
    count = int(sys.argv[1])
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    ray.get([noop.remote(index) for index in range(100)])
    start = time.perf_counter()
    total = sum(ray.get([noop.remote(index) for index in range(count)]))
    seconds = time.perf_counter() - start
    ray.shutdown()
    if total != count * (count - 1) // 2:
        sys.exit(f"the numbers add up to {total}")
    print(json.dumps({"seconds": seconds, "per_second": count / seconds}), flush=True)


main()
