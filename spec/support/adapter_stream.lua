-- adapter_stream(plain, wait): a socket of cleat's as an adapter's stream (lua/cleat/ssl/host_socket.lua), which waits by calling
-- wait(plain, "read" or "write", timeout), true if it is worth trying again. Also counts the bytes that were sent.
local socket = require "cleat.socket"

local EAGAIN = 11

return function(plain, wait)
    plain:settimeout(0)
    local stream = { value = plain, sent = 0 }

    local function try(event, timeout, f, ...)
        while true do
            local ok, result = pcall(f, plain, ...)
            if ok then
                return result
            elseif not (socket.error:is(result) and result.errno == EAGAIN) then
                error(result, 0)
            elseif not wait(plain, event, timeout) then
                return nil
            end
        end
    end

    function stream:connected()
        return true
    end
    function stream:connect() end
    function stream:receive(timeout)
        return try("read", timeout, plain.recv, 65536)
    end
    function stream:send(bytes, timeout)
        local first = 1
        while first <= #bytes do
            local count = try("write", timeout, plain.send, bytes:sub(first))
            if not count then
                return nil
            end
            first, self.sent = first + count, self.sent + count
        end
        return true
    end
    function stream:close()
        plain:close()
    end
    return stream
end
