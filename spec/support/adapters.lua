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

-- after_pauses returns a body that lets the peer continue after some pauses: while another body waits for the peer.
function adapters.after_pauses(pause, job)
    return function()
        for _ = 1, 5 do
            pause()
        end
        job:go()
    end
end

-- ticker counts the pauses of a coroutine whose body is ticker.run, until ticker.stop() is called.
function adapters.ticker(pause)
    local ticker, pauses, stopped = {}, 0, false
    function ticker.run()
        while not stopped and pauses < 4000 do
            pause()
            pauses = pauses + 1
        end
    end
    function ticker.stop()
        stopped = true
    end
    -- is_beside calls f in another coroutine, and returns whether a pause ended meanwhile. f is repeated: on a busy
    -- machine its timeout may end before the pause does.
    function ticker.is_beside(f)
        for _ = 1, 10 do
            local before = pauses
            f()
            if pauses > before then
                return true
            end
        end
        return false
    end
    return ticker
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
