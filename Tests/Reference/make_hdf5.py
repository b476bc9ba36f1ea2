"""Writes the HDF5 files that the tests of reading expect: make_hdf5.py FOLDER

Element number i (row-major) of a dataset follows from i alone, by the rule that the tests know as well:
k(i) = (7919 i) mod 10007; integers are k mod 100, floating-point numbers (k - 5003) / 8, booleans k mod 3 == 0,
complex numbers ((k - 5003) / 8, (k mod 100) / 4).
"""

import pathlib
import sys

import h5py
import numpy as np


def ramp(shape, dtype):
    dtype = np.dtype(dtype)
    k = (np.arange(int(np.prod(shape)), dtype=np.int64) * 7919) % 10007
    if dtype.kind in "iu":
        values = k % 100
    elif dtype.kind == "f":
        values = (k - 5003) / 8
    elif dtype.kind == "b":
        values = k % 3 == 0
    else:
        values = (k - 5003) / 8 + 1j * ((k % 100) / 4)
    return values.astype(dtype).reshape(shape)


def make_types(folder):
    types = {
        "float64": "<f8", "float32": "<f4", "int8": "i1", "int16": "<i2", "int32": "<i4", "int64": "<i8",
        "uint8": "u1", "uint16": "<u2", "uint32": "<u4", "uint64": "<u8", "bool": "?", "complex128": "<c16",
        "complex64": "<c8",
    }
    with h5py.File(folder / "types.h5", "w") as f:
        for name, dtype in types.items():
            data = ramp((7, 5, 6), dtype)
            f.create_dataset(f"contiguous/{name}", data=data)
            f.create_dataset(f"chunked/{name}", data=data, chunks=(3, 2, 4), compression="gzip", shuffle=True)
            if data.dtype.itemsize > 1 and dtype[0] == "<":
                f.create_dataset(f"big/{name}", data=data.astype(">" + dtype[1:]))
        # Widths that Muster doesn't have: the next wider one takes them.
        f["narrow/float16"] = (ramp((40,), "f8") / 64).astype("f2")
        f["narrow/enum"] = ramp((40,), "u2").astype(h5py.enum_dtype({"no": 0, "yes": 1}, basetype="u2"))
        f["narrow/longdouble"] = ramp((40,), "f8").astype(np.longdouble)


def make_layouts(folder):
    with h5py.File(folder / "layouts.h5", "w") as f:
        f["contiguous"] = ramp((40, 30, 20), "f8")
        f.create_dataset("chunked", data=ramp((40, 30, 20), "f8"), chunks=(7, 30, 6), compression="gzip", shuffle=True)
        f.create_dataset("fletcher", data=ramp((40, 30), "i4"), chunks=(11, 13), fletcher32=True)
        f.create_dataset("unlimited", data=ramp((25, 8), "f4"), chunks=(4, 8), maxshape=(None, 8))
        missing = f.create_dataset("missing", (12, 12), "f8", chunks=(4, 4), fillvalue=-7.5)
        missing[0:4, 0:4] = ramp((4, 4), "f8")
        f.create_dataset("never", (5, 5), "i4", fillvalue=42)
        f["scalar"] = np.float64(2.5)
        f["empty"] = np.zeros((0, 4), "f4")
        f["wide"] = ramp((6, 5000), "f8")
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        h5py.h5d.create(
            f.id, b"compact", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((6, 7)), properties
        ).write(h5py.h5s.ALL, h5py.h5s.ALL, ramp((6, 7), "f8"))
        f.create_dataset("external", data=ramp((9, 4), "f8"), external=[(str(folder / "external.raw"), 0, 9 * 4 * 8)])
        virtual = h5py.VirtualLayout((40, 30), "f8")
        virtual[...] = h5py.VirtualSource(f["contiguous"])[:, :, 3]
        f.create_virtual_dataset("virtual", virtual)
    with h5py.File(folder / "userblock.h5", "w", userblock_size=1024) as f:
        f["contiguous"] = ramp((30, 20), "f8")
    with h5py.File(folder / "latest.h5", "w", libver="latest") as f:
        f["contiguous"] = ramp((30, 20), "f8")
        f.create_dataset("chunked", data=ramp((30, 20), "f8"), chunks=(10, 10))


def make_strange(folder):
    with h5py.File(folder / "strange.h5", "w") as f:
        f["string"] = "a word"
        f["fixed"] = np.array([b"ab", b"cd"])
        f.create_dataset("ragged", (3,), h5py.vlen_dtype("i4"))
        f["record"] = np.zeros(3, [("a", "i4"), ("b", "f8")])
        f["opaque"] = np.zeros(3, "V5")
        f["array"] = np.zeros(3, np.dtype([("r", "i4"), ("i", "i4")]))
        f["null"] = h5py.Empty("f8")
        f["group/inner"] = ramp((4,), "f8")
        f["dangling"] = h5py.SoftLink("/nowhere")


def make_attributes(folder):
    with h5py.File(folder / "attributes.h5", "w") as f:
        data = f.create_dataset("data", data=ramp((3, 4, 2), "f4"))
        data.attrs["units"] = "K"
        data.attrs["città"] = "Zürich"
        data.attrs["fixed"] = np.bytes_(b"abc")
        data.attrs["names"] = ["one", "two, three", ""]
        data.attrs["fixed names"] = np.array([b"a", b"bcd"])
        data.attrs["integer"] = np.int16(-3)
        data.attrs["unsigned"] = np.uint64(2**63 + 2**40)
        data.attrs["integers"] = np.array([1, 2, 3], ">i4")
        data.attrs["float"] = np.float32(0.1)
        data.attrs["double"] = 0.1
        data.attrs["doubles"] = np.array([0.5])
        data.attrs["none"] = np.array([], "f8")
        data.attrs["record"] = np.zeros((), [("a", "i4"), ("b", "f8")])
        for axis, name in enumerate(["time", "place"]):
            f[f"axes/{name}"] = np.arange(data.shape[axis], dtype="f8")
            f[f"axes/{name}"].make_scale(name)
            data.dims[axis].attach_scale(f[f"axes/{name}"])
        data.dims[2].label = "part"


def make_not_hdf5(folder):
    (folder / "classic.nc").write_bytes(b"CDF\x01" + bytes(100))
    (folder / "text.h5").write_text("This is no data file at all.\n" * 40)
    (folder / "nothing.h5").write_bytes(b"")
    whole = (folder / "layouts.h5").read_bytes()
    (folder / "truncated.h5").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "stub.h5").write_bytes(whole[:20])
    # The structure behind the superblock overwritten, the size right.
    (folder / "damaged.h5").write_bytes(whole[:96] + bytes(len(whole) - 96))


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    make_types(folder)
    make_layouts(folder)
    make_strange(folder)
    make_attributes(folder)
    make_not_hdf5(folder)


if __name__ == "__main__":
    main()
