"""Calls each method of Python's SSLSocket and SSLObject in each state, as spec/support/states.lua does cleat's: states.py CERT KEY CAFILE
prints a line for each cell, "kind TAB version TAB role TAB state TAB call TAB answer TAB second answer"."""
import errno
import socket
import ssl
import sys

CERT, KEY, CAFILE = sys.argv[1:4]
VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def context(version, server):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = made.maximum_version = VERSIONS[version]
    if server:
        made.load_cert_chain(CERT, KEY)
    else:
        made.load_verify_locations(CAFILE)
    return made


CONTEXTS = {(version, server): context(version, server) for version in VERSIONS for server in (False, True)}


def describe(failure):
    if isinstance(failure, ssl.SSLError):
        name = type(failure).__name__
        return name + " " + failure.reason if failure.reason and name != "SSLEOFError" else name
    if isinstance(failure, OSError):
        return errno.errorcode[failure.errno]
    return type(failure).__name__


def answer(call):
    try:
        value = call()
    except Exception as failure:
        return describe(failure)
    if isinstance(value, bytes) and len(value) <= 4:
        value = value.decode()
    if value is None:
        return "none"
    if isinstance(value, (int, str)):
        return '"%s"' % value if isinstance(value, str) else str(int(value))
    return "value"


class Socket:
    kind = "SSLSocket"

    def __init__(self, version, role):
        pair = socket.socketpair()
        for plain in pair:
            plain.setblocking(False)
        client = CONTEXTS[version, False].wrap_socket(pair[0], server_hostname="localhost", do_handshake_on_connect=False)
        server = CONTEXTS[version, True].wrap_socket(pair[1], server_side=True, do_handshake_on_connect=False)
        self.subject, self.peer = (client, server) if role == "client" else (server, client)

    def carry(self):
        pass

    def end(self):
        self.peer.close()

    def close(self):
        self.subject.close()
        self.peer.close()


class Object:
    kind = "SSLObject"

    ended = False

    def __init__(self, version, role):
        self.bios = [ssl.MemoryBIO() for _ in range(4)]
        client = CONTEXTS[version, False].wrap_bio(self.bios[0], self.bios[1], server_hostname="localhost")
        server = CONTEXTS[version, True].wrap_bio(self.bios[2], self.bios[3], server_side=True)
        self.subject, self.peer = (client, server) if role == "client" else (server, client)
        self.incoming = self.bios[0 if role == "client" else 2]

    def carry(self):
        if not self.ended:
            self.bios[2].write(self.bios[1].read())
            self.bios[0].write(self.bios[3].read())

    def end(self):
        self.ended = True
        self.incoming.write_eof()

    def close(self):
        pass


def step(pair, call):
    result = answer(call)
    pair.carry()
    return result


def expect(pair, call, *wanted):
    result = step(pair, call)
    assert result in wanted, (result, wanted)


def fresh(pair):
    pass


def opened(pair):
    for _ in range(3):
        step(pair, pair.subject.do_handshake)
        step(pair, pair.peer.do_handshake)
    expect(pair, pair.peer.do_handshake, "none")
    expect(pair, pair.subject.do_handshake, "none")
    for end in (pair.peer, pair.subject, pair.peer, pair.subject):  # session tickets
        expect(pair, lambda: end.read(16), "SSLWantReadError")


def data(pair):
    opened(pair)
    expect(pair, lambda: pair.peer.write(b"data"), "4")


def own_sent(pair):
    opened(pair)
    expect(pair, pair.subject.unwrap, "SSLWantReadError")


def own_sent_data(pair):
    own_sent(pair)
    expect(pair, lambda: pair.peer.write(b"data"), "4")


def peers_arrived(pair):
    opened(pair)
    expect(pair, pair.peer.unwrap, "SSLWantReadError")


def peers_received(pair):
    peers_arrived(pair)
    expect(pair, lambda: pair.subject.read(16), '""')


def both_arrived(pair):
    own_sent(pair)
    expect(pair, pair.peer.unwrap, "none", "value")


def both(pair):
    both_arrived(pair)
    expect(pair, lambda: pair.subject.read(16), "SSLZeroReturnError")


def ended(pair):
    opened(pair)
    pair.end()


def own_sent_ended(pair):
    own_sent(pair)
    expect(pair, lambda: pair.peer.read(16), '""')
    pair.end()


def peers_received_ended(pair):
    peers_received(pair)
    pair.end()


def shut_down(pair):
    opened(pair)
    pair.subject.shutdown(socket.SHUT_RDWR)


def unwrapped(pair):
    peers_arrived(pair)
    expect(pair, pair.subject.unwrap, "none", "value")


def closed(pair):
    opened(pair)
    pair.subject.close()


STATES = [
    ("fresh", fresh), ("open", opened), ("open, data", data), ("own sent", own_sent), ("own sent, data", own_sent_data),
    ("peer's arrived", peers_arrived), ("peer's received", peers_received), ("own sent, peer's arrived", both_arrived),
    ("both", both), ("unwrapped", unwrapped), ("ended", ended), ("own sent, ended", own_sent_ended),
    ("peer's received, ended", peers_received_ended), ("shut down", shut_down), ("closed", closed),
]
CALLS = [
    ("read", lambda end: end.read(16)), ("read_into", lambda end: end.read(16, bytearray(16))),
    ("write", lambda end: end.write(b"x")),
    ("do_handshake", lambda end: end.do_handshake()), ("unwrap", lambda end: end.unwrap()),
    ("pending", lambda end: end.pending()),
]
SOCKET_CALLS = [
    ("recv", lambda end: end.recv(16)), ("recv_into", lambda end: end.recv_into(bytearray(16))),
    ("send", lambda end: end.send(b"x")), ("sendall", lambda end: end.sendall(b"x")),
]
GETTERS = [
    ("version", lambda end: end.version()), ("cipher", lambda end: end.cipher()),
    ("getpeercert", lambda end: end.getpeercert()), ("compression", lambda end: end.compression()),
    ("selected_alpn_protocol", lambda end: end.selected_alpn_protocol()),
    ("shared_ciphers", lambda end: end.shared_ciphers()), ("get_channel_binding", lambda end: end.get_channel_binding()),
    ("server_side", lambda end: end.server_side), ("server_hostname", lambda end: end.server_hostname),
    ("context", lambda end: end.context),
]


def show(kind, version, role, state, name, pair, call):
    first = answer(lambda: call(pair.subject))
    pair.carry()
    second = answer(lambda: call(pair.subject))
    print("\t".join((kind.kind, version, role, state, name, first, second)))


for kind in Socket, Object:
    for version in VERSIONS:
        for role in "client", "server":
            for state, reach in STATES:
                if kind is Object and state in ("shut down", "closed"):
                    continue
                for name, call in CALLS + (SOCKET_CALLS if kind is Socket else []):
                    pair = kind(version, role)
                    reach(pair)
                    show(kind, version, role, state, name, pair, call)
                    pair.close()
                pair = kind(version, role)
                reach(pair)
                for name, call in GETTERS:
                    show(kind, version, role, state, name, pair, call)
                pair.close()
