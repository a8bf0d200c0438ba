-- A TLS echo server with LuaSec under an event loop, for bench/loops/run.lua: luasec.lua LOOP CERTFILE KEYFILE. With
-- cqueues it uses cqueues' TLS, by luaossl. (The servers with cleat are in examples/event_loops.) LuaSec cannot return
-- the bytes that have arrived, whatever their number, so the servers read 64 bytes at a time, as the client sends.
local kind, certfile, keyfile = arg[1], arg[2], arg[3]

local SIZE = 64

local function context()
    return assert(require("ssl").newcontext { mode = "server", protocol = "tlsv1_3", certificate = certfile, key = keyfile })
end

local function say(port)
    io.stdout:setvbuf "line"
    print("listening on " .. port)
end

-- serve echoes over a LuaSec connection; wait(fd, event) lets others run.
local function serve(of, accepted, wait)
    local conn = assert(require("ssl").wrap(accepted, of))
    local fd = conn:getfd()
    conn:settimeout(0)
    local function retry(method, data)
        local first, partial = 1, ""
        while true do
            local ok, message, rest
            if method == "send" then
                ok, message, rest = conn:send(data, first)
            elseif method == "receive" then
                ok, message, rest = conn:receive(SIZE, partial)
            else
                ok, message = conn:dohandshake()
            end
            if ok then
                return ok
            elseif message == "wantwrite" or (message == "timeout" and method == "send") then
                wait(fd, "write")
            elseif message == "wantread" or message == "timeout" then
                wait(fd, "read")
            else
                return nil, message
            end
            if method == "send" then
                first = rest and rest + 1 or first
            else
                partial = rest or ""
            end
        end
    end
    assert(retry "handshake")
    while true do
        local data = retry "receive"
        if not data then
            return conn:close()
        end
        assert(retry("send", data))
    end
end

local function listen()
    local listener = assert(require("socket").bind("127.0.0.1", 0, 128))
    listener:settimeout(0)
    say(select(2, listener:getsockname()))
    return listener
end

local servers = {}

function servers.luasocket()
    local luasocket = require "socket"
    local of, listener = context(), listen()
    local waits = { read = {}, write = {} }
    local Waiting = {}
    Waiting.__index = Waiting
    function Waiting:getfd()
        return self.fd
    end
    function Waiting.dirty()
        return false
    end
    local function wait(fd, event)
        waits[event][#waits[event] + 1] = setmetatable({ fd = fd, thread = coroutine.running() }, Waiting)
        coroutine.yield()
    end
    local function keep(list, ready)
        local rest = {}
        for _, each in ipairs(list) do
            rest[#rest + 1] = not ready[each] and each or nil
        end
        return rest
    end
    while true do
        waits.read[#waits.read + 1] = listener
        local readable, writable = luasocket.select(waits.read, waits.write)
        waits = { read = keep(waits.read, readable), write = keep(waits.write, writable) }
        if not readable[listener] then
            waits.read[#waits.read] = nil -- the listener, which was added last
        end
        for _, ready in ipairs { readable, writable } do
            for _, each in ipairs(ready) do
                local accepted = each == listener and listener:accept()
                if accepted then
                    coroutine.wrap(serve)(of, accepted, wait)
                elseif each ~= listener then
                    assert(coroutine.resume(each.thread))
                end
            end
        end
    end
end

function servers.luv()
    local uv = require "luv"
    local of, listener = context(), listen()
    local polls = setmetatable({}, { __mode = "k" }) -- a handle for each coroutine, whose callback resumes the coroutine
    local function wait(fd, event)
        local thread = coroutine.running()
        local poll = polls[thread]
        if not poll then
            poll = uv.new_poll(fd)
            polls[thread] = poll
        end
        poll:start(event == "read" and "r" or "w", function()
            poll:stop()
            assert(coroutine.resume(thread))
        end)
        coroutine.yield()
    end
    local accepting = uv.new_poll(listener:getfd())
    accepting:start("r", function()
        local accepted = listener:accept()
        while accepted do
            coroutine.wrap(function(sock)
                serve(of, sock, wait)
                local poll = polls[coroutine.running()]
                if poll then
                    poll:close()
                end
            end)(accepted)
            accepted = listener:accept()
        end
    end)
    uv.run()
end

function servers.cqueues()
    local cqueues, cqueues_socket = require "cqueues", require "cqueues.socket"
    local of = require("openssl.ssl.context").new("TLSv1_3", true)
    local x509, pkey = require "openssl.x509", require "openssl.pkey"
    local file = assert(io.open(certfile))
    local chain
    for text in file:read("*a"):gmatch "%-%-%-%-%-BEGIN.-END[^\n]*" do
        if chain then
            chain:add(x509.new(text))
        else
            of:setCertificate(x509.new(text))
            chain = require("openssl.x509.chain").new()
        end
    end
    of:setCertificateChain(chain)
    file:close()
    file = assert(io.open(keyfile))
    of:setPrivateKey(pkey.new(file:read "*a"))
    file:close()
    local listener = cqueues_socket.listen("127.0.0.1", 0)
    assert(listener:listen())
    say(select(3, listener:localname()))
    local loop = cqueues.new()
    loop:wrap(function()
        for accepted in listener:clients() do
            loop:wrap(function()
                accepted:setmode("bn", "bn")
                assert(accepted:starttls(of))
                while true do
                    local data = accepted:read(-SIZE)
                    if not data then
                        return accepted:close()
                    end
                    accepted:write(data)
                end
            end)
        end
    end)
    assert(loop:loop())
end

servers[kind]()
