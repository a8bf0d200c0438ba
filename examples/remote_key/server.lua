-- A TLS echo server with luv that does not have its private key: server.lua CERTFILE SOCKET [PORT]
--
-- signer.lua, another process, makes the signatures over a Unix socket. A connection's coroutine waits for it, while
-- others run.
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local uv = require "luv"
local waiter = require("cleat.adapters.luv").waiter

local function sign(algorithm, data)
    local signer = socket.socket(socket.AF_UNIX)
    signer:setwaiter(waiter)
    signer:settimeout(5)
    local ok, signature = pcall(function()
        signer:connect(arg[2])
        signer:sendall(("%s %d\n"):format(algorithm, #data) .. data)
        local file = signer:makefile "r"
        local length = tonumber(file:readline())
        return length > 0 and file:read(length) or nil
    end)
    signer:close()
    if not ok then
        error(signature, 0)
    end
    return signature, "the signer refuses"
end

local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain(arg[1], { sign = sign })
local listener = uv.new_tcp()
assert(listener:bind("127.0.0.1", tonumber(arg[3] or 0)))

local function serve(accepted)
    local stream = context:wrap_socket(accepted, { server_side = true })
    repeat
        local data = stream:recv(4096)
        stream:sendall(data)
    until data == "" -- the client has sent close_notify
    stream:unwrap():close()
end

assert(listener:listen(128, function(err)
    assert(not err, err)
    local accepted = uv.new_tcp()
    listener:accept(accepted)
    coroutine.wrap(function()
        local ok, failure = pcall(serve, accepted)
        if not ok then
            print(failure)
        end
    end)()
end))
io.stdout:setvbuf "line"
print("listening on " .. listener:getsockname().port)
uv.run()
