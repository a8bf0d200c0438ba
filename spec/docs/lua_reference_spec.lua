-- The examples in docs/lua/: each runs, and prints the texts of the comments after "-->".
local adapters = require "support.adapters"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local serve = require "support.serve"

local function pages()
    local list = {}
    for name in process.run({ "ls", "docs/lua" }).output:gmatch("[^\n]+") do
        list[#list + 1] = name:find("^cleat%.") and name or nil
    end
    return list
end

-- examples_of: {line, code} of each block of a page, but for the first, which loads the module.
local function examples_of(page)
    local list, current, number = {}, nil, 0
    for line in (process.read_file(process.root .. "/docs/lua/" .. page)):gmatch("([^\n]*)\n") do
        number = number + 1
        if not current and line == "```lua" then
            current = { number + 1 }
        elseif current and line == "```" then
            list[#list + 1] = { current[1], table.concat(current, "\n", 2) .. "\n" }
            current = nil
        elseif current then
            current[#current + 1] = line
        end
    end
    table.remove(list, 1)
    return list
end

local function wanted_of(code)
    local lines = {}
    for text in code:gmatch("%-%-> ([^\n]*)") do
        for each in (text .. " --> "):gmatch("(.-) %-%-> ") do
            lines[#lines + 1] = each .. "\n"
        end
    end
    return table.concat(lines)
end

describe("docs/lua:", function()
    teardown(process.cleanup)

    local echo, page_server, directory
    setup(function()
        directory = process.directory() .. "/examples"
        local certfile, keyfile = pki.chain("server-ec")
        local rsa_chain, rsa_key = pki.chain("server-rsa")
        local made = process.run { "sh", "-c", ([[mkdir '%s' && cd '%s' && cp '%s' cert.pem && cp '%s' key.pem && cp '%s' ca.pem &&
            cp '%s' rsa.pem && cp '%s' rsa.key &&
            openssl pkcs8 -topk8 -in key.pem -passout pass:swordfish -out encrypted.pem]]):format(directory, directory,
            certfile, keyfile, pki.path("root.pem"), rsa_chain, rsa_key) }
        assert.are.equal(0, made.status, made.errors)
        echo = process.start { "python3", "spec/support/echo_server.py", certfile, keyfile, timeout = 120 }
        echo.port = echo:wait_for("listening on (%d+)")
        page_server = serve { mode = "http" }
    end)

    for _, page in ipairs(pages()) do
        local examples = examples_of(page)
        local missing = optional.code(("require '%s'\n"):format((page:gsub("%.md$", ""))))
        for _, example in ipairs(examples) do
            missing = missing or optional.code(example[2])
        end
        optional.tests(it, pending, missing)(page .. ": the examples print what their comments say", function()
            assert.is_true(#examples > 0 or page == "cleat.errno.md")
            local list = {}
            for index, example in ipairs(examples) do
                list[index] = ("{ %d, %q },"):format(example[1], example[2])
            end
            local file = process.write_file(process.directory() .. "/list.lua", "return {" .. table.concat(list, "\n") .. "}")
            local command = process.lua {
                "SSL_CERT_DIR=/nowhere", "LUA_PATH=" .. adapters.path(),
                process.root .. "/spec/support/reference_examples.lua", file, echo.port, page_server.port,
            }
            table.insert(command, 2, "-C")
            table.insert(command, 3, directory)
            local result = process.run(command)
            assert.are.equal(0, result.status, result.errors)
            local outputs = {}
            for line, output in (result.output .. "#### "):gmatch("(%d+)\n(.-)%f[#]####") do
                outputs[tonumber(line)] = output:gsub(" $", "")
            end
            local faults = {}
            for _, example in ipairs(examples) do
                local wanted = wanted_of(example[2])
                local output = outputs[example[1]]
                local fits = output == wanted or (wanted == "" and output and not output:find("error: ", 1, true))
                if not fits and not example[2]:find("^%-%- in %a+\n") then
                    faults[#faults + 1] = ("docs/lua/%s:%d\n%swanted:\n%sprinted:\n%s"):format(page, example[1], example[2], wanted,
                        tostring(output))
                end
            end
            assert.are.equal("", table.concat(faults, "\n"))
        end)
    end
end)
