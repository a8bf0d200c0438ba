-- Several Lua states in one process, each in a thread of luv: connections between them, and states that end with
-- connections open.
local optional = require "support.optional"

local missing = optional.module("luv", "lua-luv")
if missing then
    return pending("several Lua states: " .. missing, function() end)
end

local backend = require "cleat.backend"
local link = require "support.link"
local pki = require "support.pki"
local socket = require "cleat.socket"
local uv = require "luv"

-- The body of a thread, which has no upvalues. It sends "done" to the descriptor `report`, or its error.
local function side(path, cpath, report, fd, certificate, key, root)
    package.path, package.cpath = path, cpath
    local sockets, ssl = require "cleat.socket", require "cleat.ssl"
    local ok, result = pcall(function()
        local context, options
        if certificate then
            context, options = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), { server_side = true }
            context:load_cert_chain(certificate, key)
        else
            context, options = ssl.create_default_context { cafile = root }, { server_hostname = "localhost" }
        end
        local plain = sockets.socket { fileno = fd }
        for round = 1, 8 do
            local conn = context:wrap_socket(plain, options)
            local text, got = ("%08d"):format(round):rep(1000), ""
            if not certificate then
                conn:sendall(text)
            end
            while #got < #text do
                got = got .. conn:recv(5000)
            end
            assert(got == text)
            if certificate then
                conn:sendall(got)
            end
            if round == 8 then
                KEPT = conn -- luacheck: ignore 111
                return "done" -- with the connection open
            end
            plain = conn:unwrap()
            collectgarbage "step"
        end
    end)
    sockets.socket({ fileno = report }):sendall((ok and "" or "error: ") .. tostring(result))
end

describe("several Lua states", function()
    it("have connections with each other in threads, and close them when they end", function()
        local certificate, key = pki.chain "server-ec"
        local before = backend.handle_count()
        for _ = 1, 3 do
            local threads, reports = {}, {}
            local function start(...)
                local report, theirs = socket.socketpair()
                reports[#reports + 1] = report
                threads[#threads + 1] = uv.new_thread(side, package.path, package.cpath, theirs:detach(), ...)
            end
            for _ = 1, 2 do
                local fds = uv.socketpair("stream", nil, {}, {})
                start(fds[1], certificate, key)
                start(fds[2], nil, nil, pki.path "root.pem")
            end
            local client, server = link.open() -- meanwhile, in this state
            client:sendall "hello"
            assert.are.equal("hello", server:recv(5))
            client:close()
            server:close()
            for index, thread in ipairs(threads) do
                assert.are.equal("done", reports[index]:recv(1000))
                assert(thread:join())
                reports[index]:close()
            end
        end
        collectgarbage()
        collectgarbage()
        assert.are.equal(before, backend.handle_count())
    end)
end)
