-- serve(options) starts support/server.lua in a separate process and returns it, with its port.
local known = require "support.known"
local pki = require "support.pki"
local process = require "support.process"

return function(options)
    known("serve", options, "cert cafile verify version alpn mode bytes remote")
    local command = { "spec/support/server.lua", timeout = 60 }
    local certfile, keyfile = pki.chain(options.cert or "server-ec")
    for name, value in pairs(options) do
        if name ~= "cert" then
            command[#command + 1] = name .. "=" .. (name == "cafile" and pki.path(value) or value)
        end
    end
    command[#command + 1] = "cert=" .. certfile
    command[#command + 1] = "key=" .. keyfile
    local server = process.start(process.lua(command))
    server.port = tonumber((server:wait_for("listening on (%d+)")))
    return server
end
