// A TLS echo server by the C ABI: node echo_server.js CERTFILE KEYFILE [PORT]
//
// The sockets are Node's own; many clients are served in one thread.
'use strict';
const net = require('node:net');
const cleat = require('./cleat');
const TlsStream = require('./tls_stream');

function main(certfile, keyfile, port) {
    if (keyfile === undefined) throw new Error('usage: echo_server.js CERTFILE KEYFILE [PORT]');
    const context = cleat.check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS));
    cleat.check(cleat.cleat_context_set_minimum_version(context, cleat.CLEAT_TLS1_2_VERSION));
    cleat.check(
        cleat.cleat_context_load_cert_chain(context, ...cleat.data(certfile), ...cleat.data(keyfile), null, 0));

    // allowHalfOpen: the response to a client that has shut down its direction is still sent
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        const stream = new TlsStream(socket, context, null);
        stream.on('error', (error) => process.stderr.write(`echo_server: ${error.message}\n`));
        stream.pipe(stream);
    });
    server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`listening on ${server.address().port}\n`));
}

try {
    const [certfile, keyfile, port = '0'] = process.argv.slice(2);
    main(certfile, keyfile, port);
} catch (error) {
    process.stderr.write(`echo_server: ${error.message}\n`);
    process.exitCode = 1;
}
