-- The password of an encrypted key, entered at a terminal that the test makes; and without a terminal.
local pki = require "support.pki"
local limits = require "support.limits"
local peer = require "support.peer"
local process = require "support.process"

local PASSWORD = "somepass"
local PROMPT = "Enter PEM pass phrase:"

local KEYS = {
    { "PKCS#8", "server-ec", "ec.pkcs8-encrypted.key" },
    { "traditional AES", "server-rsa", "rsa.encrypted.key" },
    { "traditional DES3", "server-rsa", "rsa.des3.key" },
}

-- The program that loads a key; its output follows the prompt on the terminal.
local PROGRAM = [[
    local ssl = require "cleat.ssl"
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    local certfile, keyfile, how = arg[1], arg[2], arg[3]
    local password
    if how == "function" then
        password = function()
            return "somepass"
        end
    end
    local ok, failure = pcall(context.load_cert_chain, context, certfile, keyfile ~= "-" and keyfile or nil, password)
    if ok then
        print("loaded")
    else
        print(tostring(failure))
        print(failure.class.name, failure.library, failure.reason)
    end
    print("the end")
]]

describe("the password of a key", function()
    local program
    setup(function()
        program = process.write_file(process.directory() .. "/password.lua", PROGRAM)
    end)
    teardown(process.cleanup)

    -- command runs the program on a certificate and a key, after further words.
    local function command(words, cert, key, how)
        for _, word in ipairs(process.lua { program, pki.path(cert), key == "-" and key or pki.path(key), how }) do
            words[#words + 1] = word
        end
        words.timeout = 30
        return process.run(words)
    end

    -- typed returns the output of a terminal at which these keys are typed: the echo at the prompt and after it, and
    -- all lines.
    local function typed(keys, cert, key, how)
        local result = command({ "/usr/bin/python3", "-I", process.root .. "/spec/support/terminal.py", PROMPT, peer.hex(keys) },
            cert, key, how)
        assert.are.same({ 0, "" }, { result.status, result.errors })
        local before, after, status, shown = result.output:match("^(.-)\n(.-)\n(.-)\n(.*)$")
        assert.are.equal("0", status, result.output)
        return { before, after }, shown
    end

    for _, case in ipairs(KEYS) do
        it("LCC-09 is read from the terminal without echo: a " .. case[1] .. " key", function()
            local echo, shown = typed(PASSWORD .. "\n", case[2] .. ".pem", case[3])
            assert.are.same({ "echo off", "echo on" }, echo)
            assert.are.equal(PROMPT .. "\nloaded\nthe end\n", shown)
        end)

        it("LCC-09 LCC-10 is read once, and a wrong one is an error: a " .. case[1] .. " key", function()
            local echo, shown = typed("wrong\n", case[2] .. ".pem", case[3])
            assert.are.same({ "echo off", "echo on" }, echo)
            assert.is_truthy(shown:find("^" .. PROMPT .. "\n%[CIPHER: BAD_DECRYPT%] .*\nssl.SSLError\tCIPHER\tBAD_DECRYPT\n"), shown)
        end)

        it("LCC-09 F14 without a terminal is an error with advice: a " .. case[1] .. " key", function()
            local start = process.clock()
            local result = command({ "setsid", "-w" }, case[2] .. ".pem", case[3])
            assert.is_true(process.clock() - start < limits.bound(10))
            assert.are.same({ 0, "" }, { result.status, result.errors })
            local message, class = result.output:match("^(.-)\n(.-)\n")
            assert.are.equal("[PEM: BAD_PASSWORD_READ] the private key is encrypted, no password was given, and there is no "
                .. "terminal to read it from: pass a string or a function as password", message)
            assert.are.equal("ssl.SSLError\tPEM\tBAD_PASSWORD_READ", class)
        end)
    end

    it("LCC-09 LCC-03 is read once if certificate and key are in one file", function()
        local _, shown = typed(PASSWORD .. "\n", "server-ec.encrypted.pem", "-")
        assert.are.equal(PROMPT .. "\nloaded\nthe end\n", shown)
    end)

    it("LCC-09 can be corrected while it is typed, and is at most 1024 bytes long", function()
        local _, shown = typed("sor\127mepass\n", "server-ec.pem", "ec.pkcs8-encrypted.key")
        assert.are.equal(PROMPT .. "\nloaded\nthe end\n", shown)
        _, shown = typed("wrong\21" .. PASSWORD .. "\n", "server-ec.pem", "ec.pkcs8-encrypted.key")
        assert.are.equal(PROMPT .. "\nloaded\nthe end\n", shown)
        _, shown = typed(("x"):rep(1024) .. "\n", "server-ec.pem", "ec.pkcs8-encrypted.key")
        assert.is_truthy(shown:find("BAD_DECRYPT", 1, true), shown)
        _, shown = typed(("x"):rep(1025) .. "\n", "server-ec.pem", "ec.pkcs8-encrypted.key")
        assert.are.equal(PROMPT .. "\npassword cannot be longer than 1024 bytes\nValueError\tnil\tnil\nthe end\n", shown)
    end)

    for name, key in pairs { ["the end of input"] = "\4", ["an interrupt"] = "\3", ["a quit"] = "\28",
        ["an interrupt in the middle"] = "some\3" } do
        it("LCC-09 is not typed: " .. name .. " is an error, and the terminal's echo is restored", function()
            local echo, shown = typed(key, "server-ec.pem", "ec.pkcs8-encrypted.key")
            assert.are.same({ "echo off", "echo on" }, echo)
            assert.are.equal(PROMPT .. "\n[PEM: BAD_PASSWORD_READ] the private key is encrypted, no password was given, and none "
                .. "was typed\nssl.SSLError\tPEM\tBAD_PASSWORD_READ\nthe end\n", shown)
        end)
    end

    it("LCC-04 LCC-08 is not read from the terminal if a function returns it, or the key is not encrypted", function()
        for _, case in ipairs { { "ec.pkcs8-encrypted.key", "function" }, { "ec.key" } } do
            local result = command({ "setsid", "-w" }, "server-ec.pem", case[1], case[2])
            assert.are.equal("loaded\nthe end\n", result.output)
        end
    end)
end)
