-- A handshake over memory with a peer that has a bad chain, in either role. Works on the functions of the ABI.
--
-- cleat does not load some of the chains as its own. Such a chain replaces a good one in the bytes between the two
-- sides. This works in TLS 1.2 only, where certificates are not encrypted; and neither handshake finishes, because the
-- two sides hash different messages.
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

-- new_verifier returns a context that trusts the CA certificates of the files.
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

-- splice replaces the certificates in the Certificate message of a flight of TLS 1.2.
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

-- step does the next call of one side: its handshake, then one byte in each direction. It returns true when nothing is
-- left to do.
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

-- run exchanges bytes until neither side sends any more, and returns the failure of each. message: see splice.
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

-- load returns a context with the chain as its own, or nil and the reason why cleat does not load it.
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

-- found returns the result of a verification: code, message, depth, and the DER bytes of the refused certificate; or
-- nil if the chain was accepted. It closes the id.
local function found(id)
    check(id, "verification")
    local result
    local refused = backend.verification_result(id) ~= const.OK
    assert(backend.verification_error_count(id) == (refused and 1 or 0))
    if refused then
        local _, message, code, depth = backend.verification_error(id, 0)
        local certificate = check(backend.verification_error_certificate(id, 0), "the refused certificate")
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

-- verify does the same for a verification without a connection.
function attempt.verify(files, role)
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

-- handshake returns the failures of the verifier and of its peer (see pump.failure; nil for none), the result of the
-- verification if it has refused the chain, and whether the chain was spliced in. role: "server" or "client", the side
-- that sends the chain; version: 0x0303 or 0x0304. Returns nothing if the case cannot be tried with that version.
function attempt.handshake(files, role, version)
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
