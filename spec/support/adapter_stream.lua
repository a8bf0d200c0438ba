-- adapter_stream(plain, wait) makes an adapter's stream (lua/cleat/ssl/transport/stream.lua) of a cleat socket. It
-- waits by wait(object with a fileno(), "read", timeout), which returns true if the call should be repeated. It counts
-- the bytes sent.
local socket = require "cleat.socket"
local watch = require "cleat.socket.watch"

local EAGAIN = 11

return function(plain, wait)
    plain:settimeout(0)
    local watches = setmetatable({}, { __mode = "k" })
    local stream = { value = plain, sent = 0, pending = "" }

    local function try(event, timeout, f, ...)
        while true do
            local ok, result = pcall(f, plain, ...)
            if ok then
                return result
            elseif not (socket.error:is(result) and result.errno == EAGAIN) then
                error(result, 0)
            end
            local waits = watch.new(plain:fileno(), event) -- close() can end it
            watches[waits] = true
            local again = wait(waits, "read", timeout)
            waits:close()
            if not again then
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
        self.pending = self.pending .. bytes
        while self.pending ~= "" do
            local count = try("write", timeout, plain.send, self.pending)
            if not count then
                return nil
            end
            self.pending, self.sent = self.pending:sub(count + 1), self.sent + count
        end
        return true
    end
    function stream.place()
        local place = { watch = watch.new(-1) }
        function place.wait(_, seconds)
            return wait(place.watch, "read", seconds)
        end
        function place.wake()
            place.watch:signal()
        end
        function place.close()
            place.watch:close()
        end
        return place
    end
    function stream:close()
        plain:close()
        for waits in pairs(watches) do
            waits:signal()
        end
    end
    return stream
end
