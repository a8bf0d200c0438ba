-- A renewed root: two certificates with the same name and key, one of which has expired, both trusted, loaded from any
-- place and in any order; and two roots of one name with different keys.
local certificate = require "support.badssl.certificate"
local handles = require "support.handles"
local paths = require "support.paths"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

describe("a renewed root:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local world, pem

    setup(function()
        world = paths.world(paths.KEYS)
        local made = world.sign_all(function()
            local function root(serial, fields)
                fields.subject, fields.serial, fields.ca, fields.usage = "renewed", serial, true, { 5, 6 }
                return certificate.make(world, fields)
            end
            local new = root("01", { key = "a1", key_id = "first key", from = -9, to = 9 })
            return {
                new = new, old = root("02", { key = "a1", key_id = "first key", from = -99, to = -1 }),
                -- a root with the same name and another key
                other = root("03", { key = "a2", from = -9, to = 9 }),
                leaf = certificate.make(world, { subject = "leaf", key = "leaf", serial = "04", from = -9, to = 9, ca = false,
                    usage = { 0 }, names = { certificate.dns "localhost" }, issuer = new, key_id = "leaf" }),
            }
        end)
        pem = {}
        for name, one in pairs(made) do
            pem[name] = paths.pem { one }
            process.write_file(("%s/%s.pem"):format(world.directory, name), pem[name])
        end
    end)

    local function file(name)
        return ("%s/%s.pem"):format(world.directory, name)
    end

    local count = 0

    -- directory returns a directory for OpenSSL's hashes with these certificates.
    local function directory(...)
        count = count + 1
        local name = ("%s/ca%d"):format(world.directory, count)
        local lines = { "mkdir " .. name, ("hash=$(openssl x509 -in %s -noout -subject_hash_old)"):format(file "new") }
        for i, one in ipairs { ... } do
            lines[#lines + 1] = ("cp %s %s/$hash.%d"):format(file(one), name, i - 1)
        end
        local result = process.run { "sh", "-ec", table.concat(lines, "\n") }
        assert.are.equal(0, result.status, result.errors)
        return name
    end

    -- connects returns whether a context accepts the leaf; otherwise the error.
    local function connects(client)
        local server = ssl.SSLContext(ssl.PROTOCOL_TLS)
        server:load_cert_chain(file "leaf", world.directory .. "/leaf.key")
        local there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        local ends = {
            client:wrap_bio(there, back, { server_hostname = "localhost" }), server:wrap_bio(back, there, { server_side = true }),
        }
        local failures = {}
        for _ = 1, 6 do
            for i, one in ipairs(ends) do
                local ok, err = pcall(one.do_handshake, one)
                if not ok and not ssl.SSLWantReadError:is(err) then
                    failures[i] = failures[i] or err
                end
            end
        end
        return failures[1] == nil, failures[1]
    end

    -- accepts returns the same for a new context with these certificates.
    local function accepts(...)
        local client = ssl.SSLContext(ssl.PROTOCOL_TLS)
        client.verify_mode, client.check_hostname = ssl.CERT_REQUIRED, true
        for _, arguments in ipairs { ... } do
            client:load_verify_locations(arguments)
        end
        return connects(client)
    end

    local function both(check)
        for _, order in ipairs { { "new", "old" }, { "old", "new" }, { "new", "other" }, { "other", "new" } } do
            check(order[1], order[2])
        end
    end

    it("the controls: the new root alone is accepted, the others alone are not", function()
        assert.is_true((accepts { cafile = file "new" }))
        assert.is_true((accepts { capath = directory "new" }))
        for name, code in pairs { old = 10, other = 7 } do
            local ok, failure = accepts { cafile = file(name) }
            assert.is_false(ok)
            raises.check(failure, "SSLCertVerificationError", { verify_code = code })
            ok, failure = accepts { capath = directory(name) }
            assert.is_false(ok)
            raises.check(failure, "SSLCertVerificationError", { verify_code = code })
        end
    end)

    it("in one file, in one text, in two calls", function()
        both(function(first, second)
            local whole = process.write_file(file "whole", pem[first] .. pem[second])
            assert.is_true((accepts { cafile = whole }), first)
            assert.is_true((accepts { cadata = pem[first] .. pem[second] }), first)
            assert.is_true((accepts({ cafile = file(first) }, { cafile = file(second) })), first)
            assert.is_true((accepts({ cadata = pem[first] }, { cafile = file(second) })), first)
        end)
    end)

    it("in one directory", function()
        both(function(first, second)
            assert.is_true((accepts { capath = directory(first, second) }), first)
        end)
    end)

    it("one in a file and one in a directory, or in two directories", function()
        both(function(first, second)
            assert.is_true((accepts({ cafile = file(first) }, { capath = directory(second) })), first)
            assert.is_true((accepts({ capath = directory(first) }, { cafile = file(second) })), first)
            assert.is_true((accepts({ capath = directory(first) }, { capath = directory(second) })), first)
        end)
    end)

    it("a certificate in a directory is trusted as long as its file exists", function()
        local name = directory "new"
        local client = ssl.SSLContext(ssl.PROTOCOL_TLS)
        client.verify_mode, client.check_hostname = ssl.CERT_REQUIRED, true
        client:load_verify_locations { capath = name }
        local function shell(command)
            assert.are.equal(0, process.run({ "sh", "-ec", "cd " .. name .. "\n" .. command }).status)
        end
        assert.is_true((connects(client)))
        shell "mkdir away\nmv *.0 away"
        local ok, failure = connects(client)
        assert.is_false(ok)
        raises.check(failure, "SSLCertVerificationError", { verify_code = 20 })
        shell "mv away/* ."
        assert.is_true((connects(client)))
        shell("cat " .. file "old" .. " >$(echo *.0)")
        ok, failure = connects(client)
        assert.is_false(ok)
        raises.check(failure, "SSLCertVerificationError", { verify_code = 10 })
        shell("cat " .. file "new" .. " >$(echo *.0 | sed 's/0$/1/')")
        assert.is_true((connects(client)))
    end)

    it("the error is that of the first path that was tried", function()
        local ok, failure = accepts({ cafile = file "old" }, { cafile = file "other" })
        assert.is_false(ok)
        assert.is_true(failure.verify_code == 10 or failure.verify_code == 7)
    end)
end)
