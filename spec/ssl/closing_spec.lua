-- Objects that refer to each other, closed in every order, and collected in every order: those that are still open
-- continue to work, those that are closed raise errors, and no id or descriptor is leaked. And every method of every
-- class after its object was closed.
local backend = require "cleat.backend"
local handles = require "support.handles"
local adapter_stream = require "support.adapter_stream"
local link = require "support.link"
local orders = require "support.orders"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"
local wrap = require "cleat.ssl.wrap"

local EBADF = 9

local function close(object)
    getmetatable(object).__close(object)
end

-- handshake does the handshakes of both at once, in this thread; afterwards their timeouts are ten seconds.
local function shake(client, server)
    tasks.run {
        function()
            tasks.call(client, "do_handshake")
        end,
        function()
            tasks.call(server, "do_handshake")
        end,
    }
    client:settimeout(10)
    server:settimeout(10)
end

-- tcp returns a listening TLS server and its client, connected over TCP, with all objects that they consist of.
local function tcp()
    local all = { context = link.context(link.client_options()), plain = socket.socket() }
    local listening = socket.socket()
    listening:bind { "127.0.0.1", 0 }
    listening:listen(1)
    all.wrapping = link.context { cert = "server-ec" } -- accept() wraps each socket with it
    all.listener = all.wrapping:wrap_socket(listening, { server_side = true, do_handshake_on_connect = false })
    all.plain:connect(listening:getsockname())
    all.plain:setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    all.client = all.context:wrap_socket(all.plain, { server_hostname = "localhost", do_handshake_on_connect = false })
    all.server = all.listener:accept()
    all.server:setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    all.client:settimeout(0)
    all.server:settimeout(0)
    shake(all.client, all.server)
    all.file = all.client:makefile("rw", 0)
    return all
end

-- The result of each after its close().
local closed = {
    context = function(object)
        raises("socket.error", { errno = EBADF }, object.get_ciphers, object)
    end,
    listener = function(object)
        raises("socket.error", { errno = EBADF }, object.accept, object)
    end,
    plain = function(object)
        raises("socket.error", { errno = EBADF }, object.recv, object, 1)
    end,
    client = function(object)
        raises("socket.error", { errno = EBADF }, object.recv, object, 1)
    end,
    server = function(object)
        raises("socket.error", { errno = EBADF }, object.send, object, "x")
    end,
    file = function(object)
        raises("ValueError", { match = "I/O operation on closed file" }, object.readline, object)
    end,
}

