-- Connections over memory between two contexts, one after the other. Each may offer the session of an earlier one.
local check_options = require "support.check_options"
local pki = require "support.pki"
local ssl = require "cleat.ssl"

local visits = {}

visits.VERSIONS = { ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3 }
visits.NAMES = { [ssl.TLSVersion.TLSv1_2] = "TLSv1.2", [ssl.TLSVersion.TLSv1_3] = "TLSv1.3" }

-- of_version restricts the context to one version, and returns it.
local function of_version(context, version)
    if version then
        context.minimum_version, context.maximum_version = version, version
    end
    return context
end

-- client returns a context that verifies the server. cafile: a file of pki, false for none.
function visits.client(version, cafile)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cafile ~= false then
        context:load_verify_locations(pki.path(cafile or "root.pem"))
    end
    return of_version(context, version)
end

-- server returns a server's context. cert: a name of pki.
function visits.server(version, cert)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context:load_cert_chain(pki.chain(cert or "server-ec"))
    return of_version(context, version)
end

local Side = {}
Side.__index = Side

local function side(context, options)
    local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    return setmetatable({
        object = context:wrap_bio(incoming, outgoing, options), incoming = incoming, outgoing = outgoing,
    }, Side)
end

-- try calls a method. It returns true and the results; or false if the method needs bytes; or false and an error.
function Side:try(name, ...)
    local ok, result = pcall(self.object[name], self.object, ...)
    if ok then
        return true, result
    elseif ssl.SSLWantReadError:is(result) then
        return false
    end
    self.failure = self.failure or result
    return false, result
end

local function move(from, to)
    local bytes = from.outgoing:read()
    to.incoming:write(bytes)
    return #bytes > 0
end

-- exchange sends a byte in each direction, so that the client reads the server's tickets.
local function exchange(client, server)
    client:try("write", "c")
    move(client, server)
    server:try("read", 1)
    server:try("write", "s")
    move(server, client)
    client:try("read", 1)
end

-- pair returns a client and a server after their handshakes, or at the point where these fail. options: client and
-- server (contexts), hostname (localhost; false for none), session, ech_configs, early_data; before(object), called
-- with the client's object before the handshake.
function visits.pair(options)
    check_options("visits.pair", options, "client server hostname session before quiet ech_configs early_data")
    local hostname = options.hostname
    if hostname == nil then
        hostname = "localhost"
    end
    local client = side(options.client, {
        server_hostname = hostname or nil, session = options.session, ech_configs = options.ech_configs,
        early_data = options.early_data,
    })
    local server = side(options.server, { server_side = true })
    if options.before then
        options.before(client.object)
    end
    local client_done, server_done
    repeat
        client_done = client_done or client:try("do_handshake")
        local moved = move(client, server)
        server_done = server_done or server:try("do_handshake")
        moved = move(server, client) or moved
    until not moved
    return client, server
end

-- visit does the same, and sends a byte in each direction unless quiet is true. Returns failure (the client's, or else
-- the server's), reused (as both ends see it), version, session, alpn and cert (the peer's, as getpeercert returns).
function visits.visit(options)
    local client, server = visits.pair(options)
    local result = { failure = client.failure or server.failure }
    if not result.failure and not options.quiet then
        exchange(client, server)
        result.failure = client.failure or server.failure
    end
    if not result.failure then
        local object = client.object
        assert(object.session_reused == server.object.session_reused, "the ends disagree about the session")
        result.reused, result.version, result.session = object.session_reused, object:version(), object.session
        result.alpn, result.cert = object:selected_alpn_protocol(), object:getpeercert()
        result.verified = object:get_verify_result()
        result.seen = server.object:getpeercert(true)
    end
    result.client, result.server = client.object, server.object
    return result
end

return visits
