"""Clients of slixmpp, side by side: xmpp.py CA JOB...

A job is JID:PORT:starttls|direct:VERSION:MECHANISM:BYTES, with TLSv1_2 or TLSv1_3, and a password of "secret". Each
client logs in and sends itself a message of so many bytes. Prints a line for each job, in order: its mechanism, the
version of TLS, and how many bytes came back; or why it failed.
"""
import asyncio
import ssl
import sys

import slixmpp


class Client(slixmpp.ClientXMPP):
    def __init__(self, ca, jid, port, kind, version, mechanism, size):
        super().__init__(jid, "secret", sasl_mech=mechanism)
        self.job = kind, int(port)
        self.text = "x" * int(size)
        self.done = asyncio.get_event_loop().create_future()
        self.ca_certs = ca
        self.ssl_context.load_verify_locations(ca)
        self.ssl_context.minimum_version = self.ssl_context.maximum_version = ssl.TLSVersion[version]
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.came)
        for name in "failed_auth", "ssl_invalid_chain", "connection_failed", "disconnected":
            self.add_event_handler(name, lambda data, name=name: self.end("%s: %s" % (name, data)))

    def begin(self):
        kind, port = self.job
        self.connect(("127.0.0.1", port), use_ssl=kind == "direct", force_starttls=kind == "starttls",
                     disable_starttls=kind == "direct")

    async def started(self, event):
        self.send_presence()
        self.facts = self["feature_mechanisms"].mech.name, self.socket.version()
        self.send_message(self.boundjid.full, self.text)

    def came(self, message):
        if message["from"] == self.boundjid:
            self.end("%s %s %d" % (*self.facts, len(message["body"]) if message["body"] == self.text else -1))

    def end(self, result):
        if not self.done.done():
            self.done.set_result(result)


async def main(ca, *jobs):
    clients = [Client(ca, *job.split(":")) for job in jobs]
    for client in clients:
        client.begin()
    for client in clients:
        print(await client.done, flush=True)
        client.abort()

asyncio.get_event_loop().run_until_complete(main(*sys.argv[1:]))
