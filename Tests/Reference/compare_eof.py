"""Compares the file that examples/eof wrote with NumPy's figures: arguments are the two files.

Everything has to agree to 1e-10, relative to the largest of its mode; modes up to their sign. Coordinates have to be
attached as dimension scales.
"""

import sys

import h5py
import numpy as np

tolerance = 1e-10
failures = []


def check(what, condition):
    if not condition:
        failures.append(what)


with h5py.File(sys.argv[1]) as result, h5py.File(sys.argv[2]) as reference:
    for name in ("singular_values", "explained_variance"):
        error = np.max(np.abs(result[name][:] / reference[name][:] - 1))
        check(f"{name} is off by {error}", error <= tolerance)
    for name, mode_axis in (("eof", 0), ("pattern", 0), ("principal_components", 1)):
        ours = np.moveaxis(result[name][:], mode_axis, 0)
        theirs = np.moveaxis(reference[name][:], mode_axis, 0)
        check(f"{name} has the shape {ours.shape}, not {theirs.shape}", ours.shape == theirs.shape)
        for mode, (a, b) in enumerate(zip(ours, theirs)):
            sign = np.sign(np.sum(a * b))
            error = np.max(np.abs(a - sign * b)) / np.max(np.abs(b))
            check(f"mode {mode + 1} of {name} is off by {error}", error <= tolerance)
    check("the maps' means aren't positive", np.all(result["eof"][:].sum(axis=(1, 2)) > 0))
    # The signs of map and component belong together: their product is what is left of the field.
    product = np.einsum("tm,mij->tij", result["principal_components"][:], result["eof"][:])
    expected = np.einsum("tm,mij->tij", reference["principal_components"][:], reference["eof"][:])
    error = np.max(np.abs(product - expected)) / np.max(np.abs(expected))
    check(f"components and maps make up a field that is off by {error}", error <= tolerance)

    eof = result["eof"]
    for axis, name in enumerate(("mode", "latitude", "longitude")):
        check(f"axis {axis} of eof isn't {name}", eof.dims[axis].keys() == [name] and eof.dims[axis][0] == result[name])
    check("time isn't attached", result["principal_components"].dims[0][0] == result["time"])
    check("modes aren't counted from 1", list(result["mode"][:3]) == [1, 2, 3])
    check("latitudes are wrong", np.allclose(result["latitude"][:], np.linspace(15, 60, 37)))
    check("longitudes are wrong", np.allclose(result["longitude"][:], np.linspace(225, 315, 49)))
    check("the units of latitude are wrong", result["latitude"].attrs["units"] == "degrees_north")
    check("the title is missing", "EOF" in result.attrs["title"])

print("\n".join(failures) or "agrees with NumPy")
sys.exit(1 if failures else 0)
