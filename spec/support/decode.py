"""Decodes the DER certificates named on the command line with Python's ssl, and prints a Lua table: an entry for each, with what
getpeercert() would return in field "cert", or the failure in field "error"."""
import os
import ssl
import sys
import tempfile


def lua(value):
    if isinstance(value, dict):
        return "{" + ",".join("[%s]=%s" % (lua(key), lua(item)) for key, item in sorted(value.items())) + "}"
    if isinstance(value, tuple):
        return "{" + ",".join(map(lua, value)) + "}"
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return '"' + "".join("\\%03d" % byte for byte in value) + '"'
    if value is None:  # an empty BIT STRING
        return "nil"
    return "%d" % value


def decode(name):
    with open(name, "rb") as file:
        data = file.read()
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(ssl.DER_cert_to_PEM_cert(data))
        file.flush()
        try:
            return {"cert": ssl._ssl._test_decode_cert(file.name)}
        except Exception as failure:
            return {"error": "%s: %s" % (type(failure).__name__, failure)}


print("return {" + ",\n".join(lua(decode(name)) for name in sys.argv[1:]) + "}")
