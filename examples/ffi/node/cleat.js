// cleat by koffi (npm ci, in this folder): declares what cleat.cdef lists, under the names that the reference has.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const koffi = require('koffi');

const library = koffi.load(process.env.CLEAT_LIBRARY || 'libcleat.so.0');
const cleat = { check, text, data, CleatError: class CleatError extends Error {} };

for (const line of fs.readFileSync(path.join(__dirname, '..', 'cleat.cdef'), 'utf8').split('\n')) {
    const constant = line.match(/^static const int32_t (\w+) = (-?\d+);/);
    const declared = line.match(/^int32_t (\w+)\(/);
    if (constant) cleat[constant[1]] = Number(constant[2]);
    // koffi reads the declaration itself; a pointer takes a Buffer, an Int32Array, a Float64Array or null
    if (declared) cleat[declared[1]] = library.func(line);
}
if (cleat.cleat_abi_version() < cleat.CLEAT_ABI) {
    throw new Error('the libcleat found is older than cleat.cdef');
}

// The class of a status: one of the CLEAT_ constants of cleat/status.h. 0 for an answer.
cleat.statusClass = (status) => (status < 0 ? -status >> 16 : 0);

// The answer of a call; throws if it is a status.
function check(result) {
    if (result >= 0) return result;
    const message = text(cleat.cleat_error_message);
    const filename = text(cleat.cleat_error_filename);
    const error = new cleat.CleatError(filename ? `${message}: ${filename}` : message);
    error.class = -result >> 16;
    error.value = -result & 0xffff;
    throw error;
}

// What a function with a last pair (output, output_cap) returns.
function text(f, ...args) {
    for (let room = 256; ;) {
        const out = Buffer.alloc(room);
        const length = check(f(...args, out, room));
        if (length <= room) return out.toString('utf8', 0, length);
        room = length;
    }
}

// A pair (p, p_len) for a string, a Buffer or null: cleat_something(...data('text')).
function data(value) {
    const bytes = value === null ? null : Buffer.from(value);
    return [bytes, bytes === null ? 0 : bytes.length];
}

module.exports = cleat;
