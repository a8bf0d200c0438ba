-- A TLS echo server under cqueues: cqueues.lua CERTFILE KEYFILE [PORT]
--
-- cqueues accepts the connections, and wrap_socket wraps its sockets. While a connection waits, the controller runs
-- other coroutines.
local cqueues = require "cqueues"
local cqueues_socket = require "cqueues.socket"
local ssl = require "cleat.ssl"

local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain(arg[1], arg[2])
local listener = cqueues_socket.listen("127.0.0.1", tonumber(arg[3] or 0))
assert(listener:listen())
io.stdout:setvbuf "line"
print("listening on " .. select(3, listener:localname()))

local function serve(accepted)
    local stream = context:wrap_socket(accepted, { server_side = true })
    repeat
        local data = stream:recv(4096)
        stream:sendall(data)
    until data == "" -- the client has sent close_notify
    stream:unwrap():close()
end

local loop = cqueues.new()
loop:wrap(function()
    for accepted in listener:clients() do
        loop:wrap(function()
            local ok, failure = pcall(serve, accepted)
            if not ok then
                print(failure)
            end
        end)
    end
end)
assert(loop:loop())
