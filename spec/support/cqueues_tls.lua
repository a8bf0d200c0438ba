-- Connections in cqueues, of the objects that cleat.adapters.cqueues.starttls makes.
local cqueues = require "cqueues"
local cqueues_socket = require "cqueues.socket"
local adapters = require "support.adapters"
local limits = require "support.limits"
local tls = require "cleat.adapters.cqueues.tls"

local support = {}

-- run: bodies as coroutines of one controller, until all have ended; an error of one is raised.
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

-- pair: a client and a server over a pair of sockets. options: client and server, contexts; wrap, for the client's.
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
