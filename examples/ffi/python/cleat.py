"""cleat by ctypes: declares what cleat.cdef lists, under the names that the reference has.

    import cleat
    context = cleat.check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS))
"""
import ctypes
import os
import re

TYPES = {
    "int32_t ": ctypes.c_int32,
    "double ": ctypes.c_double,
    "const char *": ctypes.c_char_p,  # bytes, or None
    "const int32_t *": ctypes.POINTER(ctypes.c_int32),
    "char *": ctypes.POINTER(ctypes.c_char),  # ctypes.create_string_buffer(n), or None
    "int32_t *": ctypes.POINTER(ctypes.c_int32),  # ctypes.byref(ctypes.c_int32())
    "double *": ctypes.POINTER(ctypes.c_double),
}

# CDLL lets other threads run while a call waits; PyDLL would not.
library = ctypes.CDLL(os.environ.get("CLEAT_LIBRARY", "libcleat.so.0"))


def declare(line):
    constant = re.match(r"static const int32_t (\w+) = (-?\d+);", line)
    function = re.match(r"int32_t (\w+)\((.*)\);", line)
    if constant:
        globals()[constant[1]] = int(constant[2])
    elif function:
        name, parameters = function.groups()
        globals()[name] = getattr(library, name)
        globals()[name].restype = ctypes.c_int32
        if parameters != "void":
            types = [re.match(r"(.*?)\w+$", parameter)[1] for parameter in parameters.split(", ")]
            globals()[name].argtypes = [TYPES[type] for type in types]


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cleat.cdef")) as cdef:
    for line in cdef:
        declare(line)

if globals()["cleat_abi_version"]() < globals()["CLEAT_ABI"]:
    raise ImportError("the libcleat found is older than cleat.cdef")


class Error(Exception):
    def __init__(self, status):
        self.kind = -status >> 16  # CLEAT_CLASS(status)
        self.value = -status & 0xFFFF  # CLEAT_VALUE(status)
        message = text(globals()["cleat_error_message"])
        filename = text(globals()["cleat_error_filename"])
        super().__init__(f"{message}: {filename}" if filename else message)


def check(result):
    """The answer of a call; raises Error if it is a status."""
    if result < 0:
        raise Error(result)
    return result


def text(function, *arguments):
    """What a function with a last pair (output, output_cap) returns, as str."""
    room = 256
    while True:
        out = ctypes.create_string_buffer(room)
        length = check(function(*arguments, out, room))
        if length <= room:
            return out.raw[:length].decode("utf-8", "replace")
        room = length


def data(value):
    """A pair (p, p_len) for str, bytes or None: cleat_something(*data("text"))."""
    if isinstance(value, str):
        value = value.encode()
    return value, len(value or b"")
