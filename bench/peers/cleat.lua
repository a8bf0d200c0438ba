-- The benchmarks with cleat, on Lua 5.4 and on LuaJIT.
local harness = dofile(arg[0]:match "^(.*/)" .. "harness.lua")
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local peer = {}

-- configured makes a context's settings those of all peers.
local function configured(ctx)
    local version = peer.version == "1.2" and ssl.TLSVersion.TLSv1_2 or ssl.TLSVersion.TLSv1_3
    ctx.minimum_version, ctx.maximum_version = version, version
    ctx:set_ecdh_curve(peer.group)
    return ctx
end

-- resumes: whether its connections resume sessions by themselves, as those of a default context do.
local function context(resumes)
    local ctx = configured(ssl.create_default_context { cafile = peer.cafile })
    ctx.ech_grease = peer.grease
    if not resumes then
        ctx.session_cache_size = 0
    end
    return ctx
end

local options, client_context, server_context

local function handshake(resumes, early_data)
    client_context = client_context or context(resumes)
    options = options or { server_hostname = peer.name }
    options.early_data = early_data
    local sock = socket.socket()
    sock:connect { "127.0.0.1", peer.port }
    return client_context:wrap_socket(sock, options)
end

function peer.handshake()
    return handshake()
end

function peer.resume()
    return handshake(true)
end

function peer.send_early(data)
    return handshake(true, data)
end

function peer.early_data_accepted(conn)
    return conn.early_data == "accepted"
end

function peer.keep() end -- the context does

function peer.verify()
    local ok, conn = pcall(handshake)
    if not ok then
        return "refused " .. tostring(conn)
    end
    return ("accepted %s %s"):format(conn:version(), conn:cipher()[1])
end

function peer.close(conn)
    conn:close()
end

function peer.send(conn, data)
    conn:sendall(data)
end

function peer.receive(conn, n)
    return conn:recv(n)
end

function peer.receiver_into(size)
    local buffer = socket.buffer(size)
    return function(conn)
        return conn:recv_into(buffer)
    end
end

function peer.want_read(conn)
    conn:settimeout(0)
    local recv, SSLWantReadError = conn.recv, ssl.SSLWantReadError
    return function()
        local ok, err = pcall(recv, conn, 16384)
        assert(not ok and SSLWantReadError:is(err))
    end
end

function peer.try_recv(conn)
    local try_recv = conn.try_recv
    return function()
        local data, event = try_recv(conn, 16384)
        assert(not data and event == "want_read")
    end
end

function peer.context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS)
end

function peer.bundle()
    return ssl.create_default_context()
end

function peer.accepter(verifies)
    server_context = configured(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    server_context:load_cert_chain(peer.certificate, peer.key)
    if verifies then
        server_context:load_verify_locations(peer.cafile)
        server_context.verify_mode = ssl.CERT_REQUIRED
    end
    local listener = socket.socket()
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1024)
    local server = server_context:wrap_socket(listener, { server_side = true })
    return listener:getsockname()[2], function()
        return (server:accept())
    end
end

function peer.resumed(conn)
    return conn.session_reused
end

function peer.known()
    local stats = (server_context or client_context):chain_cache_stats()
    return stats.hits, stats.misses
end

harness(peer)
