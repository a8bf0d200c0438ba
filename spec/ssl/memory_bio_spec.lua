-- MemoryBIO and SSLObject: the test moves the bytes itself, in pieces of any size, to another SSLObject or to Python's
-- ssl.
local Buffer = require "cleat.buffer"
local handles = require "support.handles"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

-- ends returns two SSLObjects before the handshake. Each is a table with object, incoming and outgoing.
local function ends(client_options, server_options)
    client_options, server_options = link.client_options(client_options), link.server_options(server_options)
    local function bare()
        return { incoming = ssl.MemoryBIO(), outgoing = ssl.MemoryBIO() }
    end
    local client, server = bare(), bare()
    client.object = (client_options.context or link.context(client_options)):wrap_bio(client.incoming, client.outgoing,
        { server_hostname = client_options.server_hostname or nil })
    server.object = (server_options.context or link.context(server_options)):wrap_bio(server.incoming, server.outgoing, true)
    return client, server
end

-- carry moves up to size bytes (by default all) from one end to the other, and returns how many.
local function carry(from, to, size)
    return to.incoming:write(from.outgoing:read(size))
end

-- attempt calls a method, and returns whether it has succeeded. It raises all errors except SSLWantReadError.
local function attempt(from, name, ...)
    local ok, failure = pcall(from.object[name], from.object, ...)
    if not ok and not ssl.SSLWantReadError:is(failure) then
        error(failure, 0)
    end
    return ok, failure
end

-- shake does both handshakes, size bytes at a time.
local function shake(client, server, size)
    local done = {}
    local steps = 0
    while not (done.client and done.server) do
        done.client = done.client or attempt(client, "do_handshake")
        local moved = carry(client, server, size)
        done.server = done.server or attempt(server, "do_handshake")
        moved = moved + carry(server, client, size)
        steps = steps + 1
        assert(moved > 0 or (done.client and done.server), "both wait")
        assert(steps < 100000, "no end")
    end
    return steps
end

local function shaken(...)
    local client, server = ends(...)
    shake(client, server)
    return client, server
end

