-- A CA certificate that was removed is not trusted any more: in new contexts if it was in a file, in new connections if
-- it was in a directory; however small the change of the file is.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local NO_ISSUER = 20

local serial = 0

-- fresh returns an unused name in this run's directory.
local function fresh(name)
    serial = serial + 1
    return ("%s/%d-%s"):format(process.directory(), serial, name)
end

local function run(...)
    local result = process.run { ... }
    assert(result.status == 0, result.errors)
    return result.output
end

local function rehash(path)
    run("openssl", "rehash", path)
end

-- directory returns one with these files of pki, under the names of their hashes.
local function directory(...)
    local path = fresh "cas"
    run("mkdir", path)
    for _, name in ipairs { ... } do
        process.write_file(path .. "/" .. name, pki.read(name))
    end
    rehash(path)
    return path
end

-- verdict returns a client's error for a server's certificate, nil if it accepts it.
local function verdict(context, cert)
    return link.attempt({ context = context, server_hostname = "localhost" }, { cert = cert or "server-ec" }).client
end

local function trusts(context, cert)
    assert.is_nil(verdict(context, cert))
end

local function distrusts(context, cert)
    raises.check(verdict(context, cert), "CertificateError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = NO_ISSUER })
end

-- The system's CA certificates are those of the process's environment: each test has its own. trusted(context) returns
-- which of both roots a context trusts.
local PRELUDE = [[
    package.path = os.getenv("SPECS") .. "/?.lua;" .. package.path
    local link = require "support.link"
    local pki = require "support.pki"
    local process = require "support.process"
    local ssl = require "cleat.ssl"
    local bundle, directory = os.getenv("SSL_CERT_FILE"), os.getenv("SSL_CERT_DIR")
    local function shell(command, ...)
        local words = {}
        for i, word in ipairs { ... } do
            words[i] = process.quote(word)
        end
        assert(os.execute("set -e; set -- " .. table.concat(words, " ") .. "; " .. command))
    end
    local function trusted(context)
        local list = {}
        for _, cert in ipairs { "server-ec", "unknown" } do
            local failure = link.attempt({ context = context, server_hostname = "localhost" }, { cert = cert }).client
            if not failure then
                list[#list + 1] = cert
            elseif failure.verify_code ~= 20 then
                list[#list + 1] = tostring(failure)
            end
        end
        return #list == 0 and "none" or table.concat(list, "+")
    end
    local function say(context)
        print(trusted(context or ssl.create_default_context()))
    end
    local one, other = pki.read("root.pem"), pki.read("unknown-root.pem")
    local size = math.max(#one, #other)
    one, other = one .. ("\n"):rep(size - #one), other .. ("\n"):rep(size - #other)
]]

local function in_process(code, environment)
    local words = {
        "SSL_CERT_FILE=" .. (environment.file or "/no/such/file"), "SSL_CERT_DIR=" .. (environment.directory or "/no/such/directory"),
        "SPECS=" .. process.root .. "/spec", "CLEAT_SOURCE_DIR=" .. process.root,
    }
    local lines = {}
    for line in process.run_code(PRELUDE .. code, words):gmatch "[^\n]+" do
        lines[#lines + 1] = line
    end
    return lines
end

describe("a CA certificate that is removed", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    describe("from the system's bundle:", function()
        it("which is rewritten in place, with the same size and time", function()
            assert.are.same({ "server-ec", "server-ec", "unknown", "server-ec", "server-ec" }, in_process([[
                process.write_file(bundle, one)
                shell('touch -d "2020-01-01" "$1"; touch -r "$1" "$1.time"', bundle)
                local first = ssl.create_default_context()
                say(first)
                say()
                process.write_file(bundle, other)
                shell('touch -r "$1.time" "$1"', bundle)
                say()
                say(first) -- this context has loaded the old bundle
                process.write_file(bundle, one)
                shell('touch -r "$1.time" "$1"', bundle)
                say()
                process.cleanup()
            ]], { file = fresh "bundle.pem" }))
        end)

        it("which has not changed for a while before", function()
            assert.are.same({ "server-ec", "unknown", "unknown" }, in_process([[
                local function age()
                    local pipe = io.popen("echo $(( $(date +%s) - $(stat -c %Z '" .. bundle .. "') ))")
                    local seconds = pipe:read "*n"
                    pipe:close()
                    return seconds
                end
                process.write_file(bundle, one)
                shell('touch -r "$1" "$1.time"', bundle)
                while age() < 4 do -- until cleat does not compare its content any more
                    process.sleep(0.2)
                end
                ssl.create_default_context()
                say()
                process.write_file(bundle, other)
                shell('touch -r "$1.time" "$1"', bundle)
                say()
                say()
                process.cleanup()
            ]], { file = fresh "bundle.pem" }))
        end)

        it("which is replaced by another file", function()
            assert.are.same({ "server-ec", "unknown", "server-ec" }, in_process([[
                process.write_file(bundle, one)
                process.write_file(bundle .. ".new", other)
                shell('touch -r "$1" "$1.new"', bundle)
                say()
                shell('mv "$1" "$1.old"; mv "$1.new" "$1"', bundle)
                say()
                shell('ln -sf "$1.old" "$1"', bundle)
                say()
                process.cleanup()
            ]], { file = fresh "bundle.pem" }))
        end)

        it("which is removed as a whole, and restored later", function()
            assert.are.same({ "server-ec", "none", "server-ec", "none" }, in_process([[
                process.write_file(bundle, one)
                say()
                os.remove(bundle)
                say()
                process.write_file(bundle, one)
                say()
                process.write_file(bundle, "")
                say()
                process.cleanup()
            ]], { file = fresh "bundle.pem" }))
        end)

        it("while the context has another file besides", function()
            assert.are.same({ "server-ec+unknown", "unknown" }, in_process([[
                local function both()
                    local context = ssl.create_default_context()
                    context:load_verify_locations { cadata = pki.read("unknown-root.pem") }
                    return context
                end
                process.write_file(bundle, one)
                say(both())
                process.write_file(bundle, other)
                say(both())
                process.cleanup()
            ]], { file = fresh "bundle.pem" }))
        end)
    end)

    describe("from the system's directory:", function()
        it("by its file, which is removed, changed or restored, for new connections of one context and for new contexts", function()
            assert.are.same({ "server-ec", "none", "none", "server-ec", "server-ec", "none", "none", "unknown", "unknown" }, in_process([[
                local function both()
                    say(context)
                    say()
                end
                local name = directory .. "/root.pem"
                context = ssl.create_default_context()
                say(context)
                os.remove(name)
                both()
                process.write_file(name, one)
                both()
                process.write_file(name, "") -- the file with the hash's name remains
                both()
                process.write_file(name, other)
                shell('openssl rehash "$1"', directory)
                both()
                process.cleanup()
            ]], { directory = directory "root.pem" }))
        end)

        it("from one of several directories, separated by colons", function()
            assert.are.same({ "server-ec+unknown", "unknown", "unknown", "none" }, in_process([[
                local first, second = directory:match("(.*):(.*)")
                local context = ssl.create_default_context()
                say(context)
                os.remove(first .. "/root.pem")
                say(context)
                say()
                shell('rm -r "$1"', second)
                say(context)
                process.cleanup()
            ]], { directory = directory "root.pem" .. ":" .. directory "unknown-root.pem" }))
        end)

        it("while the bundle stays", function()
            assert.are.same({ "server-ec+unknown", "unknown", "unknown", "none" }, in_process([[
                local context = ssl.create_default_context()
                say(context)
                os.remove(directory .. "/root.pem")
                say(context)
                say()
                os.remove(bundle)
                say()
                process.cleanup()
            ]], { file = process.write_file(fresh "bundle.pem", pki.read("unknown-root.pem")), directory = directory "root.pem" }))
        end)
    end)

    describe("from a directory that a context was given:", function()
        it("is not trusted in new connections", function()
            local path = directory("root.pem", "unknown-root.pem")
            local context = ssl.create_default_context { capath = path }
            trusts(context)
            trusts(context, "unknown")
            os.remove(path .. "/root.pem")
            distrusts(context)
            distrusts(ssl.create_default_context { capath = path })
            trusts(context, "unknown")
            process.write_file(path .. "/root.pem", pki.read("root.pem"))
            trusts(context)
            run("rm", "-r", path)
            distrusts(context)
            distrusts(context, "unknown")
        end)

        it("is not trusted in a connection that was made before and does its handshake later", function()
            local path = directory "root.pem"
            local context = ssl.create_default_context { capath = path }
            local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            local client = context:wrap_bio(incoming, outgoing, { server_hostname = "localhost" })
            local server = link.context { cert = "server-ec" }:wrap_bio(outgoing, incoming, { server_side = true })
            raises("SSLWantReadError", {}, client.do_handshake, client)
            raises("SSLWantReadError", {}, server.do_handshake, server)
            os.remove(path .. "/root.pem")
            raises("CertificateError", { verify_code = NO_ISSUER }, client.do_handshake, client)
        end)

        it("and a revocation list there is checked once it is added, and not after it is removed", function()
            local path = directory("root.pem", "intermediate.crl")
            local context = ssl.create_default_context { capath = path }
            context.verify_flags = context.verify_flags + ssl.VERIFY_CRL_CHECK_LEAF
            trusts(context)
            raises.check(verdict(context, "revoked"), "CertificateError", { verify_code = 23 })
            os.remove(path .. "/intermediate.crl")
            raises.check(verdict(context), "CertificateError", { verify_code = 3, verify_message = "unable to get certificate CRL" })
        end)
    end)

    it("the second default context costs less than a tenth of the first", function()
        local file = "/etc/ssl/certs/ca-certificates.crt"
        local handle = io.open(file)
        if not handle then
            pending("this system has no bundle at " .. file)
            return
        end
        handle:close()
        local first, second = (table.unpack or unpack)(in_process([[
            local backend = require "cleat.backend"
            local function clock()
                local _, seconds = backend.monotonic()
                return seconds
            end
            local function cost()
                local start = clock()
                local context = ssl.create_default_context()
                context:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), { server_hostname = "localhost" })
                return clock() - start, context
            end
            local first, context = cost()
            local second = math.huge
            for _ = 1, 200 do
                second = math.min(second, (cost()))
            end
            print(first)
            print(second)
            assert(context:cert_store_stats().x509 > 50)
        ]], { file = file }))
        assert.is_true(tonumber(second) < tonumber(first) / 10, ("%s, then %s"):format(first, second))
    end)

    it("a privileged program whose caller lacks the privileges ignores the environment", function()
        if run("id", "-u") ~= "0\n" then
            pending("only root can make such a program")
            return
        end
        local program = fresh "interpreter"
        run("sh", "-c", 'cp "$(command -v "$1")" "$2"', "sh", process.interpreter(), program)
        local code = process.write_file(fresh "ask.lua", [[
            local ssl = require "cleat.ssl"
            local paths = ssl.get_default_verify_paths()
            print(paths.cafile, paths.capath)
        ]])
        local file, path = process.write_file(fresh "bundle.pem", pki.read("root.pem")), directory "root.pem"
        local function ask()
            local words = process.lua { "SSL_CERT_FILE=" .. file, "SSL_CERT_DIR=" .. path, code }
            for i, word in ipairs(words) do
                if word == process.interpreter() then
                    words[i] = program
                end
            end
            return run((table.unpack or unpack)(words))
        end
        assert.are.equal(("%s\t%s\n"):format(file, path), ask())
        run("chgrp", "65534", program)
        run("chmod", "2755", program)
        local said = ask()
        assert.is_nil(said:find(file, 1, true))
        assert.is_nil(said:find(path, 1, true))
    end)
end)
