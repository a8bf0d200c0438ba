-- Peers and event loops for the specs of adapters.
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local ssl = require "cleat.ssl"

local adapters = {}

-- path returns a path with which copas and lua-http are found. Debian installs them for Lua 5.1 and 5.2, but they are
-- plain Lua.
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

-- python starts a TLS server of Python's ssl on job.port. The steps follow its handshake.
function adapters.python(...)
    local cert, key = pki.chain "server-ec"
    return peer.serve { tls = true, cert = cert, key = key, "handshake", ... }
end

-- client returns a context that trusts the server.
function adapters.client(options)
    return link.context(link.client_options(options))
end

function adapters.server()
    return link.context { cert = "server-ec" }
end

-- remote returns the client of a connection over MemoryBIOs, for tests that move the bytes themselves.
function adapters.remote()
    local self = { incoming = ssl.MemoryBIO(), outgoing = ssl.MemoryBIO() }
    self.object = adapters.client():wrap_bio(self.incoming, self.outgoing, { server_hostname = "localhost" })
    -- try returns a method's result, or nil if the method would block.
    function self.try(_, name, ...)
        local ok, result = pcall(self.object[name], self.object, ...)
        if not ok and not ssl.SSLWantReadError:is(result) then
            error(result, 0)
        end
        return ok, result
    end
    return self
end

-- receive returns `count` bytes from an object that has recv, or fewer at the end of the stream (math.huge: all).
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

-- by_turns sends data to an echo server in pieces, reads each back before the next, and returns the bytes received.
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
