-- serve(options) starts support/server.lua in a separate process and returns it, with its port. cert is a name of pki;
-- or chains is a list of { chain, key }, which are names of files. With psk there is no certificate by default.
local check_options = require "support.check_options"
local pki = require "support.pki"
local process = require "support.process"

return function(options)
    check_options("serve", options, "cert chains cafile verify version alpn mode bytes remote ciphers psk hint")
    local command = { "spec/support/server.lua", timeout = 60 }
    local chains = options.chains or (options.cert or not options.psk) and { { pki.chain(options.cert or "server-ec") } } or {}
    for name, value in pairs(options) do
        if name ~= "cert" and name ~= "chains" then
            command[#command + 1] = name .. "=" .. (name == "cafile" and pki.path(value) or value)
        end
    end
    if chains[1] then
        command[#command + 1] = "cert=" .. chains[1][1]
        command[#command + 1] = "key=" .. chains[1][2]
    end
    for i = 2, #chains do
        command[#command + 1] = "also=" .. chains[i][1] .. ":" .. chains[i][2]
    end
    local server = process.start(process.lua(command))
    server.port = tonumber((server:wait_for("listening on (%d+)")))
    return server
end
