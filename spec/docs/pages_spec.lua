-- The Lua code in the documentation: it compiles, and the code of the pages in RUN prints the texts of its comments
-- after "-->".
local adapters = require "support.adapters"
local optional = require "support.optional"
local page_of = require "support.page"
local process = require "support.process"

local function blocks_of(name)
    return page_of.blocks(name, "lua")
end

local function is_for_this_lua(block)
    return _VERSION > "Lua 5.3" or not block.code:find("^%-%- Lua 5%.4\n")
end

-- A program with arguments, of examples/: run by examples_spec.
local function is_program(block)
    return block.code:find("arg[1]", 1, true) ~= nil
end

-- The preamble of each block: example.org is a server on this machine, the modules have their names, and conn is a
-- connection to it.
local PREAMBLE = [[
require("support.example_org")(%d)
local unpack = unpack or table.unpack
local ssl, socket, select = require "cleat.ssl", require "cleat.socket", require "cleat.select"
socket.setdefaulttimeout(10)
setmetatable(_G, {
    __index = function(_, name)
        if name == "conn" then
            local conn = ssl.create_default_context():wrap_socket(socket.socket(), { server_hostname = "example.org" })
            conn:connect { "example.org", 443 }
            rawset(_G, name, conn)
            return conn
        end
    end,
})
]]

-- The pages whose code runs unchanged, and those whose code only has to compile.
local RUN = { "README.md", "docs/python-to-lua.md", "docs/adapters.md", "docs/https.md", "docs/lua-http.md", "docs/luasec.md" }
local COMPILED = { "docs/fleet.md", (table.unpack or unpack)(RUN) }

for _, page in ipairs(COMPILED) do
    describe(page .. ":", function()
        it("has code, which compiles", function()
            local blocks = blocks_of(page)
            assert.is_true(#blocks >= 2)
            for _, block in ipairs(blocks) do
                if is_for_this_lua(block) then
                    assert((loadstring or load)(block.code, ("=%s:%d"):format(page, block.line)))
                end
            end
        end)
    end)
end

for _, page in ipairs(RUN) do describe(page .. ":", function()
    teardown(process.cleanup)

    local server, port, cafile, keyfile
    setup(function()
        local certfile
        certfile, keyfile = page_of.certificate()
        server = process.start(process.lua {
            "spec/support/server.lua", "mode=http", "cert=" .. certfile, "key=" .. keyfile, timeout = 60,
        })
        port = tonumber((server:wait_for("listening on (%d+)")))
        cafile = certfile
    end)

    for _, block in ipairs(blocks_of(page)) do
        if is_for_this_lua(block) and not is_program(block) then
            local name = ("the code from line %d on prints what its comments say"):format(block.line)
            optional.tests(it, pending, optional.code(block.code))(name, function()
                local wanted = page_of.expected_output(block.code)
                local code = block.code:gsub('"server.pem", "server.key"', function()
                    return ("%q, %q"):format(cafile, keyfile)
                end)
                local output = process.run_code(PREAMBLE:format(port) .. code,
                    { "SSL_CERT_FILE=" .. cafile, "SSL_CERT_DIR=/nowhere", "LUA_PATH=" .. adapters.path() })
                if wanted ~= "" then
                    assert.are.equal(wanted, output)
                elseif block.code:find("io.write", 1, true) then
                    assert.is_truthy(output:find("^HTTP/1.1 200 OK\r\n"), output)
                end
                assert.is_nil(server:poll())
            end)
        end
    end
end) end
