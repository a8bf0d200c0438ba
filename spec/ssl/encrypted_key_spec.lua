-- Keys that openssl encrypts: with PBES2 and each digest, and with scrypt. A key derivation that is too expensive is
-- refused before it is computed.
local der = require "support.der"
local handles = require "support.handles"
local pem_text = require "support.pem_text"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local PRFS = { "hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512", "hmacWithSHA512-256" }
local CIPHERS = { "aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3" }

describe("encrypted keys:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local base
    setup(function()
        base = process.directory() .. "/"
        local result = process.run { "sh", "-ec", "cd " .. base .. "\nopenssl req -x509 -newkey ec "
            .. "-pkeyopt ec_paramgen_curve:P-256 -nodes -keyout plain.key -out cert.pem -subj /CN=localhost -days 9" }
        assert.are.equal(0, result.status, result.errors)
    end)

    -- encrypted returns the file of the key, as openssl pkcs8 writes it with these arguments.
    local function encrypted(words)
        local name = base .. words:gsub("%W", "_") .. ".key"
        local command = ("openssl pkcs8 -topk8 -in %splain.key -out %s -passout pass:secret %s"):format(base, name, words)
        local result = process.run { "sh", "-ec", command }
        assert.are.equal(0, result.status, result.errors)
        return name
    end

    local function load(file, password)
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        context:load_cert_chain(base .. "cert.pem", file, password)
    end

    local function check(words)
        local file = encrypted(words)
        load(file, "secret")
        load(file, function()
            return "secret"
        end)
        -- for one wrong password in 256, BoringSSL parses the decrypted bytes as a key
        local reasons = {}
        for _, wrong in ipairs { "wrong", "secre", "Secret", ("x"):rep(1000) } do
            reasons[raises("SSLError", {}, load, file, wrong).reason] = true
        end
        assert.is_true(reasons.BAD_DECRYPT)
        local whole = process.write_file(base .. "whole.pem", process.read_file(base .. "cert.pem") .. process.read_file(file))
        ssl.SSLContext(ssl.PROTOCOL_TLS):load_cert_chain(whole, nil, "secret")
    end

    for _, prf in ipairs(PRFS) do
        it("PBES2 with " .. prf, function()
            for _, cipher in ipairs(CIPHERS) do
                check(("-v2 %s -v2prf %s -iter 3000"):format(cipher, prf))
            end
        end)
    end

    it("scrypt", function()
        check "-scrypt"
        check "-scrypt -scrypt_N 4096 -scrypt_r 4 -scrypt_p 3"
    end)

    it("an algorithm that BoringSSL does not support is named in the error", function()
        raises("SSLError", { library = "PKCS8", reason = "UNSUPPORTED_PRF" }, load, encrypted "-v2 aes-256-cbc -v2prf hmacWithSHA512-224",
            "secret")
        raises("SSLError", { library = "PKCS8", reason = "UNSUPPORTED_CIPHER" }, load,
            encrypted "-v2 camellia-256-cbc -v2prf hmacWithSHA512", "secret")
    end)

    -- der_of returns the bytes of a key that openssl wrote; with_der loads a key of bytes.
    local function der_of(file)
        local result = process.run { "sh", "-ec", ("openssl asn1parse -in %s -noout -out %sder"):format(file, base) }
        assert.are.equal(0, result.status, result.errors)
        return process.read_file(base .. "der")
    end

    local function with_der(bytes)
        return process.write_file(base .. "changed.key", pem_text("ENCRYPTED PRIVATE KEY", bytes))
    end

    -- written loads an encrypted key with this key derivation; its content is empty.
    local function written(kdf, ...)
        local cipher = der.sequence(der.oid "2.16.840.1.101.3.4.1.42", der.octets(("i"):rep(16)))
        return with_der(der.sequence(der.sequence(der.oid "1.2.840.113549.1.5.13",
            der.sequence(der.sequence(der.oid(kdf), der.sequence(der.octets "saltsalt", ...)), cipher)), der.octets(("x"):rep(32))))
    end

    local function pbkdf2(iterations)
        return written("1.2.840.113549.1.5.12", der.integer(iterations),
            der.sequence(der.oid "1.2.840.113549.2.11", der.hex "05 00"))
    end

    local function scrypt(n, r, p)
        return written("1.3.6.1.4.1.11591.4.11", der.integer(n), der.integer(r), der.integer(p))
    end

    it("an extreme cost is refused before anything is computed", function() -- computing them would take hours
        for _, iterations in ipairs { "00989681", "7fffffff", "0100000000", "00ffffffffffffffff", "00" } do
            raises("SSLError", { library = "PKCS8", reason = "BAD_ITERATION_COUNT" }, load, pbkdf2(iterations), "secret")
        end
        for _, iterations in ipairs { "ff", "0100000000000000ff01", "" } do
            raises("SSLError", { library = "PKCS8", reason = "DECODE_ERROR" }, load, pbkdf2(iterations), "secret")
        end
        for _, numbers in ipairs {
            { "4000", "7f", "01" }, { "02", "00ffffffff", "01" }, { "02", "01", "00ffffffffffffffff" }, { "4000000000000000", "08", "01" },
            { "4000000000000000", "4000000000000000", "4000000000000000" }, { "100000", "08", "01" }, { "4000", "08", "21" },
        } do
            raises("SSLError", { library = "EVP", reason = "MEMORY_LIMIT_EXCEEDED" }, load, scrypt(numbers[1], numbers[2], numbers[3]),
                "secret")
        end
        for _, numbers in ipairs { { "01", "08", "01" }, { "00", "08", "01" }, { "4001", "08", "01" }, { "4000", "00", "01" },
            { "4000", "08", "00" } } do
            raises("SSLError", { library = "EVP", reason = "INVALID_PARAMETERS" }, load, scrypt(numbers[1], numbers[2], numbers[3]),
                "secret")
        end
        -- the controls: these are computed, and fail because the decrypted bytes are wrong
        raises("SSLError", { reason = "BAD_DECRYPT" }, load, pbkdf2 "02", "secret")
        raises("SSLError", { reason = "BAD_DECRYPT" }, load, scrypt("4000", "08", "01"), "secret")
    end)

    it("a key with any byte changed is refused", function()
        for _, words in ipairs { "-v2 aes-256-cbc -v2prf hmacWithSHA384 -iter 3", "-scrypt -scrypt_N 2 -scrypt_r 1 -scrypt_p 1" } do
            local bytes = der_of(encrypted(words))
            local head = #bytes - 160 -- the length of the part before the ciphertext
            for at = 1, head do
                local changed = bytes:sub(1, at - 1) .. string.char((bytes:byte(at) + 1) % 256) .. bytes:sub(at + 1)
                local ok, failure = pcall(load, with_der(changed), "secret")
                assert.is_true(not ok and (ssl.SSLError:is(failure)), ("byte %d of %s"):format(at, words))
            end
        end
    end)
end)
