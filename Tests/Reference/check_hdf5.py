"""Compares an HDF5 file with what a JSON text on standard input says that it holds: check_hdf5.py FILE

{"attributes": {name: value}, "datasets": [{"name", "dtype", "shape", "rule": true if the elements follow the rule of
make_hdf5.py, "attributes": {name: value}, "dimensions": [name of the scale or null], "chunks": shape of the file's
chunks, "level": of gzip, "shuffle": these three only where it's compressed}]}
Exits 0 where all of it holds; otherwise says what doesn't.
"""

import json
import sys

import h5py
import numpy as np

from make_hdf5 import ramp


def same(found, expected):
    if isinstance(expected, list):
        return len(found) == len(expected) and all(same(a, b) for a, b in zip(found, expected))
    return found == expected


def check_attributes(attributes, expected, where, faults):
    for name, value in expected.items():
        if name not in attributes:
            faults.append(f"{where} has no attribute {name}")
        elif not same(attributes[name], value):
            faults.append(f"attribute {name} of {where} is {attributes[name]!r}, not {value!r}")


def main():
    expected = json.load(sys.stdin)
    faults = []
    with h5py.File(sys.argv[1], "r") as f:
        check_attributes(f.attrs, expected["attributes"], "the file", faults)
        names = []
        f.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        if sorted(names) != sorted(d["name"] for d in expected["datasets"]):
            faults.append(f"the datasets are {sorted(names)}")
        for d in expected["datasets"]:
            data = f[d["name"]]
            if data.dtype != np.dtype(d["dtype"]) or data.shape != tuple(d["shape"]):
                faults.append(f"{d['name']} is {data.dtype} {data.shape}, not {d['dtype']} {d['shape']}")
            elif d["rule"] and not np.array_equal(data[()], ramp(tuple(d["shape"]), d["dtype"])):
                faults.append(f"{d['name']} has other elements")
            storage = (list(data.chunks), data.compression_opts, data.shuffle) if data.compression == "gzip" else None
            if storage != ((d["chunks"], d["level"], d["shuffle"]) if "level" in d else None):
                faults.append(f"{d['name']} is stored as {data.compression} {data.chunks} {data.compression_opts}")
            check_attributes(data.attrs, d["attributes"], d["name"], faults)
            for axis, dimension in enumerate(d["dimensions"]):
                scales = [scale.name.lstrip("/") for scale in data.dims[axis].values()]
                if scales != ([dimension] if dimension else []):
                    faults.append(f"axis {axis} of {d['name']} has the scales {scales}, not {dimension}")
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
