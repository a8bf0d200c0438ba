-- Channel bindings, exported keying material and new keys, against GnuTLS's and OpenSSL's libraries in both roles: what
-- they derive is what we derive.
local handles = require "support.handles"
local key_types = require "support.key_types"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local SCRIPT = process.root .. "/spec/support/keying.py"
local LABEL, LENGTH = "EXPERIMENTAL cleat", 48

local function start(words)
    local command = { "/usr/bin/python3", "-I", SCRIPT, timeout = 60 }
    for _, word in ipairs(words) do
        command[#command + 1] = word
    end
    return process.start(command)
end

-- ours returns the values that our connection derives, in the form of keying.py.
local function ours(conn)
    local function hex(bytes)
        return bytes and peer.hex(bytes) or ""
    end
    return ("reused=%d unique=%s exporter=%s end-point=%s absent=%s empty=%s given=%s"):format(
        conn.session_reused and 1 or 0, hex(conn:get_channel_binding("tls-unique")),
        hex(conn:get_channel_binding("tls-exporter")), hex(conn:get_channel_binding("tls-server-end-point")),
        hex(conn:export_keying_material(LABEL, LENGTH)), hex(conn:export_keying_material(LABEL, LENGTH, "")),
        hex(conn:export_keying_material(LABEL, LENGTH, { context = "context" })))
end

-- same compares all that both define. Theirs have "tls-unique" in TLS 1.3 too, where it is not defined, and GnuTLS
-- derives "tls-exporter" of TLS 1.2 without a context value, where RFC 9266 has an empty one.
local function same(theirs, conn, library)
    local mine = ours(conn)
    if conn:version() == "TLSv1.3" then
        theirs = theirs:gsub("unique=%x*", "unique=")
    elseif library == "gnutls" then
        theirs, mine = theirs:gsub("exporter=%x*", ""), mine:gsub("exporter=%x*", "")
    end
    -- GnuTLS's server knows only a certificate that it has sent.
    if theirs:find("end-point= ", 1, true) and conn.session_reused then
        mine = mine:gsub("end%-point=%x+", "end-point=")
    end
    assert.are.equal(theirs, mine)
    assert.is_truthy(mine:find("given=" .. ("%x"):rep(2 * LENGTH)))
end

-- line: the peer's line about its nth connection.
local function line(program, n)
    return (program:wait_for("^" .. ("[^\n]*\n"):rep(n) .. "(reused=[^\n]+)\n"))
end

local function echo(conn, text)
    conn:sendall(text)
    assert.are.equal(text, conn:recv(#text))
end

-- serve_twice: two connections of one client, of which the second resumes. words: library, "client", version, options.
local function serve_twice(context, words, use)
    local listener = socket.socket()
    listener:bind { "127.0.0.1", 0 }
    listener:listen(5)
    listener:settimeout(20)
    local client = start { words[1], words[2], listener:getsockname()[2], words[3], "2", words[4] }
    for n = 1, 2 do
        local plain = listener:accept()
        plain:settimeout(20)
        local conn = context:wrap_socket(plain, { server_side = true })
        use(conn, line(client, n - 1))
        assert.are.equal(n == 2, conn.session_reused)
        conn:unwrap():close()
    end
    assert.are.equal(0, client:wait(20), client:errors())
    listener:close()
end

for _, library in ipairs { "gnutls", "openssl" } do
    for _, version in ipairs { "1.2", "1.3" } do
        describe("secrets with " .. library .. " and TLS " .. version .. ":", function()
            handles.watch(before_each, after_each)
            teardown(process.cleanup)

            it("B-62 our client derives what its server does, also where it resumes, and after new keys", function()
                local certfile, keyfile = pki.chain("server-ec")
                local server = start { library, "server", certfile, keyfile, version, "2" }
                local port = tonumber((server:wait_for("port (%d+)")))
                local context = ssl.create_default_context { cafile = pki.path("root.pem") }
                for n = 1, 2 do
                    local conn = context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 20),
                        { server_hostname = "localhost" })
                    assert.are.equal("TLSv" .. version, conn:version())
                    same(line(server, n), conn, library)
                    assert.are.equal(n == 2, conn.session_reused)
                    local before = ours(conn)
                    echo(conn, "hello")
                    if version == "1.3" then
                        for _, word in ipairs { "update", "request" } do
                            conn:key_update { request = word == "request" }
                            echo(conn, word) -- they change theirs
                            echo(conn, "hello again")
                        end
                        assert.are.equal(before, ours(conn))
                    end
                    conn:close()
                end
                assert.are.equal(0, server:wait(20), server:errors())
            end)

            it("B-62 our server derives what its client does, also where that resumes, and after new keys", function()
                local context = link.context { cert = "server-rsa", version = "TLSv" .. version }
                serve_twice(context, { library, "client", version }, function(conn, theirs)
                    same(theirs, conn, library)
                    echo(conn, "hello")
                    if version == "1.3" then
                        conn:key_update(true)
                        echo(conn, "request")
                        echo(conn, "hello again")
                    end
                end)
            end)
        end)
    end

    describe("secrets with " .. library .. " without the extended master secret:", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        it("B-62 there is no exporter, and no binding by it", function()
            local certfile, keyfile = pki.chain("server-ec")
            local server = start { library, "server", certfile, keyfile, "1.2", "1", "no-ems" }
            local conn = ssl.create_default_context { cafile = pki.path("root.pem") }:wrap_socket(
                socket.create_connection({ "127.0.0.1", tonumber((server:wait_for("port (%d+)"))) }, 20),
                { server_hostname = "localhost" })
            raises("SSLError", { library = "SSL", reason = "NO_EXTENDED_MASTER_SECRET" }, conn.export_keying_material, conn,
                LABEL, LENGTH)
            assert.is_nil(conn:get_channel_binding("tls-exporter"))
            local theirs = line(server, 1)
            assert.are.equal(theirs:match("unique=(%x+)"), peer.hex(conn:get_channel_binding()))
            assert.are.equal(theirs:match("end%-point=(%x+)"), peer.hex(conn:get_channel_binding("tls-server-end-point")))
            echo(conn, "hello")
            conn:close()
            server:wait(20)
        end)
    end)
end

describe("tls-server-end-point:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    -- self_signed returns a certificate that openssl signs with these options.
    local function self_signed(name, ...)
        local base = process.directory() .. "/" .. name
        local command = {
            "openssl", "req", "-x509", "-nodes", "-subj", "/CN=" .. name, "-days", "30", "-addext",
            "subjectAltName=DNS:localhost", "-out", base .. ".pem", "-keyout", base .. ".key", timeout = 30, ...,
        }
        local made = process.run(command)
        assert(made.status == 0, made.errors)
        return base .. ".pem", base .. ".key"
    end

    -- The digest of the certificate is that of its signature, but SHA-256 for SHA-1 and MD5; none for Ed25519.
    local CASES = {
        { "sha256", 32, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha256" },
        { "sha384", 48, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha384" },
        { "sha512", 64, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha512" },
        { "sha1", 32, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha1" },
        { "md5", 32, "-newkey", "rsa:2048", "-md5" },
        { "pss-sha384", 48, "-newkey", "rsa:2048", "-sha384", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1" },
        { "ed25519", 0, "-newkey", "ed25519" },
    }

    for _, version in ipairs { "1.2", "1.3" } do
        it("B-62 is of the certificate that was sent, where a server has several, TLS " .. version, function()
            local context = key_types.load(link.context { version = "TLSv" .. version }, "p256", "rsa")
            local bindings = {}
            for _, option in ipairs { "rsa-only", "no-ems" } do
                serve_twice(context, { "openssl", "client", version, option }, function(conn, theirs)
                    local binding = peer.hex(conn:get_channel_binding("tls-server-end-point"))
                    assert.are.equal(theirs:match("end%-point=(%x+)"), binding)
                    assert.are.equal(bindings[option] or binding, binding)
                    bindings[option] = binding
                    echo(conn, "hello")
                end)
            end
            assert.are_not.equal(bindings["rsa-only"], bindings["no-ems"])
        end)
    end

    for _, case in ipairs(CASES) do
        it("B-62 of a certificate that is signed with " .. case[1] .. " is openssl's", function()
            local certfile, keyfile = self_signed(case[1], (table.unpack or unpack)(case, 3))
            local server = start { "openssl", "server", certfile, keyfile, "1.3", "1" }
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            local conn = context:wrap_socket(socket.create_connection(
                { "127.0.0.1", tonumber((server:wait_for("port (%d+)"))) }, 20))
            local binding = conn:get_channel_binding("tls-server-end-point") or ""
            assert.are.equal(case[2], #binding)
            assert.are.equal(line(server, 1):match("end%-point=(%x*)"), peer.hex(binding))
            conn:close()
            server:wait(20)
            -- our server, which knows its certificate otherwise
            local own = ssl.SSLContext(ssl.PROTOCOL_TLS)
            own:load_cert_chain(certfile, keyfile)
            local client, mine = link.open({ verify = ssl.CERT_NONE, check_hostname = false }, { context = own })
            assert.are.equal(binding, mine:get_channel_binding("tls-server-end-point") or "")
            assert.are.equal(binding, client:get_channel_binding("tls-server-end-point") or "")
            client:close()
            mine:close()
        end)
    end
end)
