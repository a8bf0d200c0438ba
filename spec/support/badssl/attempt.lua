-- A handshake over memory with a peer that has a bad chain, in either role. Works on the functions of the ABI.
--
-- A chain that cleat does not load as its own is put in place of a good one on its way. That is for TLS 1.2 only, where
-- the certificates are not encrypted; and neither side finishes it, since the two sides have not seen the same
-- messages.
local backend = require "cleat.backend"
local badssl = require "support.badssl"
local process = require "support.process"
local pump = require "support.pump"

local const = backend.const

local attempt = {}

local function check(status, what)
    if status < 0 then
        error(("%s: %s"):format(what, pump.failure(status).message), 3)
    end
    return status
end

local function new_context(version)
    local id = check(backend.context_new(const.PROTOCOL_TLS), "context_new")
    check(backend.context_set_minimum_version(id, version), "minimum")
    check(backend.context_set_maximum_version(id, version), "maximum")
    return id
end

-- new_verifier: a context that trusts what the files say.
local function new_verifier(files, version, role)
    local id = new_context(version)
    check(backend.context_load_verify_file(id, files.trust), "trust")
    if files.crl then
        check(backend.context_load_verify_file(id, files.crl), "crl")
    end
    check(backend.context_set_verify_mode(id, const.CERT_REQUIRED), "verify_mode")
    check(backend.context_set_verify_flags(id, files.flags), "verify_flags")
    if role == "server" then
        check(backend.context_set_check_hostname(id, 1), "check_hostname")
    end
    return id
end

local plain -- files of a good chain

local function good()
    plain = plain or badssl.files(badssl.cases[1], "right")
    return plain
end

local function connection(context, server, host)
    local id = backend.connection_over_memory(context, server and 1 or 0, host)
    check(backend.close(context), "close")
    return check(id, "connection_over_memory")
end

local function be16(n)
    return string.char(math.floor(n / 256) % 256, n % 256)
end

-- splice: a flight of TLS 1.2 whose Certificate message is another.
local function splice(flight, message)
    local messages, position = {}, 1
    while flight:byte(position) == 22 do
        local length = flight:byte(position + 3) * 256 + flight:byte(position + 4)
        messages[#messages + 1] = flight:sub(position + 5, position + 4 + length)
        position = position + 5 + length
    end
    local rest, out = table.concat(messages), {}
    while #rest > 0 do
        local length = rest:byte(2) * 65536 + rest:byte(3) * 256 + rest:byte(4)
        local whole = rest:sub(1, 4 + length)
        if whole:byte(1) == 11 then
            whole = "\11" .. string.char(math.floor(#message / 65536)) .. be16(#message % 65536) .. message
        end
        for piece = 1, #whole, 16384 do
            local fragment = whole:sub(piece, piece + 16383)
            out[#out + 1] = "\22\3\3" .. be16(#fragment) .. fragment
        end
        rest = rest:sub(5 + length)
    end
    return table.concat(out) .. flight:sub(position)
end

-- step: one side's next move: its handshake, and when that is done a byte each way. Returns true when there is no more
-- to do.
local function step(id, state)
    if not state.established then
        local status = backend.connection_handshake(id, 0)
        if pump.class(status) == const.WANT_READ then
            return false
        end
        if status < 0 then
            state.failure = pump.failure(status)
            return true
        end
        state.established = true
        status = backend.connection_write(id, "x", 0)
        if status < 0 then
            state.failure = pump.failure(status)
            return true
        end
    end
    local count, byte = backend.connection_read(id, 1, 0)
    if pump.class(count) == const.WANT_READ then
        return false
    end
    if count < 0 then
        state.failure = pump.failure(count)
    else
        assert(byte == "x")
    end
    return true
end

-- run: lets the two talk until neither sends any more; returns the failure of each. message: see splice.
local function run(bad, verifier, message)
    local states, idle = { [bad] = {}, [verifier] = {} }, 0
    while idle < 3 do
        for _, id in ipairs { bad, verifier } do
            local state = states[id]
            state.done = state.done or step(id, state)
        end
        local moved = backend.connection_drain_pending(bad)
        if moved > 0 then
            local _, bytes = backend.connection_drain(bad, moved)
            check(backend.connection_feed(verifier, message and splice(bytes, message) or bytes), "feed")
        end
        moved = moved + pump.move(verifier, bad)
        idle = moved == 0 and idle + 1 or 0
    end
    return states[verifier], states[bad]
end

-- loads: whether cleat takes the chain as its own; the context that has, or nil and the reason.
function attempt.load(files, version)
    local id = new_context(version)
    local status = backend.context_load_cert_chain(id, files.chain, files.key, nil)
    if status >= 0 then
        return id
    end
    local failure = pump.failure(status)
    backend.close(id)
    return nil, failure
end

-- found: what a verification has found: code, message, depth, and the DER bytes of the certificate at fault; nil if
-- it was accepted. The id is closed.
local function found(id)
    check(id, "verification")
    local result
    local refused = backend.verification_result(id) ~= const.OK
    assert(backend.verification_error_count(id) == (refused and 1 or 0))
    if refused then
        local _, message, code, depth = backend.verification_error(id, 0)
        local certificate = check(backend.verification_error_certificate(id, 0), "the certificate at fault")
        assert(certificate ~= 0, "there is no certificate at that depth")
        local _, der = backend.certificate_der(certificate)
        backend.close(certificate)
        result = { code = code, message = message, depth = depth, der = der }
    else
        assert(backend.verification_chain_count(id, const.CHAIN_VERIFIED) >= 1)
    end
    backend.close(id)
    return result
end

-- alone: the same of a verification without a connection.
function attempt.alone(files, role)
    local context = new_verifier(files, 0x0304, role)
    local text = process.read_file(files.chain)
    local first = select(2, text:find("-----END CERTIFICATE-----\n", 1, true))
    local certificate = check(backend.certificate_from_pem(text:sub(1, first)), "certificate")
    local is_server = role == "server"
    local id = backend.verification_new(context, certificate,
        is_server and const.PURPOSE_SERVER_AUTH or const.PURPOSE_CLIENT_AUTH, is_server and files.host or nil, -1,
        first < #text and text:sub(first + 1) or nil)
    backend.close(context)
    backend.close(certificate)
    return found(id)
end

-- of: what the verifier says of the chain and what its peer gets: two failures (see pump.failure), nil for none; what
-- the verification has found, if it has refused; and
-- whether the chain was spliced in. role: whose the chain is, "server" or "client"; version: 0x0303 or 0x0304. Returns
-- nothing where there is no way to try it.
function attempt.of(files, role, version)
    local context, message = attempt.load(files, version), nil
    if not context then
        if version ~= 0x0303 then
            return nil
        end
        context = attempt.load(good(), version)
        message = process.read_file(files.message)
    end
    local verifying = new_verifier(files, version, role)
    local bad, verifier
    if role == "server" then
        bad = connection(context, true)
        verifier = connection(verifying, false, files.host)
    else
        bad = connection(context, false)
        check(backend.context_load_cert_chain(verifying, good().chain, good().key, nil), "own chain")
        verifier = connection(verifying, true)
    end
    local verified, peer = run(bad, verifier, message)
    local verification = verified.failure and verified.failure.class == const.VERIFY
        and found(backend.connection_verification(verifier)) or nil
    backend.close(bad)
    backend.close(verifier)
    return {
        found = verification, failure = verified.failure, established = verified.established,
        peer_failure = peer.failure, spliced = message ~= nil,
    }
end

return attempt
