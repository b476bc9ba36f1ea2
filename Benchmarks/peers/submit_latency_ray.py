"""From submitting a function to having its value, one after the other: Ray with one worker."""

import json
import os
import sys
import time

# It reports to its makers otherwise.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
import ray  # noqa: E402


@ray.remote
def same(number):
    return number


def main(count):
    ray.init(num_cpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    times, total = [], 0
    for number in range(-200, count):
        start = time.perf_counter()
        total += ray.get(same.remote(number))
        if number >= 0:
            times.append(1e6 * (time.perf_counter() - start))
    ray.shutdown()
    if total != sum(range(-200, count)):
        sys.exit(f"the values add up to {total}")
    times.sort()
    print(
        json.dumps({"p50": times[count // 2], "p99": times[count * 99 // 100], "mean": sum(times) / count}), flush=True
    )


main(int(sys.argv[1]))