-- talk exchanges data between the open objects. left: the objects that are not closed.
local function talk(left)
    local client, server, file = left.client, left.server, left.file
    if client and server then
        client:sendall("there")
        assert.are.equal("there", server:recv(5))
        server:sendall("back")
        assert.are.equal("back", client:recv(4))
    end
    if file and server then
        file:write("a line\n")
        assert.are.equal("a line\n", server:recv(7))
        server:sendall("its answer\n")
        assert.are.equal("its answer\n", file:readline())
    elseif not client and not file and server then
        assert.are.equal("", server:recv(1))
    elseif client and not server then
        assert.are.equal("", client:recv(1))
    end
    if left.context then
        assert.is_true(#left.context:get_ciphers() > 0)
    end
    if left.plain and left.client then
        assert.are.equal(left.client:fileno(), left.plain:fileno())
    elseif left.plain and not left.file then -- it is closed with its last user
        closed.plain(left.plain)
    end
end

-- over_memory makes the same over memory and over a stream.
local function over_memory()
    local all = { context = link.context(link.client_options()) }
    local to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    local context = link.context { cert = "server-ec" }
    all.object = all.context:wrap_bio(to_client, to_server, { server_hostname = "localhost" })
    all.other = context:wrap_bio(to_server, to_client, { server_side = true })
    for _ = 1, 3 do
        pcall(all.object.do_handshake, all.object)
        pcall(all.other.do_handshake, all.other)
    end
    local first, second = socket.socketpair()
    second:settimeout(0)
    all.host = wrap.stream(all.context, adapter_stream(first, function(plain, event)
        coroutine.yield(plain, event)
        return true
    end), { server_hostname = "localhost" })
    all.peer = context:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
    close(context)
    tasks.run {
        function()
            all.host:connect { "ignored", 0 }
        end,
        function()
            tasks.call(all.peer, "do_handshake")
        end,
    }
    all.peer:settimeout(10)
    all.host_file = all.host:makefile("w", 0)
    return all
end

closed.object = function(object)
    raises("socket.error", { errno = EBADF }, object.read, object, 1)
end
closed.other = function(object)
    raises("socket.error", { errno = EBADF }, object.write, object, "x")
end
closed.host, closed.peer = closed.client, closed.server
function closed.host_file(object)
    raises("ValueError", { match = "I/O operation on closed file" }, object.write, object, "x")
end

local function talk_over_memory(left)
    if left.object and left.other then
        left.object:write("there")
        assert.are.equal("there", left.other:read(5))
        left.other:write("back")
        assert.are.equal("back", left.object:read(4))
    end
    if left.host and left.peer then
        left.host:sendall("there")
        assert.are.equal("there", left.peer:recv(5))
    end
    if left.host_file and left.peer then
        left.host_file:write("a line\n")
        assert.are.equal("a line\n", left.peer:recv(7))
    elseif not left.host and left.peer then
        assert.are.equal("", left.peer:recv(1))
    end
end

-- in_every_order makes the objects anew for each order and closes them, with a check of the others after each step.
local function in_every_order(make, names, talk_to)
    local count = 0
    local traceback = debug.traceback
    debug.traceback = function(message) -- luacheck: ignore 122 (tracebacks of the expected errors would take most of the time)
        return message
    end
    finally(function()
        debug.traceback = traceback -- luacheck: ignore 122
    end)
    for order in orders(names) do
        local before = backend.handle_count()
        local left, gone = make(), {}
        local ok, failure = pcall(function()
            for _, name in ipairs(order) do
                close(left[name])
                gone[name], left[name] = left[name], nil
                closed[name](gone[name])
                for _, object in pairs(gone) do
                    close(object) -- a second close has no effect
                end
                talk_to(left)
            end
            for _, object in pairs(left) do -- the objects that are not in the order
                close(object)
            end
            assert.are.equal(before, backend.handle_count())
        end)
        if not ok then
            error(("closed in the order %s: %s"):format(table.concat(order, ", "), tostring(failure)), 0)
        end
        count = count + 1
    end
    return count
end

describe("Closing", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("in every order: a context, a listener, a socket, both ends of TLS over it, and a file", function()
        assert.are.equal(720, in_every_order(tcp, { "context", "listener", "plain", "client", "server", "file" }, talk))
    end)

    it("in every order: a context, TLS in memory, a socket over a stream, its file, and its peer", function()
        assert.are.equal(120, in_every_order(over_memory, { "context", "object", "host", "peer", "host_file" },
            talk_over_memory))
    end)

    it("by the collector, in every order", function()
        for order in orders { "context", "plain", "client", "server", "file" } do
            local left = tcp()
            left.listener:close()
            left.listener = nil
            for _, name in ipairs(order) do
                left[name] = nil
                collectgarbage()
                if left.server and (left.client or left.file or not left.plain) then -- an open socket keeps its descriptor
                    talk(left)
                end
            end
        end
    end)

    it("happens when a Lua state ends, whatever is open", function()
        local output = process.run_code(([[
            package.path = %q .. package.path
            local link = require "support.link"
            kept = { link.open() }
            kept[3], kept[4] = kept[1]:makefile("rw"), link.context {}
            kept[3]:write("never sent")
            kept[5] = require("cleat.socket").socket()
            kept[6] = coroutine.wrap(function() kept[2]:setwaiter(coroutine.yield) kept[2]:recv(1) end)
            kept[6]()
            io.write("open")
        ]]):format(process.root .. "/spec/?.lua;"))
        assert.are.equal("open", output)
    end)
end)

-- AFTER: the result of each method after its object was closed, by class. { arguments } for EBADF; with a class (and
-- match) for another error; with `fine` if it does not fail.
local buffer = socket.buffer(8)
local address = { "127.0.0.1", 1 }
local function fine(...)
    return { fine = true, ... }
end
local function value_error(match, ...)
    return { class = "ValueError", match = match, ... }
end

local AFTER = {
    context = {
        cert_store_stats = {}, chain_cache_stats = {}, get_ca_certs = {}, get_skipped_certs = {}, get_ciphers = {},
        get_groups = {}, set_groups = { "x25519" }, set_client_sigalgs = { "ed25519" }, set_server_sigalgs = { "ed25519" },
        load_default_certs = {}, session_stats = {},
        set_default_verify_paths = {}, set_servername_callback = {}, set_ciphers = { "HIGH" }, set_ecdh_curve = { "prime256v1" },
        set_alpn_protocols = { { "h2" } }, set_npn_protocols = { { "h2" } },
        set_ciphersuites = { class = "NotImplementedError", "x" }, set_psk_client_callback = {}, set_psk_server_callback = {},
        set_session_store = {}, set_ech_keys = { {} }, set_ticket_keys = {}, set_ticket_secret = {},
        load_cert_chain = function()
            return { require("support.pki").chain "server-ec" }
        end,
        load_verify_locations = function()
            return { require("support.pki").path "root.pem" }
        end,
        load_raw_public_key = function()
            return { require("cleat.ssl").HAS_RAW_PUBLIC_KEYS and require("support.pki").path "server-ec.key" or "/nowhere" }
        end,
        set_peer_public_keys = {},
        load_dh_params = function()
            return { class = "IOError", "/nowhere" }
        end,
        session_from_bytes = { "x" }, wrap_bio = { ssl.MemoryBIO(), ssl.MemoryBIO() },
        wrap_socket = function()
            local first, second = socket.socketpair()
            second:close()
            return { first, after = function()
                first:close()
            end }
        end,
    },
    socket = {
        accept = {}, bind = { address }, close = fine(), connect = { address }, connect_ex = { returns = EBADF, address },
        detach = {}, dup = {}, events = fine(), fileno = {}, getpeername = {}, getsockname = {},
        getblocking = fine(), getsockopt = { socket.SOL_SOCKET, socket.SO_REUSEADDR }, gettimeout = fine(), getwaiter = fine(),
        listen = { 1 }, makefile = {}, pollfd = {}, recv = { 1 }, recv_into = { buffer },
        try_recv = { 1 }, recvfrom = { 1 }, recvfrom_into = { buffer },
        recvmsg = { 1 }, recvmsg_into = { { buffer } }, send = { "x" }, sendall = { "x" }, sendfile = { "/dev/null" },
        sendmsg = { { "x" } }, sendto = { "x", address }, setblocking = { true },
        setsockopt = { socket.SOL_SOCKET, socket.SO_REUSEADDR, 1 }, settimeout = { 1 }, setwaiter = fine(),
        shutdown = { socket.SHUT_RDWR },
    },
    file = {
        close = fine(), fileno = value_error "closed file", flush = value_error "closed file",
        isatty = value_error "closed file", lines = value_error "closed file", read = value_error "closed file",
        readline = value_error "closed file", readlines = value_error "closed file",
        write = value_error("closed file", "x"), writelines = value_error("closed file", { "x" }),
    },
    object = {
        group = fine(), client_sigalg = fine(), server_sigalg = fine(), cipher = fine(), compression = fine(), describe = {},
        do_handshake = {}, export_keying_material = { "x", 1 }, get_channel_binding = fine(),
        getpeercert = {}, key_update = {}, get_unverified_chain = {}, get_verified_chain = {}, get_verify_result = fine(),
        ocsp_response = fine(), peer_public_key = fine(), pending = {}, psk_identity = fine(), read = {}, recv_early = {}, try_read = {},
        scts = fine(), shared_ciphers = {}, selected_alpn_protocol = fine(), selected_npn_protocol = fine(),
        unwrap = {}, verify_client_post_handshake = { class = "NotImplementedError" }, version = fine(), write = { "x" },
    },
}

local function extended(base, more)
    local all = {}
    for _, list in ipairs { base, more } do
        for name, what in pairs(list) do
            all[name] = what
        end
    end
    return all
end

AFTER.tls = extended(AFTER.socket, {
    group = fine(), client_sigalg = fine(), server_sigalg = fine(), bind = { "/nowhere" }, cipher = fine(), compression = fine(),
    connect_ex = { address }, describe = fine(), do_handshake = {},
    dup = { class = "NotImplementedError" }, export_keying_material = { "x", 1 },
    get_channel_binding = fine(), getpeercert = {}, key_update = {},
    get_unverified_chain = fine(), get_verified_chain = fine(), get_verify_result = fine(),
    ocsp_response = fine(), peer_public_key = fine(), pending = fine(), psk_identity = fine(), recv_early = {}, scts = fine(),
    recvmsg = { class = "NotImplementedError" }, recvmsg_into = { class = "NotImplementedError" },
    sendmsg = { class = "NotImplementedError" },
    read = value_error "Read on closed or unwrapped SSL socket.", selected_alpn_protocol = fine(),
    selected_npn_protocol = fine(), settimeout = { 1 }, shared_ciphers = fine(),
    setkeepalive = { class = "NotImplementedError" }, unwrap = value_error "No SSL wrapper around",
    verify_client_post_handshake = { class = "NotImplementedError" }, version = fine(),
    write = value_error("Write on closed or unwrapped SSL socket.", "x"),
})

local no_host = { class = "NotImplementedError" }
AFTER.host = extended(AFTER.tls, {
    accept = no_host, bind = no_host, connect_ex = { returns = EBADF, address }, detach = no_host, getsockopt = no_host,
    listen = no_host, recvfrom = no_host, recvfrom_into = no_host, sendto = no_host, setblocking = fine(true), setkeepalive = no_host,
    setsockopt = no_host, settimeout = fine(1), setwaiter = no_host, shutdown = fine(socket.SHUT_RDWR),
    try_recv = no_host,
})

local make = {
    context = function()
        return link.context {}
    end,
    socket = function()
        return socket.socket()
    end,
    file = function()
        local sock = socket.socket()
        local file = sock:makefile("rw")
        sock:close()
        return file
    end,
    object = function()
        return link.context {}:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
    end,
    tls = function()
        local client, server = link.open()
        server:close()
        return client
    end,
    host = function()
        local first, second = socket.socketpair()
        second:close()
        return wrap.stream(link.context {}, adapter_stream(first), {})
    end,
}

describe("After close", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for name, methods in pairs(AFTER) do
        it("every method of " .. name .. " raises, or returns its result", function()
            local object = make[name]()
            close(object)
            local count = 0
            for method in pairs(getmetatable(getmetatable(object).class).__index) do
                if not method:find "^_" and method ~= "over" then
                    count = count + 1
                    local what = methods[method]
                    if type(what) == "function" then
                        what = what()
                    end
                    assert(what, "AFTER lacks " .. method .. "()")
                    local ok, failure = pcall(function()
                        local unpack = table.unpack or unpack
                        if what.returns or what.fine then
                            local result = object[method](object, unpack(what))
                            assert(what.fine or result == what.returns, tostring(result))
                        elseif what.class then
                            raises(what.class, { match = what.match }, object[method], object, unpack(what))
                        else
                            raises("socket.error", { errno = EBADF }, object[method], object, unpack(what))
                        end
                    end)
                    if what.after then
                        what.after()
                    end
                    assert(ok, ("%s(): %s"):format(method, tostring(failure)))
                end
            end
            local said = 0
            for _ in pairs(methods) do
                said = said + 1
            end
            assert.are.equal(said, count)
        end)
    end

    it("every attribute of a context that the library stores raises", function()
        local context = link.context {}
        close(context)
        for _, name in ipairs { "options", "verify_mode", "verify_flags", "check_hostname", "minimum_version", "maximum_version",
            "chain_cache_seconds", "num_tickets", "session_timeout", "session_id_context" } do
            raises("socket.error", { errno = EBADF }, function()
                return context[name]
            end)
        end
        assert.are.equal(ssl.PROTOCOL_TLS, context.protocol)
    end)
end)
