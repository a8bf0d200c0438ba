-- Pairs of cleat.luasec connections over LuaSocket's sockets.
local luasec = require "cleat.luasec"
local merge = require "support.merge"
local pki = require "support.pki"
local socket = require "socket"

local luasec_pair = {}

-- server and client return parameters of newcontext, to which `more` is added.
function luasec_pair.server(more)
    local certificate, key = pki.chain "server-ec"
    return merge({ mode = "server", protocol = "any", key = key, certificate = certificate }, more)
end

function luasec_pair.client(more)
    return merge({ mode = "client", protocol = "any" }, more)
end

-- sockets returns two connected sockets of LuaSocket.
function luasec_pair.sockets()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local one = assert(socket.connect("127.0.0.1", (select(2, listener:getsockname()))))
    local other = assert(listener:accept())
    listener:close()
    return one, other
end

-- wrap returns a non-blocking client and server before the handshake.
function luasec_pair.wrap(of_client, of_server)
    local one, other = luasec_pair.sockets()
    local c, s = assert(luasec.wrap(one, of_client or luasec_pair.client())), assert(luasec.wrap(other, of_server or luasec_pair.server()))
    c:settimeout(0)
    s:settimeout(0)
    return c, s
end

-- shake does the handshake, and returns the client's and the server's reason of a failure, or nil.
function luasec_pair.shake(c, s)
    local done, accepted, why, reason
    local function pending()
        return (why == nil or why:find "^want") and (reason == nil or reason:find "^want")
    end
    repeat
        if not done then
            done, why = c:dohandshake()
        end
        if not accepted then
            accepted, reason = s:dohandshake()
        end
    until done and accepted or not pending()
    return why, reason
end

-- open returns a client and a server after a successful handshake.
function luasec_pair.open(of_client, of_server)
    local c, s = luasec_pair.wrap(of_client, of_server)
    local why, reason = luasec_pair.shake(c, s)
    assert(not why and not reason, tostring(why) .. ", " .. tostring(reason))
    return c, s
end

return luasec_pair
