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

local function context()
    return configured(ssl.create_default_context { cafile = peer.cafile })
end

local options, client_context, server_context

local function handshake(session, early_data)
    client_context = client_context or context()
    options = options or { server_hostname = peer.name }
    options.session, options.early_data = session, early_data
    local sock = socket.socket()
    sock:connect { "127.0.0.1", peer.port }
    return client_context:wrap_socket(sock, options)
end

function peer.handshake()
    return handshake()
end

local newest

function peer.resume()
    return handshake(newest)
end

function peer.send_early(data)
    return handshake(newest, data)
end

function peer.early_data_accepted(conn)
    return conn.early_data == "accepted"
end

function peer.keep(conn)
    newest = conn.session
end

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
