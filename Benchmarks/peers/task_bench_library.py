"""Task Bench's graphs and kernel, from the library that Benchmarks/run compiles of task_bench.h. A module of its own,
so that dask's workers import it and tasks carry no copy of it."""

import ctypes
import os
import struct

_library = ctypes.CDLL(os.environ["TASK_BENCH_LIBRARY"])


class Graph(ctypes.Structure):
    _fields_ = [
        ("pattern", ctypes.c_int),
        ("width", ctypes.c_int),
        ("steps", ctypes.c_long),
        ("iterations", ctypes.c_long),
    ]

    def __init__(self, pattern, width, steps, iterations):
        super().__init__(pattern, width, steps, iterations)

    def __reduce__(self):
        return Graph, (self.pattern, self.width, self.steps, self.iterations)


_of_graph = ctypes.POINTER(Graph)
_library.named.argtypes = [ctypes.c_char_p]
_library.width_at.argtypes = [_of_graph, ctypes.c_long]
_library.inputs_of.argtypes = [_of_graph, ctypes.c_long, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
_library.calibrate.restype = ctypes.c_double
_library.run.argtypes = [_of_graph, ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p]


def pattern(name):
    return _library.named(name.encode())


def width_at(graph, step):
    return _library.width_at(graph, step)


def inputs_of(graph, step, point):
    inputs = (ctypes.c_int * 8)()
    return inputs[: _library.inputs_of(graph, step, point, inputs)]


def run(graph, step, point, *inputs):
    """One task: 16 bytes with its step, its point and a digest."""
    output = ctypes.create_string_buffer(16)
    if not _library.run(graph, step, point, b"".join(inputs), len(inputs), output):
        raise ValueError(f"task {point} of step {step} got other inputs than its pattern says")
    return output.raw


def add(*outputs):
    return sum(struct.unpack("iiQ", output)[2] for output in outputs) % 2**64


def calibrate(number):
    return _library.calibrate()
