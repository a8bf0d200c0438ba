// TLS as a stream of Node's, over any other stream: a connection over memory, which never waits, between the two.
'use strict';
const { Duplex } = require('node:stream');
const cleat = require('./cleat');

class TlsStream extends Duplex {
    // hostname: of the server that a client speaks to, null for a server's side
    constructor(transport, context, hostname) {
        super();
        this.transport = transport;
        this.room = Buffer.alloc(16384);
        this.asked = false; // whether the reader wants more
        this.connection = cleat.check(
            cleat.cleat_connection_over_memory(context, hostname === null ? 1 : 0, ...cleat.data(hostname)));
        transport.on('data', (bytes) => this.attempt(() => this.receive(bytes)));
        transport.on('end', () => this.attempt(() => this.receive(null)));
        transport.on('error', (error) => this.destroy(error));
        transport.on('close', () => this.destroy());
        this.attempt(() => this.readRecords());
    }

    // A failure ends the stream; an alert for the peer is sent first.
    attempt(work) {
        if (this.destroyed) return;
        try {
            work();
            this.flush();
        } catch (error) {
            try { this.flush(); } catch { /* the first failure says more */ }
            this.destroy(error);
        }
    }

    receive(bytes) {
        if (bytes) cleat.check(cleat.cleat_connection_feed(this.connection, bytes, bytes.length));
        else cleat.check(cleat.cleat_connection_feed_eof(this.connection));
        this.readRecords();
    }

    // Decrypts what was fed, as far as the reader wants it. It does the handshake too.
    readRecords() {
        if (!cleat.cleat_connection_established(this.connection)) {
            const status = cleat.cleat_connection_handshake(this.connection, 0);
            if (cleat.statusClass(status) === cleat.CLEAT_WANT_READ) return;
            cleat.check(status);
            this.emit('secure');
            this.waiting?.(); // a write that came before the handshake was done
        }
        while (this.asked) {
            const count = cleat.cleat_connection_read(this.connection, this.room, this.room.length, 0);
            if (cleat.statusClass(count) === cleat.CLEAT_WANT_READ) return;
            cleat.check(count);
            this.asked = this.push(count === 0 ? null : Buffer.from(this.room.subarray(0, count)));
            if (count === 0) return;
        }
        this.transport.pause(); // until the reader asks again
    }

    // Sends what the connection has for the network; the transport keeps what it cannot send at once.
    flush() {
        for (let count; (count = cleat.check(
            cleat.cleat_connection_drain(this.connection, this.room, this.room.length))) > 0;) {
            this.transport.write(Buffer.from(this.room.subarray(0, count)));
        }
    }

    _read() {
        this.asked = true;
        this.transport.resume();
        this.attempt(() => this.readRecords());
    }

    _write(bytes, _encoding, done) {
        const write = () => {
            this.waiting = null;
            cleat.check(cleat.cleat_connection_write(this.connection, bytes, bytes.length, 0)); // memory takes all of it
            this.flush();
            if (this.transport.writableNeedDrain) this.transport.once('drain', done);
            else done();
        };
        if (cleat.cleat_connection_established(this.connection)) this.attempt(write);
        else this.waiting = write;
    }

    _final(done) {
        this.attempt(() => {
            const status = cleat.cleat_connection_shutdown(this.connection, 0); // says goodbye, and waits for no answer
            if (cleat.statusClass(status) !== cleat.CLEAT_WANT_READ) cleat.check(status);
            this.flush();
            this.transport.end();
        });
        done();
    }

    _destroy(error, done) {
        cleat.cleat_close(this.connection);
        this.transport.end(() => this.transport.destroy()); // what is on its way goes out first
        done(error);
    }
}

module.exports = TlsStream;
