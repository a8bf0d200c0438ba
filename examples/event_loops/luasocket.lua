-- A TLS echo server in one thread, with a small event loop over LuaSocket's select: luasocket.lua CERTFILE KEYFILE
-- [PORT]
--
-- It shows how to write a waiter for an event loop: the waiter yields what it waits for, and the loop resumes the
-- coroutine.
local luasocket = require "socket"
local ssl = require "cleat.ssl"

local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain(arg[1], arg[2])
local listener = assert(luasocket.bind("127.0.0.1", tonumber(arg[3] or 0), 128))
listener:settimeout(0)
io.stdout:setvbuf "line"
print("listening on " .. select(2, listener:getsockname()))

-- LuaSocket's select accepts objects with the methods getfd and dirty. Each waiting coroutine has one.
local Waiting = {}
Waiting.__index = Waiting

function Waiting:getfd()
    return self.fd
end

function Waiting.dirty()
    return false
end

local waits = { read = { listener }, write = {} }

-- This server sets no timeouts, so the third argument of the waiter, the remaining seconds, is always nil.
local function waiter(sock, event)
    table.insert(waits[event], setmetatable({ fd = sock:fileno(), thread = coroutine.running() }, Waiting))
    coroutine.yield()
    return true
end

local function serve(accepted)
    local stream = context:wrap_socket(accepted, { server_side = true, do_handshake_on_connect = false })
    stream:settimeout(nil)
    stream:setwaiter(waiter)
    stream:do_handshake()
    repeat
        local data = stream:recv(4096)
        stream:sendall(data)
    until data == "" -- the client has sent close_notify
    stream:unwrap():close()
end

local function accept()
    local accepted = listener:accept()
    while accepted do
        coroutine.wrap(function(client)
            local ok, failure = pcall(serve, client)
            if not ok then
                print(failure)
            end
        end)(accepted)
        accepted = listener:accept()
    end
end

-- keep returns the elements of a list that are not ready.
local function keep(list, ready)
    local rest = {}
    for _, each in ipairs(list) do
        if each == listener or not ready[each] then
            rest[#rest + 1] = each
        end
    end
    return rest
end

while true do
    local readable, writable = luasocket.select(waits.read, waits.write)
    waits = { read = keep(waits.read, readable), write = keep(waits.write, writable) }
    for _, ready in ipairs { readable, writable } do
        for _, each in ipairs(ready) do
            if each == listener then
                accept()
            else
                assert(coroutine.resume(each.thread))
            end
        end
    end
end
