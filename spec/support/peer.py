"""A peer for the specs: plain TCP or Python's ssl, in either role, which does the steps that it receives.

It listens on a control port, which it prints. Each control connection is one job: the spec sends lines "name value",
an empty line starts the job, and the answer is one line for each step (see JOB_STEPS) and "end". A server job first answers
"port N". A step that fails answers "error CLASS REASON TEXT" and ends the job.
"""

import hashlib
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time

DEADLINE = float(sys.argv[1])  # for each action of the other side
VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1,
            "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
SESSIONS = {}  # which the step "save" has stored
VERIFY = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


BLOCK = bytes((i * i * 3 + i * 7) % 251 for i in range(4088))


def pattern(count):
    """Returns count bytes that both sides can make: numbered blocks of 4096."""
    return b"".join(b"%08x" % i + BLOCK for i in range((count + 4095) // 4096))[:count]


def context(job):
    side = ssl.PROTOCOL_TLS_SERVER if job["role"] == "server" else ssl.PROTOCOL_TLS_CLIENT
    ctx = ssl.SSLContext(side)
    ctx.check_hostname = False
    ctx.verify_mode = VERIFY[job.get("verify", "none")]
    if "min" in job:
        ctx.minimum_version = VERSIONS[job["min"]]
    if "max" in job:
        ctx.maximum_version = VERSIONS[job["max"]]
    if "ciphers" in job:
        ctx.set_ciphers(job["ciphers"])
    if "cert" in job:
        ctx.load_cert_chain(job["cert"], job["key"])
    if "cafile" in job:
        ctx.load_verify_locations(job["cafile"])
    if "alpn" in job:
        ctx.set_alpn_protocols(job["alpn"].split(","))
    if job.get("check_hostname") == "yes":
        ctx.check_hostname = True
    return ctx


class Job:
    def __init__(self, job, reply, control):
        self.job, self.reply, self.control = job, reply, control
        self.sock = None

    def run(self):
        try:
            self.open()
            for line in self.job["do"]:
                word, _, rest = line.partition(" ")
                answer = getattr(self, "do_" + word)(*rest.split())
                self.reply(word + (" " + answer if answer else ""))
        except Exception as error:  # of any kind: the spec gets it
            reason = getattr(error, "reason", None) or getattr(error, "errno", None) or "-"
            self.reply("error %s %s %s" % (type(error).__name__, reason, str(error).replace("\n", " ")))
        finally:
            if self.sock is not None:
                self.sock.close()
            self.reply("end")

    def open(self):
        family = socket.AF_INET6 if ":" in self.job.get("host", "") else socket.AF_INET
        host = self.job.get("host", "127.0.0.1")
        if "path" in self.job:
            family, address = socket.AF_UNIX, self.job["path"]
        else:
            address = (host, int(self.job.get("port", 0)))
        if self.job["role"] == "server":
            listener = socket.socket(family)
            listener.settimeout(DEADLINE)
            if "rcvbuf" in self.job:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(self.job["rcvbuf"]))
            listener.bind(address)
            listener.listen(5)
            self.reply("port %s" % (0 if family == socket.AF_UNIX else listener.getsockname()[1]))
            self.sock, _ = listener.accept()
            listener.close()
        else:
            self.sock = socket.socket(family)
            self.sock.settimeout(DEADLINE)
            self.sock.connect(address)
        self.sock.settimeout(DEADLINE)
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.job.get("tls") == "yes":
            self.do_starttls()

    # The steps.

    def do_starttls(self):
        server = self.job["role"] == "server"
        ctx, session = SESSIONS[self.job["resume"]] if "resume" in self.job else (context(self.job), None)
        self.sock = ctx.wrap_socket(
            self.sock, server_side=server, do_handshake_on_connect=False, suppress_ragged_eofs=False,
            server_hostname=None if server else self.job.get("hostname"), session=session)

    def do_handshake(self):
        self.sock.do_handshake()
        return "%s %s %s" % (self.sock.version(), self.sock.cipher()[0], self.sock.selected_alpn_protocol() or "-")

    def do_reused(self):
        return "yes" if self.sock.session_reused else "no"

    def do_save(self, key):
        """Keeps the context and the session, for a later job with "resume KEY"."""
        SESSIONS[key] = (self.sock.context, self.sock.session)

    def do_binding(self):
        return (self.sock.get_channel_binding() or b"-").hex()

    def do_peercert(self):
        cert = self.sock.getpeercert()
        if not cert:
            return str(cert)
        return dict(pair for rdn in cert["subject"] for pair in rdn)["commonName"]

    def do_send(self, data):
        self.sock.sendall(bytes.fromhex(data))

    def do_sendn(self, count):
        self.sock.sendall(pattern(int(count)))

    def do_recv(self, count):
        data = b""
        while len(data) < int(count):
            piece = self.sock.recv(int(count) - len(data))
            if not piece:
                break
            data += piece
        return data.hex() or "-"

    def do_recvall(self):
        """Reads to the end, and reports the length, the SHA-256 and the kind of end."""
        count, digest, how = 0, hashlib.sha256(), "end"
        while True:
            try:
                piece = self.sock.recv(65536)
            except ssl.SSLEOFError:
                how = "ragged"
                break
            if not piece:
                break
            count += len(piece)
            digest.update(piece)
        return "%d %s %s" % (count, digest.hexdigest(), how)

    def do_echo(self):
        """Echoes until the peer's end of the stream."""
        count, how = 0, "end"
        while True:
            try:
                piece = self.sock.recv(65536)
            except ssl.SSLEOFError:
                how = "ragged"
                break
            if not piece:
                break
            count += len(piece)
            self.sock.sendall(piece)
        return "%d %s" % (count, how)

    def do_exchange(self, count):
        """Sends count bytes, and reads as many at the same time, which must be equal."""
        out, back = pattern(int(count)), bytearray()
        view, sent = memoryview(out), 0
        self.sock.settimeout(0)
        end = time.monotonic() + DEADLINE
        want_write = True
        while len(back) < len(out):
            if time.monotonic() > end:
                raise TimeoutError("exchange: %d sent, %d back" % (sent, len(back)))
            progress = False
            if sent < len(out):
                try:
                    sent += self.sock.send(view[sent:sent + 65536])
                    progress = True
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
            try:
                piece = self.sock.recv(65536)
                if not piece:
                    raise EOFError("exchange: %d sent, %d back" % (sent, len(back)))
                back += piece
                progress = True
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            if not progress:
                want_write = sent < len(out)
                select.select([self.sock], [self.sock] if want_write else [], [], 1.0)
        self.sock.settimeout(DEADLINE)
        return "ok" if bytes(back) == out else "different"

    def do_notify(self):
        """Sends close_notify and does not wait for the peer's."""
        self.sock.settimeout(0)
        try:
            self.sock._sslobj.shutdown()
        except (ssl.SSLWantReadError, ssl.SSLSyscallError):
            pass
        self.sock.settimeout(DEADLINE)

    def do_unwrap(self):
        self.sock = self.sock.unwrap()

    def do_close(self):
        self.sock.close()

    def do_reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def do_shutwr(self):
        socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def do_raw(self, data):
        os.write(self.sock.fileno(), bytes.fromhex(data))

    def do_rawrecv(self, count):
        """Reads from the transport below TLS."""
        select.select([self.sock], [], [], DEADLINE)
        return os.read(self.sock.fileno(), int(count)).hex() or "-"

    def do_waiteof(self):
        """Reads from the transport, and discards the bytes, until the peer closes it."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            select.select([self.sock], [], [], 1.0)
            try:
                if not os.read(self.sock.fileno(), 65536):
                    return "end"
            except BlockingIOError:
                pass
            except ConnectionResetError:
                return "reset"
        return "timeout"

    def do_slowread(self, times, count, seconds):
        """Reads at most count bytes, repeatedly, with pauses."""
        for _ in range(int(times)):
            time.sleep(float(seconds))
            if not self.sock.recv(int(count)):
                return "end"

    def do_drip(self, times, seconds, data):
        """Sends one byte of data at a time on the transport, zeros after them, with pauses."""
        data = bytes.fromhex(data)
        for i in range(int(times)):
            os.write(self.sock.fileno(), data[i:i + 1] or b"\0")
            time.sleep(float(seconds))

    def do_await(self):
        """Waits until the spec sends "go" or abandons the job: for a peer that must outlast the tested calls."""
        select.select([self.control], [], [])
        if not self.control.recv(1):
            raise EOFError("abandoned")

    def do_sleep(self, seconds):
        time.sleep(float(seconds))


class Proxy:
    """Forwards one TCP connection to a port, in pieces, and cuts it after a number of bytes in one direction."""

    def __init__(self, job, reply):
        self.job, self.reply = job, reply

    def run(self):
        job = self.job
        limits = [int(job.get("up", -1)), int(job.get("down", -1))]
        piece = int(job.get("piece", 65536))
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(DEADLINE)
        self.reply("port %d" % listener.getsockname()[1])
        client, server = None, None
        counts, how = [0, 0], "deadline"
        try:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", int(job["port"])), DEADLINE)
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_ends = {client: 0, server: 1}
            end = time.monotonic() + DEADLINE
            while open_ends and time.monotonic() < end:
                for sock in select.select(list(open_ends), [], [], 1.0)[0]:
                    which = open_ends[sock]
                    other = server if sock is client else client
                    data = sock.recv(65536)
                    if not data:
                        other.shutdown(socket.SHUT_WR)
                        del open_ends[sock]
                        continue
                    if limits[which] >= 0:
                        data = data[:limits[which] - counts[which]]
                    for i in range(0, len(data), piece):
                        other.sendall(data[i:i + piece])
                    counts[which] += len(data)
                    if limits[which] >= 0 and counts[which] >= limits[which]:
                        open_ends.clear()
                        how = "cut"
                        break
            else:
                how = "end" if not open_ends else how
        except OSError as error:
            how = "error %s" % type(error).__name__
        if how == "cut" and job.get("then") == "reset":
            for sock in (client, server):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "cut" and job.get("then") == "stall":
            time.sleep(float(job.get("seconds", 2)))
        for sock in (client, server):
            if sock is not None:
                sock.close()
        self.reply("proxy %d %d %s" % (counts[0], counts[1], how))
        self.reply("end")


def serve(control):
    stream = control.makefile("r", encoding="ascii", newline="\n")
    job = {"do": []}
    for line in stream:
        name, _, value = line.rstrip("\n").partition(" ")
        if not name:
            break
        if name == "do":
            job["do"].append(value)
        else:
            job[name] = value

    def reply(line):
        try:
            control.sendall((line.encode("ascii", "replace")) + b"\n")
        except OSError:
            pass  # the spec has ended

    with control:
        if "role" in job:
            (Proxy(job, reply) if job["role"] == "proxy" else Job(job, reply, control)).run()
        stream.close()


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=50)
    print("control %d" % listener.getsockname()[1], flush=True)
    while True:
        control, _ = listener.accept()
        threading.Thread(target=serve, args=(control,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
