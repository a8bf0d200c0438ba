# A peer that uses the library of GnuTLS or OpenSSL through ctypes, reports the values that it derives from the secrets
# of its connections, and changes its keys. None of their programs does all of this.
#
#   keying.py gnutls|openssl server CHAIN KEY VERSION CONNECTIONS [OPTION…]     prints "port N"
#   keying.py gnutls|openssl client PORT VERSION CONNECTIONS [OPTION…]          resumes all but the first
#
# VERSION is 1.2 or 1.3. OPTION: no-ems (without the extended master secret), rsa-only (a client
# of OpenSSL that verifies no other signatures). For each connection it prints one line,
# "reused=0 unique=… exporter=… end-point=… absent=… empty=… given=…" in hexadecimal: the channel bindings, and 48 bytes
# for the label "EXPERIMENTAL cleat" without a context value, with an empty one, and with "context". Then it echoes what
# it receives; "update" and "request" are echoed after it has changed its keys, "request" also asks the peer to.
import ctypes
import socket
import sys

LABEL = b"EXPERIMENTAL cleat"
BINDING = b"EXPORTER-Channel-Binding"
LENGTH = 48


class GnuTLS:
    def __init__(self, server, version, options, files=None):
        self.lib = lib = ctypes.CDLL("libgnutls.so.30")
        lib.gnutls_strerror.restype = ctypes.c_char_p
        self.server = server
        self.credentials = ctypes.c_void_p()
        self.check(lib.gnutls_certificate_allocate_credentials(ctypes.byref(self.credentials)))
        if files:
            self.check(lib.gnutls_certificate_set_x509_key_file(
                self.credentials, files[0].encode(), files[1].encode(), 1))
        self.priority = "NORMAL:-VERS-ALL:+VERS-TLS" + version
        if "no-ems" in options:
            self.priority += ":%NO_SESSION_HASH"
        self.ticket_key = self.Datum()
        if server:
            self.check(lib.gnutls_session_ticket_key_generate(ctypes.byref(self.ticket_key)))

    class Datum(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_uint)]

        def bytes(self):
            return ctypes.string_at(self.data, self.size) if self.size else b""

    def check(self, result):
        if result < 0:
            raise OSError(self.lib.gnutls_strerror(result).decode())
        return result

    def connect(self, sock, saved):
        lib = self.lib
        self.session = ctypes.c_void_p()
        self.check(lib.gnutls_init(ctypes.byref(self.session), 1 if self.server else 2))
        self.check(lib.gnutls_priority_set_direct(self.session, self.priority.encode(), None))
        self.check(lib.gnutls_credentials_set(self.session, 1, self.credentials))
        lib.gnutls_transport_set_int2(self.session, sock.fileno(), sock.fileno())
        if self.server:
            self.check(lib.gnutls_session_ticket_enable_server(self.session, ctypes.byref(self.ticket_key)))
        else:
            self.check(lib.gnutls_server_name_set(self.session, 1, b"localhost", ctypes.c_size_t(9)))
            if saved:
                self.check(lib.gnutls_session_set_data(self.session, saved, ctypes.c_size_t(len(saved))))
        while True:
            result = lib.gnutls_handshake(self.session)
            if result != -28 and result != -52:  # AGAIN, INTERRUPTED
                break
        self.check(result)

    def reused(self):
        return 1 if self.lib.gnutls_session_is_resumed(self.session) else 0

    def export(self, label, length, context):
        out = ctypes.create_string_buffer(length)
        self.check(self.lib.gnutls_prf_rfc5705(
            self.session, ctypes.c_size_t(len(label)), label, ctypes.c_size_t(len(context or b"")), context,
            ctypes.c_size_t(length), out))
        return out.raw

    def binding(self, name):
        datum = self.Datum()
        number = {"unique": 0, "end-point": 1, "exporter": 2}[name]
        if self.lib.gnutls_session_channel_binding(self.session, number, ctypes.byref(datum)) < 0:
            return b""
        return datum.bytes()

    def update(self, request):
        self.check(self.lib.gnutls_session_key_update(self.session, 1 if request else 0))

    def read(self):
        buf = ctypes.create_string_buffer(65536)
        while True:
            result = self.lib.gnutls_record_recv(self.session, buf, ctypes.c_size_t(65536))
            if result not in (-28, -52):
                return buf.raw[:result] if result > 0 else b""

    def write(self, data):
        self.check(self.lib.gnutls_record_send(self.session, data, ctypes.c_size_t(len(data))))

    def saved(self):
        datum = self.Datum()
        self.check(self.lib.gnutls_session_get_data2(self.session, ctypes.byref(datum)))
        return datum.bytes()

    def close(self):
        self.lib.gnutls_bye(self.session, 1)
        self.lib.gnutls_deinit(self.session)


