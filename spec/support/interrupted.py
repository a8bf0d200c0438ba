"""SIGINT repeatedly while the main thread is in a handshake, a write and a read: each call is interrupted, repeated, and
loses nothing. Arguments: a certificate and its key. The library's bindings are examples/ffi/python/cleat.py."""
import ctypes
import hashlib
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/ffi/python"))
import cleat  # noqa: E402

INTERRUPTED = -(cleat.CLEAT_SYS << 16 | cleat.CLEAT_EINTR)
SIZE = 600000
interrupted = {"handshake": 0, "write": 0, "read": 0}


def call(phase, function, *arguments):
    """Repeats an interrupted call, after the signal handler, which only counts, has run."""
    while True:
        result = function(*arguments)
        if result != INTERRUPTED:
            return cleat.check(result)
        interrupted[phase] += 1
        reached[phase].set()


def serve(connection):
    """The peer: it does nothing before the main thread was interrupted in each phase."""
    reached["handshake"].wait()
    cleat.check(cleat.cleat_connection_handshake(connection, -1.0))
    reached["write"].wait()
    digest, left, buffer = hashlib.sha256(), SIZE, ctypes.create_string_buffer(65536)
    while left:
        count = cleat.check(cleat.cleat_connection_read(connection, buffer, len(buffer), -1.0))
        digest.update(buffer.raw[:count])
        left -= count
    reached["read"].wait()
    cleat.check(cleat.cleat_connection_write(connection, digest.digest(), 32, -1.0))


def press(done):
    while not done.wait(0.001):
        os.kill(os.getpid(), signal.SIGINT)


def contexts():
    server = cleat.check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS))
    files = [name.encode() for name in sys.argv[1:3]]
    cleat.check(cleat.cleat_context_load_cert_chain(server, files[0], len(files[0]), files[1], len(files[1]), None, 0))
    return server, cleat.check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS))


signals = []
signal.signal(signal.SIGINT, lambda number, frame: signals.append(number))
reached = {phase: threading.Event() for phase in interrupted}
first, second = ctypes.c_int32(), ctypes.c_int32()
cleat.check(cleat.cleat_socket_pair(cleat.CLEAT_AF_UNIX, cleat.CLEAT_SOCK_STREAM, 0, ctypes.byref(first), ctypes.byref(second)))
server_context, client_context = contexts()
client = cleat.check(cleat.cleat_connection_over_socket(client_context, first, 0, None, 0))
server = cleat.check(cleat.cleat_connection_over_socket(server_context, second, 1, None, 0))
done = threading.Event()
threads = [threading.Thread(target=serve, args=(server,)), threading.Thread(target=press, args=(done,))]
for thread in threads:
    thread.start()
cleat.cleat_set_interruptible(1)
call("handshake", cleat.cleat_connection_handshake, client, -1.0)
data, at = os.urandom(SIZE), 0
while at < SIZE:
    at += call("write", cleat.cleat_connection_write, client, data[at:], SIZE - at, -1.0)
    if at < SIZE:  # a write that was interrupted after a part returns its length
        reached["write"].set()
answer, buffer = b"", ctypes.create_string_buffer(32)
while len(answer) < 32:
    count = call("read", cleat.cleat_connection_read, client, buffer, 32 - len(answer), -1.0)
    answer += buffer.raw[:count]
done.set()
for thread in threads:
    thread.join()
assert answer == hashlib.sha256(data).digest(), "the data has changed on the way"
assert signals and interrupted["handshake"] > 0 and interrupted["read"] > 0, interrupted
for id in client, server, server_context, client_context, first, second:
    cleat.cleat_close(id)
assert cleat.cleat_handle_count() == 0
print("nothing lost")
