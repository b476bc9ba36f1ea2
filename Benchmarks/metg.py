"""METG: the minimum effective task granularity of Task Bench (Slaughter et al., SC20).

A program runs one graph with tasks of several lengths and says how long each took. The granularity of a run is its
time, times the workers, through the tasks; its efficiency is the share of that which the kernel alone would have taken,
on as many cores. METG is the smallest granularity with an efficiency of at least a half, interpolated as Task Bench does.
"""

# Of the length at which half of the time is the kernel's: close together, since the figure is read between them.
STEPS = (0.5, 0.8, 1.25, 2)


class OutOfRange(Exception):
    """METG isn't among the lengths that were tried."""


def granularities(result, pick):
    """Efficiency and granularity in seconds for each length of task, from the longest on; `pick` makes one time of
    those of the repeats."""
    points = []
    for length in sorted(map(int, result["times"]), reverse=True):
        granularity = pick(result["times"][str(length)]) * result["workers"] / result["tasks"]
        points.append((length * result["iteration"] / granularity, granularity))
    return points


def metg(points, least=0.5):
    enough = [number for number, (efficiency, _) in enumerate(points) if efficiency >= least]
    if not enough or len(enough) == len(points):
        raise OutOfRange
    best = min(enough, key=lambda number: points[number][1])
    efficiency, granularity = points[best]
    if best + 1 < len(points) and points[best + 1][0] < least and points[best + 1][1] < granularity:
        below, smaller = points[best + 1]
        return smaller + (granularity - smaller) * (least - below) / (efficiency - below)
    return granularity


class Side:
    """One system with one pattern. `run(repeats, lengths)` runs its program. The first call looks for the lengths that
    tell, beginning with `length`; later ones begin with those. Where a run takes long, `searches` is False: then `steps`
    has to be wide enough."""

    def __init__(self, run, length, most, repeats, steps=STEPS, searches=True):
        self.run, self.length, self.repeats, self.steps = run, length, repeats, steps
        # A machine that others keep busy may never give half of its time to the tasks, however long they are.
        self.most = most
        self.searches = searches
        self.is_found = not searches

    def __call__(self):
        for _ in range(4 if self.searches else 1):
            if not self.is_found:
                self.search()
            lengths = sorted({max(1, round(self.length * step)) for step in self.steps})
            result = self.run(self.repeats, lengths)
            try:
                # Of the repeats the quickest: what else the machine does only adds to the time.
                result["metg"] = 1e6 * metg(granularities(result, min))
            except OutOfRange:
                self.is_found = False
                continue
            result["efficiencies"] = [f"{e:.2f} at {1e6 * g:.3g} µs" for e, g in granularities(result, min)]
            result["iteration_ns"] = 1e9 * result["iteration"]
            return result
        raise OutOfRange("no task that was tried was long enough, or none short enough: is the machine busy?")

    def search(self):
        """What isn't the kernel's time doesn't depend much on the length: one that takes as long is nearly it."""
        for _ in range(4):
            tried, self.length = self.length, min(self.most, self.overhead(self.length))
            if max(tried, self.length) <= 1.4 * min(tried, self.length):
                break
        self.is_found = True

    def overhead(self, length):
        result = self.run(self.repeats, [length])
        ((_, granularity),) = granularities(result, min)
        return max(1, round(granularity / result["iteration"] - length))
