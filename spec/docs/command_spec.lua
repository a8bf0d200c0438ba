-- Runs the console examples of docs/command.md, unchanged. The commands of a block run in one shell, in a
-- directory with the page's files; example.org is mapped to servers on this machine.
local optional = require "support.optional"

local missing = optional.module("argparse", "lua-argparse")
if missing then
    return pending("docs/command.md: " .. missing, function() end)
end

local nginx = require "support.nginx"
local pki = require "support.pki"
local process = require "support.process"
local recipes = require "support.recipes"

-- The blocks of the page: each a list of lines.
local function blocks_of(page)
    local blocks, lines = {}, nil
    for line in (process.read_file(process.root .. "/" .. page) .. "\n"):gmatch "(.-)\n" do
        if not lines and line == "```console" then
            lines = {}
        elseif lines and line == "```" then
            blocks[#blocks + 1] = lines
            lines = nil
        elseif lines then
            lines[#lines + 1] = line
        end
    end
    return blocks
end

-- matches compares an output with the page, in which a line "…" stands for any lines, and "…" in a line for any text.
local function matches(output, expected)
    local pattern = "\n" .. expected
    pattern = pattern:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
    pattern = pattern:gsub("\n…\n", "\n[%%s%%S]-"):gsub("…", "[^\n]-")
    return ("\n" .. output):find("^" .. pattern .. "$") ~= nil
end

local function sorted(text)
    local lines = {}
    for line in text:gmatch("([^\n]*)\n") do
        lines[#lines + 1] = line
    end
    table.sort(lines)
    return table.concat(lines, "\n") .. "\n"
end

describe("docs/command.md:", function()
    local directory, ports
    setup(function()
        directory = recipes.directory()
        local server = nginx.start {
            {
                certfile = directory .. "/fullchain.pem", keyfile = directory .. "/privkey.pem",
                lines = 'location = / { return 200 "hello\n"; }',
            },
            { certfile = directory .. "/expired.pem", keyfile = directory .. "/expired.key" },
        }
        ports = ('["www.example.org:443"] = %d, ["expired.example.org:443"] = %d'):format(server.ports[1], server.ports[2])
        os.execute(("mkdir -p %s/bin %s/site && echo hello >%s/site/hello.txt"):format(directory, directory, directory))
        -- "cleat" on this interpreter
        local words = process.lua { process.root .. "/bin/cleat" }
        for i, word in ipairs(words) do
            words[i] = process.quote(word)
        end
        process.write_file(directory .. "/bin/cleat", ("#!/bin/sh\nexport LUA_INIT=%s\nexec %s \"$@\"\n"):format(
            process.quote(("require('support.example_org') { %s }"):format(ports)), table.concat(words, " ")))
        os.execute("chmod +x " .. directory .. "/bin/cleat")
    end)
    teardown(process.cleanup)

    local blocks = blocks_of "docs/command.md"
    for number, block in ipairs(blocks) do
        it(("example %d: %s"):format(number, block[1]), function()
            local port = tostring(process.free_port())
            local script, expected, beside = {}, {}, false
            for _, line in ipairs(block) do
                line = line:gsub("8443", port)
                local command = line:match "^%$ (.*)"
                if command then
                    script[#script + 1] = command
                    if command:find "&$" then
                        beside = true
                        script[#script + 1] = ("until (exec 3<>/dev/tcp/127.0.0.1/%s) 2>/dev/null; do sleep 0.02; done"):format(port)
                    end
                else
                    expected[#expected + 1] = line
                end
            end
            if beside then -- a server may write its line after its client has ended
                script[#script + 1] = ("for i in {1..1000}; do (($(grep -vc '\\[SSL' printed) >= %d)) && break; sleep 0.02; done"):format(
                    #expected)
            end
            script[#script + 1] = "kill $(jobs -p) 2>/dev/null"
            local file = process.write_file(directory .. "/example.sh", table.concat(script, "\n") .. "\n")
            process.run {
                "env", "-u", "COLUMNS", "PATH=" .. directory .. "/bin:" .. os.getenv "PATH", "SSL_CERT_FILE=" .. pki.path "root.pem",
                "SSL_CERT_DIR=/nowhere", "NO_PROXY=*", "bash", "-c", "exec >printed 2>&1; . " .. file, directory = directory,
            }
            -- a server that is waited for says that a client has come and gone
            local output = process.read_file(directory .. "/printed"):gsub("\r", ""):gsub("127%.0%.0%.1 port %d+: %[SSL[^\n]*\n", "")
            if beside then -- in any order
                output = sorted(output)
                table.sort(expected)
            end
            if not matches(output, table.concat(expected, "\n") .. "\n") then
                error(("printed:\n%s\nwanted:\n%s"):format(output, table.concat(expected, "\n")), 0)
            end
        end)
    end

    it("has examples of all commands", function()
        local text = {}
        for _, block in ipairs(blocks) do
            text[#text + 1] = table.concat(block, "\n")
        end
        for _, name in ipairs { "connect", "inspect", "serve", "cert" } do
            assert.is_truthy(table.concat(text, "\n"):find("cleat " .. name .. " ", 1, true))
        end
    end)
end)
