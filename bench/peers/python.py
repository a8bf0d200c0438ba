"""The benchmarks with Python's ssl: python.py OPERATION PORT COUNT. See bench/README.md."""
import gc
import os
import socket
import ssl
import sys
import time

RECORD, PIECE, MESSAGE = 16384, 65536, 64

operation = sys.argv[1]
port = count = int(sys.argv[2])
if len(sys.argv) > 3:
    count = int(sys.argv[3])
setting = os.environ.__getitem__
version = ssl.TLSVersion.TLSv1_2 if setting("BENCH_VERSION") == "1.2" else ssl.TLSVersion.TLSv1_3


def timed(warm_up, work):
    warm_up()
    start = time.process_time()
    work()
    print("cpu %.9f" % (time.process_time() - start))


def repeated(n, work):
    def loop():
        for _ in range(n):
            work()
    return loop


def dial():
    return socket.create_connection(("127.0.0.1", port))


def client_context():
    context = ssl.create_default_context(cafile=setting("BENCH_CA"))
    context.minimum_version = context.maximum_version = version
    if setting("BENCH_GROUPS") not in ("X25519", "prime256v1"):  # which Python 3.11 has no other way to ask for than leaving it as it is
        raise SystemExit("groups cannot be chosen")
    return context


def wrap(sock, session=None):
    return context.wrap_socket(sock, server_hostname=setting("BENCH_NAME"), session=session)


def handshake():
    wrap(dial()).close()


def expect_dot(conn):
    assert conn.recv(1) == b"."


def opened(letter, number):
    conn = wrap(dial())
    conn.sendall(b"%s%015d" % (letter, number))
    return conn


def verify():
    try:
        conn = wrap(dial())
    except ssl.SSLError as error:
        return "refused %s" % error
    return "accepted %s %s" % (conn.version(), conn.cipher()[0])


session = None


def resumption():
    global session
    conn = wrap(dial(), session)
    if session is not None:
        assert conn.session_reused
    conn.sendall(b"T%015d" % 0)
    expect_dot(conn)
    session = conn.session
    conn.close()


def receiver(step):
    size = count << 20
    conn = opened(b"S", size + size // 8)

    def receive(left):
        def loop():
            nonlocal left
            while left > 0:
                left -= step(conn)
        return loop
    timed(receive(size // 8), receive(size))


def receiver_into():
    buffer = bytearray(RECORD)
    receiver(lambda conn: conn.recv_into(buffer))


def sender(piece):
    size = count << 20
    conn = opened(b"D", size + size // 8)
    data = bytes(piece)

    def step():
        conn.sendall(data)

    def work():
        repeated(size // piece, step)()
        expect_dot(conn)
    timed(repeated(size // 8 // piece, step), work)


def echo():
    conn = opened(b"E", count + count // 10)
    message = bytes(MESSAGE)

    def step():
        conn.sendall(message)
        got = len(conn.recv(MESSAGE))
        while got < MESSAGE:
            got += len(conn.recv(MESSAGE - got))
    timed(repeated(count // 10, step), repeated(count, step))


def want_read():
    conn = opened(b"T", 0)
    expect_dot(conn)
    conn.settimeout(0)

    def step():
        try:
            conn.recv(16384)
        except ssl.SSLWantReadError:
            return
        raise AssertionError
    timed(repeated(count // 10, step), repeated(count, step))


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def idle():
    held = []

    def hold():
        conn = opened(b"I", 0)
        expect_dot(conn)
        held.append(conn)
    hold()
    gc.collect()
    before = resident()
    repeated(count, hold)()
    gc.collect()
    print("bytes %.1f" % ((resident() - before) / count))


def idle_server():
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.minimum_version = server.maximum_version = version
    server.load_cert_chain(setting("BENCH_CERT"), setting("BENCH_KEY"))
    wrapped = server.wrap_socket(socket.create_server(("127.0.0.1", 0), backlog=1024), server_side=True)
    print("port %d" % wrapped.getsockname()[1], flush=True)
    held = []

    def hold():
        conn = wrapped.accept()[0]
        got = 0
        while got < 16:
            got += len(conn.recv(16 - got))
        conn.sendall(b".")
        held.append(conn)
    repeated(count // 10 + 1, hold)()
    gc.collect()
    before = resident()
    repeated(count, hold)()
    gc.collect()
    print("bytes %.1f" % ((resident() - before) / count))


def empty_context():
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def accept():
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.minimum_version = server.maximum_version = version
    server.load_cert_chain(setting("BENCH_CERT"), setting("BENCH_KEY"))
    if operation == "accept-client":
        server.load_verify_locations(setting("BENCH_CA"))
        server.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    port = listener.getsockname()[1]
    wrapped = server.wrap_socket(listener, server_side=True)
    print("port %d" % port, flush=True)
    resumed = False

    def step():
        nonlocal resumed
        conn = wrapped.accept()[0]
        if operation == "accept-again":
            assert conn.session_reused == resumed
            resumed = True
            conn.sendall(b".")
        conn.close()
    timed(repeated(count // 10 + 1, step), repeated(count, step))


if operation in ("context", "bundle-first", "bundle-again", "accept", "accept-client", "accept-again", "idle-server"):
    {
        "context": lambda: timed(repeated(count // 10, empty_context), repeated(count, empty_context)),
        "bundle-first": lambda: timed(lambda: None, ssl.create_default_context),
        "bundle-again": lambda: timed(ssl.create_default_context, repeated(count, ssl.create_default_context)),
        "accept": accept,
        "accept-client": accept,
        "accept-again": accept,
        "idle-server": idle_server,
    }[operation]()
else:
    context = client_context()
    {
        "verify": lambda: print(verify()),
        "handshake": lambda: timed(repeated(count // 10, handshake), repeated(count, handshake)),
        "resume": lambda: timed(repeated(count // 10 + 1, resumption), repeated(count, resumption)),
        "receive": lambda: receiver(lambda conn: len(conn.recv(RECORD))),
        "receive-into": receiver_into,
        "send": lambda: sender(PIECE),
        "sendall": lambda: sender((count << 20) // 8),
        "echo": echo,
        "want-read": want_read,
        "idle": idle,
    }[operation]()
