-- Other people's sockets, for the specs that wrap them.
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local ssl = require "cleat.ssl"

local adapters = {}

-- path: where modules are found, copas among them. Debian installs that for Lua 5.1 and 5.2, but it is written in plain
-- Lua.
function adapters.path()
    return package.path .. ";/usr/share/lua/5.2/?.lua"
end

function adapters.copas()
    if pcall(require, "copas") then
        return require "copas"
    end
    local path = package.path
    package.path = adapters.path()
    local copas = require "copas"
    package.path = path
    return copas
end

-- python: a job of Python's ssl on job.port, as a TLS server. steps follow its handshake.
function adapters.python(...)
    local cert, key = pki.chain "server-ec"
    return peer.serve { tls = true, cert = cert, key = key, "handshake", ... }
end

-- client: how to verify it.
function adapters.client(options)
    return link.context(link.client_options(options))
end

function adapters.server()
    return link.context { cert = "server-ec" }
end

-- remote: the client's side of a connection, over MemoryBIOs, for tests that play the network themselves.
function adapters.remote()
    local self = { incoming = ssl.MemoryBIO(), outgoing = ssl.MemoryBIO() }
    self.object = adapters.client():wrap_bio(self.incoming, self.outgoing, { server_hostname = "localhost" })
    -- try returns a method's result, or nil if it needs more of the network
    function self.try(_, name, ...)
        local ok, result = pcall(self.object[name], self.object, ...)
        if not ok and not ssl.SSLWantReadError:is(result) then
            error(result, 0)
        end
        return ok, result
    end
    return self
end

-- receive: count bytes from anything that has recv, fewer only at the end of the stream; math.huge for all until there.
function adapters.receive(sock, count)
    local parts, got = {}, 0
    while got < count do
        local data = sock:recv(math.min(65536, count - got))
        if data == "" then
            break
        end
        parts[#parts + 1] = data
        got = got + #data
    end
    return table.concat(parts)
end

-- by_turns: data sent to an echo in pieces, each read back before the next; returns what came.
function adapters.by_turns(sock, data)
    local parts = {}
    for first = 1, #data, 50000 do
        local piece = data:sub(first, first + 49999)
        sock:sendall(piece)
        parts[#parts + 1] = adapters.receive(sock, #piece)
    end
    return table.concat(parts)
end

return adapters