-- transfer sends data from one end to the other, moved in pieces.
local function transfer(from, to, data, size)
    assert.are.equal(#data, from.object:write(data))
    local parts = {}
    while from.outgoing.pending > 0 do
        carry(from, to, size)
        while true do
            local ok, got = attempt(to, "read", 65536)
            if not ok then
                break
            end
            parts[#parts + 1] = got
        end
    end
    return table.concat(parts)
end

describe("MemoryBIO", function()
    it("B-31 keeps the bytes in their order", function()
        local bio = ssl.MemoryBIO()
        assert.are.equal(0, bio.pending)
        assert.are.equal("", bio:read())
        assert.are.equal(3, bio:write "abc")
        assert.are.equal(0, bio:write "")
        local buffer = Buffer(4)
        buffer:set(0, "defg")
        assert.are.equal(4, bio:write(buffer))
        assert.are.equal(7, bio.pending)
        assert.are.equal("a", bio:read(1))
        assert.are.equal("", bio:read(0))
        assert.are.equal("bcde", bio:read(4))
        assert.are.equal("fg", bio:read(100))
        bio:write "hij"
        assert.are.equal("hij", bio:read(-1))
        assert.are.equal(0, bio.pending)
    end)

    it("ends after write_eof once all bytes were read", function()
        local bio = ssl.MemoryBIO()
        assert.is_false(bio.eof)
        bio:write "x"
        bio:write_eof()
        assert.is_false(bio.eof)
        raises("ssl.SSLError", { match = "cannot write() after write_eof()" }, bio.write, bio, "more")
        assert.are.equal("x", bio:read())
        assert.is_true(bio.eof)
        assert.are.equal("", bio:read())
        bio:write_eof()
        assert.is_true(bio.eof)
    end)

    it("B-31 equals Python's for random calls", function()
        local random = 20261127
        local function below(limit)
            random = (random * 1103515245 + 12345) % 2147483648
            return math.floor(random / 65536) % limit
        end
        local script, ours = { "import ssl", "b = ssl.MemoryBIO()" }, {}
        local bio = ssl.MemoryBIO()
        for _ = 1, 600 do
            local what, size = below(5), below(40)
            if what <= 1 then
                script[#script + 1] = ("r = b.write(b'%s')"):format(("0123456789"):rep(4):sub(1, size))
                ours[#ours + 1] = tostring(bio:write(("0123456789"):rep(4):sub(1, size)))
            else
                script[#script + 1] = ("r = b.read(%d).decode()"):format(what == 4 and -1 or size)
                ours[#ours + 1] = bio:read(what == 4 and -1 or size)
            end
            script[#script + 1] = "print(r, b.pending, b.eof)"
            ours[#ours] = ("%s %d %s"):format(ours[#ours], bio.pending, bio.eof and "True" or "False")
        end
        local theirs = process.run { "/usr/bin/python3", "-I", "-c", table.concat(script, "\n") }
        assert.are.equal(0, theirs.status)
        assert.are.equal(theirs.output, table.concat(ours, "\n") .. "\n")
    end)

    it("refuses wrong arguments", function()
        local bio = ssl.MemoryBIO()
        raises("TypeError", { match = "takes no arguments" }, ssl.MemoryBIO, 1)
        raises("TypeError", { match = "string or a buffer" }, bio.write, bio, 17)
        raises("TypeError", { match = "string or a buffer" }, bio.write, bio)
        raises("TypeError", { match = "size" }, bio.read, bio, "1")
        raises("AttributeError", { match = "read-only" }, function()
            bio.pending = 1
        end)
        raises("AttributeError", { match = "no attribute 'length'" }, function()
            return bio.length
        end)
    end)
end)

describe("an SSLObject", function()
    handles.watch(before_each, after_each)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        for _, size in ipairs { 1, 7, 1460, false } do
            local pieces = size and ("pieces of %d"):format(size) or "one piece"
            it(("speaks %s whose flights come in %s"):format(version, pieces), function()
                local client, server = ends({ version = version, alpn = { "h2", "http/1.1" } },
                    { version = version, alpn = { "http/1.1" } })
                local steps = shake(client, server, size or nil)
                assert.is_true(size ~= 1 or steps > 500)
                for _, one in ipairs { client, server } do
                    assert.are.equal(version, one.object:version())
                    assert.are.equal("http/1.1", one.object:selected_alpn_protocol())
                    assert.is_true(one.object:cipher()[3] >= 128)
                end
                assert.are.same({ { "commonName", "localhost" } }, client.object:getpeercert().subject[2])
                local data = peer.pattern(size == 1 and 3000 or 100000)
                assert.are.equal(data, transfer(client, server, data, size or nil))
                assert.are.equal(data, transfer(server, client, data, size or nil))
                assert.is_false((attempt(client, "unwrap")))
                carry(client, server)
                assert.are.equal("", server.object:read(10))
                server.object:unwrap()
                carry(server, client)
                client.object:unwrap()
            end)
        end
    end

    it("never blocks", function()
        local client, server = ends()
        raises("ssl.SSLWantReadError", {}, server.object.do_handshake, server.object)
        raises("ssl.SSLWantReadError", {}, client.object.do_handshake, client.object)
        assert.is_true(client.outgoing.pending > 100)
        raises("ssl.SSLWantReadError", {}, client.object.read, client.object, 1)
        raises("ssl.SSLWantReadError", {}, client.object.write, client.object, "early")
        shake(client, server)
        raises("ssl.SSLWantReadError", {}, client.object.read, client.object, 1)
        raises("ssl.SSLWantReadError", {}, server.object.unwrap, server.object)
    end)

    it("reads into a buffer, and reports pending bytes", function()
        local client, server = shaken()
        local buffer = Buffer(8)
        client.object:write "0123456789"
        carry(client, server)
        assert.are.equal(0, server.object:pending())
        assert.are.equal(4, server.object:read(4, buffer))
        assert.are.equal("0123", tostring(buffer):sub(1, 4))
        assert.are.equal(6, server.object:pending())
        assert.are.equal(6, server.object:read(nil, buffer))
        assert.are.equal("456789", tostring(buffer):sub(1, 6))
        assert.are.equal("", server.object:read(0))
        assert.are.equal(8, client.object:write(buffer))
        carry(client, server)
        assert.are.equal("456789\0\0", server.object:read())
    end)

    it("B-33 has the properties of Python's", function()
        local client, server = ends()
        assert.is_false(client.object.server_side)
        assert.is_true(server.object.server_side)
        assert.are.equal("localhost", client.object.server_hostname)
        assert.is_nil(server.object.server_hostname)
        assert.is_true(ssl.SSLContext:is(client.object.context))
        assert.is_nil(client.object:version())
        assert.is_nil(client.object:cipher())
        raises("ValueError", { match = "handshake not done yet" }, client.object.getpeercert, client.object)
        shake(client, server)
        assert.is_nil(server.object:getpeercert())
        raises("AttributeError", { match = "read-only" }, function()
            client.object.server_side = true
        end)
        raises("AttributeError", { match = "no attribute 'fileno'" }, function()
            return client.object.fileno
        end)
    end)

    it("reports an end without close_notify, after the handshake and in it", function()
        local early = ends()
        attempt(early, "do_handshake")
        early.incoming:write_eof()
        raises("ssl.SSLEOFError", {}, early.object.do_handshake, early.object)
        local client, server = shaken()
        server.object:write "last"
        carry(server, client)
        client.incoming:write_eof()
        assert.are.equal("last", client.object:read(100))
        raises("ssl.SSLEOFError", {}, client.object.read, client.object, 100)
    end)

    it("leaves the bytes after close_notify in its BIO", function()
        for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
            local client, server = shaken({ version = version }, { version = version })
            attempt(server, "unwrap")
            server.outgoing:write "220 plain again\r\n"
            carry(server, client)
            client.object:unwrap()
            assert.are.equal("220 plain again\r\n", client.incoming:read())
        end
    end)

    -- failed returns the errors of both ends, after the handshake's bytes and the alerts were moved.
    local function failed(client, server)
        local errors = {}
        for _ = 1, 10 do
            for name, one in pairs { client = client, server = server } do
                local other = name == "client" and server or client
                if not errors[name] then
                    local ok, failure = pcall(one.object.do_handshake, one.object)
                    if ok then
                        ok, failure = pcall(one.object.read, one.object)
                    end
                    if not ok and not ssl.SSLWantReadError:is(failure) then
                        errors[name] = failure
                    end
                end
                carry(one, other)
            end
        end
        return errors
    end

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("refuses an untrusted peer with a reason, and the peer receives the alert: " .. version, function()
            local errors = failed(ends({ version = version }, { version = version, cert = "unknown" }))
            raises.check(errors.client, "ssl.SSLCertVerificationError", { verify_code = 20, reason = "CERTIFICATE_VERIFY_FAILED" })
            raises.check(errors.server, "ssl.SSLError", { reason = "TLSV1_ALERT_UNKNOWN_CA" })
            errors = failed(ends({ version = version }, { version = version, cert = "other" }))
            raises.check(errors.client, "ssl.SSLCertVerificationError", { verify_code = 62 })
            assert.is_true(ssl.SSLError:is(errors.server))
            assert.are.same({}, failed(ends({ version = version }, { version = version })))
        end)
    end

    it("calls the servername callback, which may choose another context", function()
        local context = link.context { cert = "other" }
        local chosen = link.context { cert = "server-ec" }
        local seen = {}
        context:set_servername_callback(function(object, name, of)
            seen = { ssl.SSLObject:is(object), name, of == context }
            object.context = chosen
        end)
        local client, server = shaken({}, { context = context })
        assert.are.same({ true, "localhost", true }, seen)
        assert.are.equal(chosen, server.object.context)
        assert.are.same({ { "commonName", "localhost" } }, client.object:getpeercert().subject[2])
        context:set_servername_callback(function()
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        end)
        local errors = failed(ends({}, { context = context }))
        raises.check(errors.client, "ssl.SSLError", { reason = "TLSV1_ALERT_UNRECOGNIZED_NAME" })
        context:set_servername_callback(function()
            error("not this name", 0)
        end)
        errors = failed(ends({}, { context = context }))
        raises.check(errors.server, "ssl.SSLError", { cause = "not this name" })
    end)

    it("talks to Python's ssl over a socket that the program reads and writes itself", function()
        local cert, key = pki.chain "server-ec"
        local job = peer.serve { tls = true, cert = cert, key = key, "handshake", "echo", "unwrap" }
        local plain = socket.create_connection({ "127.0.0.1", job.port }, 10)
        local one = { incoming = ssl.MemoryBIO(), outgoing = ssl.MemoryBIO() }
        one.object = link.context(link.client_options()):wrap_bio(one.incoming, one.outgoing, { server_hostname = "localhost" })
        local function run(name, ...)
            while true do
                local ok, result = attempt(one, name, ...)
                if one.outgoing.pending > 0 then
                    plain:sendall(one.outgoing:read())
                end
                if ok then
                    return result
                end
                local bytes = plain:recv(4096)
                if bytes == "" then
                    one.incoming:write_eof()
                else
                    one.incoming:write(bytes)
                end
            end
        end
        run "do_handshake"
        local data = peer.pattern(50000)
        run("write", data)
        local parts, got = {}, 0
        while got < #data do
            parts[#parts + 1] = run("read", 20000)
            got = got + #parts[#parts]
        end
        assert.are.equal(data, table.concat(parts))
        pcall(one.object.unwrap, one.object)
        plain:sendall(one.outgoing:read())
        raises.check(select(2, pcall(run, "read", 10)), "ssl.SSLZeroReturnError") -- both have sent close_notify
        plain:close()
        local lines = job:finish()
        assert.are.equal("handshake TLSv1.3", lines[1]:match("^handshake TLSv1.3"))
        assert.are.equal("echo 50000 end", lines[2])
    end)

    it("B-32 is made only by wrap_bio, with valid arguments", function()
        local context = link.context(link.client_options())
        local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        raises("TypeError", { match = "wrap_bio()" }, ssl.SSLObject)
        raises("TypeError", { match = "'incoming' must be a MemoryBIO" }, context.wrap_bio, context, "in", outgoing)
        raises("TypeError", { match = "'outgoing' must be a MemoryBIO" }, context.wrap_bio, context, incoming, 17)
        raises("TypeError", { match = "outgoing" }, context.wrap_bio, context, incoming)
        raises("ValueError", { match = "check_hostname requires server_hostname" }, context.wrap_bio, context, incoming, outgoing)
        raises("ValueError", { match = "client mode" }, context.wrap_bio, context, incoming, outgoing, true, "localhost")
        raises("ValueError", { match = "empty string" }, context.wrap_bio, context, incoming, outgoing, false, "")
        raises("TypeError", { match = "server_hostname" }, context.wrap_bio, context, incoming, outgoing, false, 12)
        local object = context:wrap_bio { incoming = incoming, outgoing = outgoing, server_hostname = "localhost" }
        raises("TypeError", { match = "string or a buffer" }, object.write, object, 3)
        raises({ "TypeError" }, { match = "len" }, object.read, object, "3")
        raises({ "ValueError" }, { match = "len" }, object.read, object, -3)
    end)
end)
