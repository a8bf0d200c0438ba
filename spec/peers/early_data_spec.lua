-- Early data with openssl's and GnuTLS's programs, in both directions.
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local EARLY = "early, or not at all\n"

local function client_context()
    return ssl.create_default_context { cafile = pki.path("root.pem") }
end

local function connect(port, context, options)
    options.server_hostname = "localhost"
    return context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 20), options)
end

-- leave sends close_notify: without it OpenSSL's servers forget the session.
local function leave(conn)
    conn:setblocking(false)
    pcall(conn.unwrap, conn)
    conn:close()
end

-- ours: a listening server, with early data.
local function ours()
    local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context:load_cert_chain(pki.chain("server-ec"))
    context.max_early_data = 14336
    local listener = socket.socket()
    listener:bind { "127.0.0.1", 0 }
    listener:listen()
    listener:settimeout(20)
    return listener, context
end

-- serve accepts one connection, writes a byte, and reads "late". Returns the early data, and the rest.
local function serve(listener, context)
    local plain = listener:accept()
    plain:settimeout(20)
    local conn = context:wrap_socket(plain, { server_side = true, do_handshake_on_connect = false })
    local early, late = {}, {}
    repeat
        early[#early + 1] = conn:recv_early(1024)
    until early[#early] == ""
    conn:do_handshake()
    conn:sendall "s"
    repeat
        late[#late + 1] = conn:recv(1024)
    until late[#late] == "" or table.concat(late) == "late"
    local state = conn.early_data
    pcall(conn.unwrap, conn)
    conn:close()
    return table.concat(early), table.concat(late), state
end

describe("early data with openssl:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("our client and s_server, which accepts it once", function()
        local certfile, keyfile = pki.chain("server-ec")
        local input = process.write_file(process.directory() .. "/early.in", "words")
        local server = process.start {
            "/usr/bin/python3", "-I", process.root .. "/spec/support/hold.py", input, "openssl", "s_server", "-accept",
            "127.0.0.1:0", "-cert", certfile, "-cert_chain", certfile, "-key", keyfile, "-early_data", timeout = 60,
        }
        local port = tonumber((server:wait_for("ACCEPT [%d.]+:(%d+)")))
        local context = client_context()
        context.session_cache_size = 0
        local first = connect(port, context, { early_data = EARLY })
        assert.is_nil(first.early_data) -- there was no session
        assert.equal("w", first:recv(1))
        local session = first.session
        leave(first)
        local second = connect(port, context, { session = session, early_data = EARLY })
        assert.equal("accepted", second.early_data)
        assert.is_true(second.session_reused)
        second:sendall "tail\n"
        leave(second)
        server:wait_for "Early data received"
        server:wait_for "tail"
        local third = connect(port, context, { session = session, early_data = EARLY })
        assert.equal("refused", third.early_data)
        third:sendall "last\n"
        leave(third)
        server:wait_for "last"
        local _, count = server:output():gsub(EARLY, "")
        assert.equal(3, count)
        server:stop()
    end)

    it("our server and s_client", function()
        local listener, context = ours()
        local port = listener:getsockname()[2]
        local folder = process.directory()
        local file = process.write_file(folder .. "/early.data", EARLY)
        local function s_client(...)
            local command = {
                "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-servername", "localhost", "-CAfile",
                pki.path("root.pem"), "-verify_return_error", "-tls1_3", "-quiet", timeout = 30, stdin = "late",
            }
            for _, word in ipairs { ... } do
                command[#command + 1] = word
            end
            return process.start(command)
        end
        local function visit(...)
            local client = s_client(...)
            local early, late, state = serve(listener, context)
            client:wait(20)
            return early, late, state
        end
        assert.same({ "", "late" }, { visit("-sess_out", folder .. "/session") })
        assert.same({ EARLY, "late", "accepted" }, { visit("-sess_in", folder .. "/session", "-early_data", file) })
        context.max_early_data = 0
        assert.same({ "", "late", "refused" }, { visit("-sess_in", folder .. "/session", "-early_data", file) })
        listener:close()
    end)
end)

describe("early data with gnutls:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("our client and gnutls-serv", function()
        local certfile, keyfile = pki.chain("server-ec")
        local server = process.on_free_port(function(port)
            local started = process.start {
                "gnutls-serv", "--echo", "--port", port, "--x509certfile", certfile, "--x509keyfile", keyfile, "--priority",
                "NORMAL:-VERS-ALL:+VERS-TLS1.3", "--earlydata", timeout = 60,
            }
            started:wait_for("listening on IPv4 [%d.]+ port %d+[.]*(done)")
            started.port = port
            return started
        end)
        local context = client_context()
        context.session_cache_size = 0
        local second
        -- BoringSSL tells a ticket's age in whole seconds. GnuTLS refuses early data of a ticket that is said to be
        -- older than it is, which one is whose second has ended in between: then another one is tried.
        for attempt = 1, 20 do
            local first = connect(server.port, context, { early_data = EARLY })
            assert.equal(EARLY, first:recv(1024))
            local session = first.session
            leave(first)
            second = connect(server.port, context, { session = session, early_data = EARLY })
            if second.early_data == "accepted" then
                break
            end
            assert.is_true(attempt < 20, "GnuTLS accepts no early data")
            assert.is_true(second.session_reused)
            leave(second)
        end
        second:sendall "tail\n"
        assert.is_truthy(second:recv(1024))
        leave(second)
        server:stop()
    end)

    it("our server and gnutls-cli", function()
        local listener, context = ours()
        local file = process.write_file(process.directory() .. "/early.data", EARLY)
        local client = process.start {
            "gnutls-cli", "--x509cafile", pki.path("root.pem"), "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "--port",
            tostring(listener:getsockname()[2]), "--sni-hostname", "localhost", "--verify-hostname", "localhost", "--resume",
            "--waitresumption", "--earlydata", file, "127.0.0.1", timeout = 30, stdin = "late",
        }
        assert.same({ "", "" }, { serve(listener, context) })
        local early, late, state = serve(listener, context)
        assert.same({ EARLY, "late", "accepted" }, { early, late, state })
        client:wait(20)
        listener:close()
    end)
end)