class OpenSSL:
    def __init__(self, server, version, options, files=None):
        self.lib = lib = ctypes.CDLL("libssl.so.3")
        self.crypto = ctypes.CDLL("libcrypto.so.3")
        for name in "TLS_method SSL_CTX_new SSL_new SSL_get1_session SSL_get_certificate SSL_get1_peer_certificate".split():
            getattr(lib, name).restype = ctypes.c_void_p
        for name in "EVP_get_digestbyname OBJ_nid2sn".split():
            getattr(self.crypto, name).restype = ctypes.c_void_p
        lib.SSL_get_finished.restype = lib.SSL_get_peer_finished.restype = ctypes.c_size_t
        lib.SSL_CTX_set_options.restype = ctypes.c_uint64
        lib.SSL_CTX_ctrl.restype = lib.SSL_ctrl.restype = ctypes.c_long
        self.server = server
        self.context = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_method())))
        number = {"1.2": 0x303, "1.3": 0x304}[version]
        for command in (123, 124):  # SSL_CTRL_SET_MIN_PROTO_VERSION, _MAX_
            lib.SSL_CTX_ctrl(self.context, command, ctypes.c_long(number), None)
        if "no-ems" in options:
            lib.SSL_CTX_set_options(self.context, ctypes.c_uint64(1))
        if "rsa-only" in options:
            assert lib.SSL_CTX_ctrl(self.context, 98, ctypes.c_long(0), b"RSA-PSS+SHA256:RSA+SHA256") == 1
        if files:
            assert lib.SSL_CTX_use_certificate_chain_file(self.context, files[0].encode()) == 1
            assert lib.SSL_CTX_use_PrivateKey_file(self.context, files[1].encode(), 1) == 1
        lib.SSL_CTX_set_session_id_context(self.context, b"keying", 6)

    def connect(self, sock, saved):
        self.ssl = ctypes.c_void_p(self.lib.SSL_new(self.context))
        self.lib.SSL_set_fd(self.ssl, sock.fileno())
        if saved:
            assert self.lib.SSL_set_session(self.ssl, saved) == 1
        result = self.lib.SSL_accept(self.ssl) if self.server else self.lib.SSL_connect(self.ssl)
        if result != 1:
            raise OSError("the handshake failed")

    def reused(self):
        return self.lib.SSL_session_reused(self.ssl)

    def export(self, label, length, context):
        out = ctypes.create_string_buffer(length)
        if self.lib.SSL_export_keying_material(
                self.ssl, out, ctypes.c_size_t(length), label, ctypes.c_size_t(len(label)), context,
                ctypes.c_size_t(len(context or b"")), 0 if context is None else 1) != 1:
            return b""
        return out.raw

    def binding(self, name):
        if name == "exporter":
            return self.export(BINDING, 32, b"")
        if name == "unique":
            first = self.lib.SSL_get_finished
            if self.server != bool(self.reused()):
                first = self.lib.SSL_get_peer_finished
            out = ctypes.create_string_buffer(64)
            size = first(self.ssl, out, ctypes.c_size_t(64))
            return out.raw[:size]
        return self.end_point()

    def end_point(self):
        get = self.lib.SSL_get_certificate if self.server else self.lib.SSL_get1_peer_certificate
        certificate = ctypes.c_void_p(get(self.ssl))
        if not certificate:
            return b""
        digest = ctypes.c_int(0)
        self.crypto.X509_get_signature_info(certificate, ctypes.byref(digest), None, None, None)
        if digest.value == 0:
            return b""
        name = ctypes.string_at(self.crypto.OBJ_nid2sn(digest))
        if name in (b"MD5", b"SHA1"):
            name = b"SHA256"
        out = ctypes.create_string_buffer(64)
        size = ctypes.c_uint(0)
        md = ctypes.c_void_p(self.crypto.EVP_get_digestbyname(name))
        if self.crypto.X509_digest(certificate, md, out, ctypes.byref(size)) != 1:
            return b""
        return out.raw[:size.value]

    def update(self, request):
        assert self.lib.SSL_key_update(self.ssl, 1 if request else 0) == 1

    def read(self):
        buf = ctypes.create_string_buffer(65536)
        result = self.lib.SSL_read(self.ssl, buf, 65536)
        return buf.raw[:result] if result > 0 else b""

    def write(self, data):
        assert self.lib.SSL_write(self.ssl, data, len(data)) == len(data)

    def saved(self):
        return ctypes.c_void_p(self.lib.SSL_get1_session(self.ssl))

    def close(self):
        self.lib.SSL_shutdown(self.ssl)
        self.lib.SSL_free(self.ssl)


def say(peer):
    words = ["reused=%d" % peer.reused()]
    for name in ("unique", "exporter", "end-point"):
        words.append("%s=%s" % (name, peer.binding(name).hex()))
    for name, context in (("absent", None), ("empty", b""), ("given", b"context")):
        words.append("%s=%s" % (name, peer.export(LABEL, LENGTH, context).hex()))
    print(*words, flush=True)


# Returns the session, which an end without close_notify would invalidate.
def echo(peer):
    saved = None
    while True:
        data = peer.read()
        if not data:
            return saved
        if not peer.server:
            saved = peer.saved()
        if data in (b"update", b"request"):
            peer.update(data == b"request")
        peer.write(data)


def main(library, role, *arguments):
    kind = {"gnutls": GnuTLS, "openssl": OpenSSL}[library]
    saved = None
    if role == "server":
        chain, key, version, count, *options = arguments
        peer = kind(True, version, options, (chain, key))
        listener = socket.create_server(("127.0.0.1", 0))
        print("port", listener.getsockname()[1], flush=True)
    else:
        port, version, count, *options = arguments
        peer = kind(False, version, options)
    for _ in range(int(count)):
        sock = listener.accept()[0] if role == "server" else socket.create_connection(("127.0.0.1", int(port)))
        peer.connect(sock, saved)
        say(peer)
        saved = echo(peer)
        peer.close()
        sock.close()


main(*sys.argv[1:])
