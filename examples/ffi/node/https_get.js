// Fetches a page over HTTPS by the C ABI: node https_get.js [--cafile FILE] HOST PORT PATH
//
// The server must have a certificate for HOST from a CA of the system, or of FILE. The sockets are Node's own.
'use strict';
const net = require('node:net');
const cleat = require('./cleat');
const TlsStream = require('./tls_stream');

function fail(message) {
    process.stderr.write(`https_get: ${message}\n`);
    process.exitCode = 1;
}

function clientContext(cafile) {
    const context = cleat.check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS));
    cleat.check(cleat.cleat_context_set_minimum_version(context, cleat.CLEAT_TLS1_2_VERSION));
    cleat.check(cleat.cleat_context_set_verify_mode(context, cleat.CLEAT_CERT_REQUIRED));
    cleat.check(cleat.cleat_context_set_check_hostname(context, 1));
    if (cafile) cleat.check(cleat.cleat_context_load_verify_file(context, ...cleat.data(cafile)));
    else cleat.check(cleat.cleat_context_set_default_verify_paths(context));
    return context;
}

function main(words) {
    let cafile = null;
    if (words[0] === '--cafile') [, cafile, ...words] = words;
    const [host, port, path] = words;
    if (path === undefined) return fail('usage: https_get.js [--cafile FILE] HOST PORT PATH');

    const context = clientContext(cafile);
    // A name may stand for addresses of both families: try them all, as later versions of Node do unasked.
    const transport = net.connect({ host, port: Number(port), autoSelectFamily: true, timeout: 30000 });
    transport.on('timeout', () => transport.destroy(new Error('timed out')));
    const stream = new TlsStream(transport, context, host);
    cleat.cleat_close(context); // the connection keeps what it needs
    stream.on('secure', () => process.stderr.write(cleat.text(cleat.cleat_connection_version, stream.connection) + '\n'));
    stream.on('error', (error) => fail(error.message)); // also where the server's end is cut off: CLEAT_EOF
    stream.on('data', (bytes) => process.stdout.write(bytes));
    stream.on('end', () => stream.end());
    stream.write(`GET ${path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
}

try {
    main(process.argv.slice(2));
} catch (error) {
    fail(error.message);
}
