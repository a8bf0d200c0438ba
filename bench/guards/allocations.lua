-- Counts the allocations of each operation in Lua, with the collector stopped. On Lua 5.4 it runs in allocations.c,
-- whose global `allocations` counts; elsewhere only the bytes that are kept are known. Prints "name blocks bytes kept"
-- for each operation.
local pair = dofile(arg[0]:match "^(.*/)" .. "pair.lua")
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local COUNT = 200

local counter = rawget(_G, "allocations") or function()
    local held = collectgarbage "count" * 1024
    return 0, held, held
end

local client, server = pair.open()
local piece, message = ("\0"):rep(65536), ("\0"):rep(64)
local contents = socket.buffer(64)
local buffer = socket.buffer(16384)
local sink = socket.buffer(65536)

-- arriving sends bytes of which there is no string yet (LuaJIT interns strings).
local function arriving(length)
    local source = socket.buffer(length)
    return function(number)
        source:set(0, ("%08d"):format(number))
        server:send(source)
    end
end

local function drain(length)
    while length > 0 do
        length = length - server:recv_into(sink, length)
    end
end

local client_recv, client_recv_into, client_send, client_sendall = client.recv, client.recv_into, client.send, client.sendall
local WantRead = ssl.SSLWantReadError
local received -- luacheck: ignore 231 (without it a compiler makes no string)

-- name, preparation (not counted), operation, cleaning up (not counted)
local operations = {
    { "recv-16384", arriving(16384), function()
        received = client_recv(client, 16384)
    end },
    { "recv-64", arriving(64), function()
        received = client_recv(client, 64)
    end },
    { "recv_into-16384", arriving(16384), function()
        client_recv_into(client, buffer)
    end },
    { "send-65536", nil, function()
        client_send(client, piece)
    end, function()
        drain(65536)
    end },
    { "send-64", nil, function()
        client_send(client, message)
    end, function()
        drain(64)
    end },
    { "send-buffer", nil, function()
        client_send(client, contents)
    end, function()
        drain(64)
    end },
    { "sendall-65536", nil, function()
        client_sendall(client, piece)
    end, function()
        drain(65536)
    end },
    { "want-read", function()
        client:settimeout(0)
    end, function()
        local ok, err = pcall(client_recv, client, 16384)
        assert(not ok and WantRead:is(err))
    end, function()
        client:settimeout(nil)
    end },
    { "try_recv", nil, function()
        local data, event = client:try_recv(16384)
        assert(not data and event == "want_read")
    end },
    { "method-call", nil, function()
        return client:pending()
    end },
}

local function nothing() end

-- The most frequent result of several runs: allocations that Lua makes now and then (a stack that grows or shrinks, a
-- trace) are not the operation's.
local function measure(before, operation, after)
    local counts, most = {}, nil
    for round = 1, COUNT do
        before(round)
        local blocks, bytes, held = counter()
        operation()
        local blocks_then, bytes_then, held_then = counter()
        local result = ("%d %d %d"):format(blocks_then - blocks, bytes_then - bytes, held_then - held)
        counts[result] = (counts[result] or 0) + 1
        most = (not most or counts[result] > counts[most]) and result or most
        after()
    end
    return most
end

for _, operation in ipairs(operations) do
    collectgarbage()
    collectgarbage "stop"
    print(operation[1] .. " " .. measure(operation[2] or nothing, operation[3], operation[4] or nothing))
    collectgarbage "restart"
end
