-- Runs the tests of support.adapter_tests with nginx's cosockets.
local adapters = require "support.adapters"
local limits = require "support.limits"
local nginx = require "support.nginx"
local optional = require "support.optional"
local process = require "support.process"
local tests = require "support.adapter_tests"
local cleat_nginx = require "support.cleat_nginx"
local socket = require "cleat.socket"

local missing = cleat_nginx.missing()
local it = optional.tests(it, pending, missing)

local names = {}
for name in pairs(tests) do
    names[#names + 1] = name
end
table.sort(names)
local REFUSAL = "the peer receives the alert for its refused certificate"

local function escape(text)
    return (text:gsub("%W", function(byte)
        return ("%%%02x"):format(byte:byte())
    end))
end

describe("in nginx", function()
    local server
    setup(function()
        if not missing then
            server = nginx.start(nginx.lua({ { listen = "",
                lines = "location = /test { lua_socket_log_errors off; content_by_lua_block { app.run() } }" } },
                "support.nginx_adapter_tests"), 300)
        end
    end)
    teardown(process.cleanup)

    for _, name in ipairs(names) do
        it(name, function()
            local sock = socket.create_connection({ "127.0.0.1", server.ports[1] }, limits.bound(20))
            local job = name == REFUSAL and adapters.python "recv 1"
            sock:sendall(("GET /test?factor=%g&test=%s%s HTTP/1.0\r\n\r\n"):format(limits.factor(), escape(name),
                job and "&port=" .. job.port or ""))
            local page = adapters.receive(sock, math.huge)
            sock:close()
            assert.are.equal("right", (page:match "\r\n\r\n(.-)\n$"))
            if job then
                assert.is_truthy(job:finish()[1]:find "ALERT")
            end
            cleat_nginx.check_log(server)
        end)
    end
end)
