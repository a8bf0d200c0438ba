-- The benchmarks with cqueues and luaossl.
local harness = dofile(arg[0]:match "^(.*/)" .. "harness.lua")
local openssl_context = require "openssl.ssl.context"
local openssl_ssl = require "openssl.ssl"
local pkey = require "openssl.pkey"
local chain = require "openssl.x509.chain"
local socket = require "cqueues.socket"
local store = require "openssl.x509.store"
local verify_param = require "openssl.x509.verify_param"
local x509 = require "openssl.x509"

local peer = {}
local client_context

local function read_file(name)
    local file = assert(io.open(name))
    local text = file:read "a"
    file:close()
    return text
end

local function context(server)
    local ctx = openssl_context.new("TLSv1_3", server)
    ctx:setGroups(peer.group)
    ctx:setCipherSuites "TLS_AES_128_GCM_SHA256"
    return ctx
end

local function make_client_context()
    local ctx = context(false)
    local trusted = store.new()
    trusted:add(x509.new(read_file(peer.cafile)))
    ctx:setStore(trusted)
    ctx:setVerify(openssl_context.VERIFY_PEER)
    local parameters = verify_param.new()
    parameters:setHost(peer.name)
    ctx:setParam(parameters)
    return ctx
end

local function try()
    client_context = client_context or make_client_context()
    local conn = socket.connect("127.0.0.1", peer.port)
    conn:setmode("bn", "bn")
    local ssl = openssl_ssl.new(client_context)
    ssl:setHostName(peer.name)
    local ok, why = conn:starttls(ssl)
    if not ok then
        return nil, why
    end
    return conn
end

function peer.handshake()
    return assert(try())
end

function peer.verify()
    local ok, conn, why = pcall(try)
    if not ok or not conn then
        return "refused " .. tostring(why or conn)
    end
    local ssl = conn:checktls()
    local version = ssl:getVersion() == 0x304 and "TLSv1.3" or tostring(ssl:getVersion())
    return ("accepted %s %s"):format(version, ssl:getCipherInfo().name)
end

function peer.close(conn)
    conn:close()
end

function peer.send(conn, data)
    assert(conn:write(data))
end

function peer.receive(conn, n)
    return assert(conn:read(-n))
end

function peer.context()
    return openssl_context.new("TLS", false)
end

function peer.bundle()
    local ctx = openssl_context.new("TLS", false)
    local trusted = store.new()
    trusted:add(peer.system_bundle)
    ctx:setStore(trusted)
    return ctx
end

function peer.accepter(verifies)
    local ctx = context(true)
    if verifies then
        local trusted = store.new()
        trusted:add(x509.new(read_file(peer.cafile)))
        ctx:setStore(trusted)
        ctx:setVerify(openssl_context.VERIFY_PEER + openssl_context.VERIFY_FAIL_IF_NO_PEER_CERT)
    end
    local first, second = read_file(peer.certificate):match "^(.-END CERTIFICATE%-+\n)(.*)$"
    ctx:setCertificate(x509.new(first))
    local rest = chain.new()
    rest:add(x509.new(second))
    ctx:setCertificateChain(rest)
    ctx:setPrivateKey(pkey.new(read_file(peer.key)))
    local listener = socket.listen("127.0.0.1", 0)
    assert(listener:listen())
    local _, _, port = listener:localname()
    return port, function()
        local conn = assert(listener:accept())
        conn:setmode("bn", "bn")
        assert(conn:starttls(ctx))
        return conn
    end
end

harness(peer)
