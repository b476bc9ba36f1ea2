"""Figures for the tests of arrays in memory: OUTDIR/ndarray/index.json and raw little-endian files beside it.

Elementary functions are computed in extended precision and rounded once, so that they are right to half a unit in
the last place; reductions too, with NumPy's own results beside them.
"""

import json
import os
import sys

import numpy as np

folder = os.path.join(sys.argv[1], "ndarray")
os.makedirs(folder, exist_ok=True)
index = []
random = np.random.default_rng(20240607)


def store(name, array):
    array = np.asarray(array, order="C")
    file = name.replace("/", "-") + ".bin"
    array.astype(array.dtype.newbyteorder("<")).tofile(os.path.join(folder, file))
    index.append({"name": name, "file": file, "type": array.dtype.name, "shape": list(array.shape)})


def spread(low, high, count=1500):
    """Values of every magnitude between 10^low and 10^high, of both signs."""
    return random.choice([-1.0, 1.0], count) * 10 ** random.uniform(low, high, count)


special = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, np.inf, -np.inf, np.nan, 1e-310])
domains = {
    "exp": np.concatenate([spread(-5, 2), special, [700.0, 709.7, 709.8, -740.0, -750.0]]),
    "expm1": np.concatenate([spread(-12, 2), special]),
    "log": np.concatenate([abs(spread(-300, 300)), random.uniform(0.9, 1.1, 500), special]),
    "log1p": np.concatenate([abs(spread(-12, 10)), -random.uniform(0, 1, 500), special]),
    "log2": np.concatenate([abs(spread(-300, 300)), special, 2.0 ** np.arange(-20, 20)]),
    "log10": np.concatenate([abs(spread(-300, 300)), special]),
    "sin": np.concatenate([spread(-8, 6), special]),
    "cos": np.concatenate([spread(-8, 6), special]),
    "tan": np.concatenate([spread(-8, 4), special]),
    "arcsin": np.concatenate([random.uniform(-1, 1, 1500), special, [1.5]]),
    "arccos": np.concatenate([random.uniform(-1, 1, 1500), special, [1.5]]),
    "arctan": np.concatenate([spread(-8, 8), special]),
    "sinh": np.concatenate([spread(-8, 2.8), special, [88.9, 89.3, 90.0, -89.2, 709.9, 710.4, 710.5, -710.2]]),
    "cosh": np.concatenate([spread(-8, 2.8), special, [88.9, 89.3, 90.0, -89.2, 709.9, 710.4, 710.5, -710.2]]),
    "tanh": np.concatenate([spread(-8, 2), special]),
}
names = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}

with np.errstate(all="ignore"):
    for function, inputs in domains.items():
        for kind in (np.float64, np.float32):
            x = inputs.astype(kind)
            if kind is np.float32:
                x = x[~((abs(x) > 0) & (abs(x) < 1e-37))]
            name = f"{names.get(function, function)}/{np.dtype(kind).name}"
            store(f"{name}/input", x)
            store(f"{name}/output", getattr(np, function)(x.astype(np.longdouble)).astype(kind))
    for kind in (np.float64, np.float32):
        name = np.dtype(kind).name
        base = abs(spread(-3, 3)).astype(kind)
        exponent = spread(-2, 1).astype(kind)
        store(f"power/{name}/a", base)
        store(f"power/{name}/b", exponent)
        store(f"power/{name}/output", (base.astype(np.longdouble) ** exponent.astype(np.longdouble)).astype(kind))
        y, x = spread(-5, 5).astype(kind), spread(-5, 5).astype(kind)
        store(f"atan2/{name}/a", y)
        store(f"atan2/{name}/b", x)
        store(f"atan2/{name}/output", np.arctan2(y.astype(np.longdouble), x.astype(np.longdouble)).astype(kind))

# Reductions over every set of axes of one array, around a mean that is large beside the deviations.
for kind in (np.float64, np.float32):
    name = np.dtype(kind).name
    x = (1000 + random.standard_normal((37, 6, 301))).astype(kind)
    store(f"reduce/{name}/input", x)
    wide = x.astype(np.longdouble)
    for axes in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]:
        tag = f"reduce/{name}/" + "".join(map(str, axes))
        store(f"{tag}/sum", wide.sum(axis=axes).astype(kind))
        store(f"{tag}/mean", wide.mean(axis=axes).astype(kind))
        store(f"{tag}/var0", wide.var(axis=axes).astype(kind))
        store(f"{tag}/std1", wide.std(axis=axes, ddof=1).astype(kind))
        store(f"{tag}/min", x.min(axis=axes))
        store(f"{tag}/max", x.max(axis=axes))

# How far NumPy's own sum of many numbers is from the exact one.
x = random.standard_normal(1_000_003) * 10 ** random.uniform(-3, 3, 1_000_003)
exact = x.astype(np.longdouble).sum()
store("accuracy/input", x)
store("accuracy/exact", np.array([exact], dtype=np.float64))
store("accuracy/numpy", np.array([x.sum()]))

# Integers.
for kind in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64):
    name = np.dtype(kind).name
    info = np.iinfo(kind)
    x = random.integers(info.min, info.max, (19, 70), dtype=kind, endpoint=True)
    store(f"integers/{name}/input", x)
    store(f"integers/{name}/sum0", x.sum(axis=0))
    store(f"integers/{name}/sum1", x.sum(axis=1))
    store(f"integers/{name}/prod", np.array([x.prod()]))
    store(f"integers/{name}/mean1", x.mean(axis=1))

# A standardisation along the first axis, and complex arithmetic.
x = random.standard_normal((211, 97))
store("standardise/input", x)
store("standardise/output", (x - x.mean(axis=0)) / x.std(axis=0))
a = random.standard_normal((2, 400, 2)).view(np.complex128)[..., 0]
store("complex/a", a[0])
store("complex/b", a[1])
store("complex/multiply", a[0] * a[1])
store("complex/divide", a[0] / a[1])
store("complex/absolute", np.abs(a[0]))
store("complex/sum", np.array([a[0].astype(np.clongdouble).sum()]).astype(np.complex128))

with open(os.path.join(folder, "index.json"), "w") as file:
    json.dump(index, file)
