-- TLS between two SSLObjects, with a copy of all bytes that they exchange.
local pki = require "support.pki"
local ssl = require "cleat.ssl"

local observed = {}

function observed.client_context()
    return ssl.create_default_context { cafile = pki.path("root.pem") }
end

function observed.server_context()
    local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context:load_cert_chain(pki.chain "server-ec")
    return context
end

-- carry moves the bytes that each end has for the other, and keeps them in pair.flights.
local function carry(pair)
    local moved = false
    for _, from_client in ipairs { true, false } do
        local from, to = from_client and pair.client or pair.server, from_client and pair.server or pair.client
        local bytes = from.outgoing:read()
        if #bytes > 0 then
            to.incoming:write(bytes)
            pair.flights[#pair.flights + 1] = { from_client, bytes }
            moved = true
        end
    end
    return moved
end

-- finish calls f(object, …) until it would not block, and returns its results.
local function finish(pair, f, ...)
    while true do
        local results = { pcall(f, ...) }
        local moved = carry(pair)
        if results[1] then
            return results[2]
        elseif not ssl.SSLWantReadError:is(results[2]) then
            error(results[2], 0)
        elseif not moved then
            return nil
        end
    end
end

-- pair returns both ends. options: further options of the client's wrap_bio.
function observed.pair(client_context, server_context, options)
    local pair = { flights = {}, carry = carry }
    for _, name in ipairs { "client", "server" } do
        pair[name] = { incoming = ssl.MemoryBIO(), outgoing = ssl.MemoryBIO() }
    end
    local given = { server_hostname = "localhost" }
    for name, value in pairs(options or {}) do
        given[name] = value
    end
    pair.client.object = client_context:wrap_bio(pair.client.incoming, pair.client.outgoing, given)
    pair.server.object = server_context:wrap_bio(pair.server.incoming, pair.server.outgoing, { server_side = true })
    return pair
end

-- shake returns the errors of the client and of the server, nil for none.
function observed.shake(pair)
    local failures, done = {}, {}
    for _ = 1, 20 do
        for _, name in ipairs { "client", "server" } do
            if not done[name] then
                local object = pair[name].object
                local ok, failure = pcall(object.do_handshake, object)
                if ok or not ssl.SSLWantReadError:is(failure) then
                    done[name], failures[name] = true, not ok and failure or nil
                end
            end
            carry(pair)
        end
        if done.client and done.server then
            break
        end
    end
    return failures.client, failures.server
end

-- exchange sends a text from the client and the server's answer, and returns what each has received.
function observed.exchange(pair, request, response)
    finish(pair, pair.client.object.write, pair.client.object, request)
    local at_server = finish(pair, pair.server.object.read, pair.server.object, 65536)
    finish(pair, pair.server.object.write, pair.server.object, response)
    return at_server, finish(pair, pair.client.object.read, pair.client.object, 65536)
end

function observed.connected(client_context, server_context, options)
    local pair = observed.pair(client_context, server_context, options)
    local client_failure, server_failure = observed.shake(pair)
    if client_failure or server_failure then
        error(client_failure or server_failure, 0)
    end
    return pair
end

return observed
