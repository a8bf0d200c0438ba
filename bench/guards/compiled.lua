-- Measures whether LuaJIT compiles the calls that move data. Prints "name share NYI": the percentage of samples in
-- machine code, and how often LuaJIT aborted a trace because of something that it cannot compile (NYI in jit.v).
local pair = dofile(arg[0]:match "^(.*/)" .. "pair.lua")
local profile = require "jit.profile"
local socket = require "cleat.socket"
local vmdef = require "jit.vmdef"

local given_up = 0
jit.attach(function(what, _, _, _, code)
    if what == "abort" and type(code) == "number" and (vmdef.traceerr[code] or ""):find "NYI" then
        given_up = given_up + 1
    end
end, "trace")

local client, server = pair.open()
local piece, message = ("\0"):rep(65536), ("\0"):rep(64)
local buffer, sink = socket.buffer(16384), socket.buffer(65536)

local operations = {
    { "echo", function()
        client:send(message)
        server:send(server:recv(64))
        client:recv(64)
    end },
    { "recv-16384", function()
        server:send(buffer)
        client:recv(16384)
    end },
    { "recv_into-16384", function()
        server:send(buffer)
        client:recv_into(buffer)
    end },
    { "send-65536", function()
        client:send(piece)
        local left = 65536
        while left > 0 do
            left = left - server:recv_into(sink)
        end
    end },
    { "sendall-65536", function()
        client:sendall(piece)
        local left = 65536
        while left > 0 do
            left = left - server:recv_into(sink)
        end
    end },
}

-- share returns the percentage of samples in machine code.
local function share(work)
    local samples, native = 0, 0
    jit.flush()
    for _ = 1, 500 do
        work()
    end
    profile.start("vi1", function(_, count, state)
        samples = samples + count
        native = native + (state == "N" and count or 0)
    end)
    local finish = os.clock() + 0.3
    repeat
        for _ = 1, 100 do
            work()
        end
    until os.clock() > finish
    profile.stop()
    return native / samples * 100
end

-- The loop that LuaJIT compiles first is random, and with the wrong one it may stop compiling for a time: so there are
-- three attempts.
for _, operation in ipairs(operations) do
    local best = 0
    given_up = 0
    for _ = 1, 3 do
        best = math.max(best, share(operation[2]))
        if best > 99 then
            break
        end
    end
    print(("%s %.1f %d"):format(operation[1], best, given_up))
end
