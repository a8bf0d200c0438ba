-- Connected pairs of the objects that cleat.adapters.cqueues.starttls makes.
local cqueues = require "cqueues"
local cqueues_socket = require "cqueues.socket"
local adapters = require "support.adapters"
local limits = require "support.limits"
local tls = require "cleat.adapters.cqueues.tls"

local support = {}

-- run runs bodies as coroutines of one controller until all have ended, and raises an error of any.
function support.run(...)
    local controller, left = cqueues.new(), select("#", ...)
    for _, body in ipairs { ... } do
        controller:wrap(function()
            body()
            left = left - 1
        end)
    end
    assert(controller:loop(limits.bound(10)))
    assert(left == 0, left .. " coroutines have not ended")
end

-- pair returns a client and a server, and the two cqueues sockets below them. options: client and server, contexts.
function support.pair(options)
    options = options or {}
    local left, right = cqueues_socket.pair()
    local client, server
    support.run(function()
        local wrap = { server_hostname = "localhost" }
        client = assert(tls.wrap(left, wrap):starttls(options.client or adapters.client()))
    end, function()
        server = assert(tls.wrap(right, { server_side = true }):starttls(options.server or adapters.server()))
    end)
    return client, server, left, right
end

return support
