-- A TLS echo server under luv: luv.lua CERTFILE KEYFILE [PORT]
--
-- luv accepts the connections, and wrap_socket wraps its handles. Each connection has a coroutine, which luv's loop
-- resumes.
local ssl = require "cleat.ssl"
local uv = require "luv"

local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain(arg[1], arg[2])
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
