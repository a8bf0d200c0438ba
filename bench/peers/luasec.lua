-- The benchmarks with LuaSec and LuaSocket.
local harness = dofile(arg[0]:match "^(.*/)" .. "harness.lua")
local socket = require "socket"
local ssl = require "ssl"

local peer = {}
local client_context

local function context(parameters)
    parameters.protocol = peer.version == "1.2" and "tlsv1_2" or "tlsv1_3"
    parameters.curveslist = peer.group
    parameters.ciphersuites = "TLS_AES_128_GCM_SHA256"
    return assert(ssl.newcontext(parameters))
end

-- LuaSec does not verify host names: its users do.
local function has_name(conn)
    local names = conn:getpeercertificate():extensions()["2.5.29.17"]
    for _, name in ipairs(names and names.dNSName or {}) do
        if name == peer.name then
            return true
        end
    end
    return false
end

local function try()
    client_context = client_context or context { mode = "client", cafile = peer.cafile, verify = "peer" }
    local sock = assert(socket.connect("127.0.0.1", peer.port))
    local conn = assert(ssl.wrap(sock, client_context))
    conn:sni(peer.name)
    local ok, message = conn:dohandshake()
    if ok and not has_name(conn) then
        ok, message = nil, "another name"
    end
    return ok and conn, message
end

function peer.handshake()
    return assert(try())
end

function peer.verify()
    local conn, message = try()
    if not conn then
        return "refused " .. tostring(message)
    end
    local info = conn:info()
    return ("accepted %s %s"):format(info.protocol, info.cipher)
end

function peer.close(conn)
    conn:close()
end

function peer.send(conn, data)
    assert(conn:send(data))
end

-- receive("*a") and receive(n) collect n bytes: no call returns the bytes that have arrived.
function peer.receive(conn, n)
    return assert(conn:receive(n))
end

function peer.want_read(conn)
    conn:settimeout(0)
    return function()
        local data, err = conn:receive(16384)
        assert(not data and err == "wantread")
    end
end

function peer.context()
    return assert(ssl.newcontext { mode = "client", protocol = "any" })
end

function peer.bundle()
    return assert(ssl.newcontext { mode = "client", protocol = "any", cafile = peer.system_bundle, verify = "peer" })
end

function peer.accepter(verifies)
    local parameters = { mode = "server", certificate = peer.certificate, key = peer.key }
    if verifies then
        parameters.cafile, parameters.verify = peer.cafile, { "peer", "fail_if_no_peer_cert" }
    end
    local ctx = context(parameters)
    local listener = assert(socket.bind("127.0.0.1", 0, 1024))
    local _, port = listener:getsockname()
    return port, function()
        local conn = assert(ssl.wrap(assert(listener:accept()), ctx))
        assert(conn:dohandshake())
        return conn
    end
end

harness(peer)
