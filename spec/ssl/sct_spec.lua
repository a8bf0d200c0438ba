-- Signed certificate timestamps, parsed: of a certificate, compared with openssl's output, and of a connection.
local backend = require "cleat.backend"
local der = require "support.der"
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local OID = "1.3.6.1.4.1.11129.2.4.2"
local LOG = ("\1\171"):rep(16)

local function be(number, count)
    local bytes = ""
    for _ = 1, count do
        bytes = string.char(number % 256) .. bytes
        number = math.floor(number / 256)
    end
    return bytes
end

local function with_length(bytes)
    return be(#bytes, 2) .. bytes
end

-- sct encodes a timestamp. fields: version, milliseconds, extensions, algorithms, signature.
local function sct(fields)
    return string.char(fields.version or 0) .. LOG .. be(fields.milliseconds or 1500000000123, 8)
        .. with_length(fields.extensions or "") .. (fields.algorithms or "\4\3") .. with_length(fields.signature or "sig")
end

local function list(...)
    local parts = { ... }
    for index, each in ipairs(parts) do
        parts[index] = with_length(each)
    end
    return with_length(table.concat(parts))
end

local function hex(bytes)
    return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

-- made returns a certificate whose extension has these bytes as its value, and its file. other: the extension with
-- another identifier and the same value.
local function made(value, other)
    local path = process.directory() .. "/scts.pem"
    local words = { "openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj",
        "/CN=made", "-keyout", path .. ".key", "-out", path }
    for _, oid in ipairs { value and OID, other } do
        words[#words + 1] = "-addext"
        words[#words + 1] = oid .. "=DER:" .. hex(value)
    end
    local result = process.run(words)
    assert(result.status == 0, result.errors)
    return ssl.Certificate { file = path }, path
end

describe("signed certificate timestamps:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("of a certificate equal openssl's output", function()
        local first, second = sct { extensions = "ext" }, sct { milliseconds = 4102444800000, algorithms = "\4\1", signature = "x" }
        local cert, path = made(der.octets(list(first, second)))
        local scts = cert.scts
        assert.are.same({
            version = 1, log_id = LOG, timestamp = 1500000000.123, extensions = "ext", hash_algorithm = "sha256",
            signature_algorithm = "ecdsa", signature = "sig",
        }, scts[1])
        assert.are.same({
            version = 1, log_id = LOG, timestamp = 4102444800, extensions = "", hash_algorithm = "sha256",
            signature_algorithm = "rsa", signature = "x",
        }, scts[2])
        assert.is_nil(scts[3])
        local text = process.run { "openssl", "x509", "-in", path, "-noout", "-text" }.output
        assert.is_truthy(text:find("Version   : v1 (0x0)", 1, true))
        assert.is_truthy(text:find("Jul 14 02:40:00.123 2017 GMT", 1, true))
        assert.are.equal("2017-07-14 02:40:00", os.date("!%Y-%m-%d %H:%M:%S", math.floor(scts[1].timestamp)))
        assert.is_truthy(text:find("ecdsa-with-SHA256", 1, true))
        local digits = text:match "Log ID    : ([%x:%s]+)Timestamp"
        assert.are.equal(hex(scts[1].log_id), (digits:gsub("[:%s]", ""):lower()))
    end)

    it("are nil if there are none", function()
        assert.is_nil(made().scts)
    end)

    it("of another version have no other field", function()
        local cert = made(der.octets(list("\1rest", sct {})))
        assert.are.same({ version = 2 }, cert.scts[1])
        assert.are.equal(1, cert.scts[2].version)
        assert.are.same({ version = 256 }, ssl.parse_sct "\255")
    end)

    it("have numbers for algorithms without a name", function()
        local parsed = ssl.parse_sct(sct { algorithms = "\9\200" })
        assert.are.equal("9", parsed.hash_algorithm)
        assert.are.equal("200", parsed.signature_algorithm)
        parsed = ssl.parse_sct(sct { algorithms = "\8\7" })
        assert.are.equal("intrinsic", parsed.hash_algorithm)
        assert.are.equal("ed25519", parsed.signature_algorithm)
    end)

    it("that are malformed raise an error when they are read, and other fields are not affected", function()
        local good = sct {}
        for _, value in ipairs {
            list(good), -- not an OCTET STRING
            der.octets(list(good)) .. "x", der.octets(list(good) .. "x"), der.octets(list()), der.octets "",
            der.octets(list(good, "")), der.octets(list(good):sub(1, -2)), der.octets "\0\1\0", der.octets "\255\255",
        } do
            local cert = made(value)
            raises("SSLError", { library = "CT", reason = "SCT_LIST_INVALID" }, function() return cert.scts end)
            assert.are.equal("prime256v1", cert.curve)
        end
        local cert = made(der.octets(list(good, good .. "x")))
        raises("SSLError", { library = "CT", reason = "SCT_INVALID" }, function() return cert.scts end)
        -- Twice: openssl cannot make such a certificate, so an extension with another identifier gets this one's.
        local other = made(der.octets(list(good)), (OID:gsub("2$", "9")))
        local bytes = other:public_bytes(ssl.ENCODING_DER)
        cert = ssl.Certificate((bytes:gsub("\2\4\9", "\2\4\2")))
        raises("SSLError", { library = "X509V3", reason = "DUPLICATE_EXTENSION" }, function() return cert.scts end)
    end)

    it("are refused if they are truncated at any byte", function()
        local whole = sct { extensions = "e" }
        for length = 0, #whole - 1 do
            raises("SSLError", { library = "CT", reason = "SCT_INVALID" }, ssl.parse_sct, whole:sub(1, length))
        end
        raises("SSLError", { reason = "SCT_INVALID" }, ssl.parse_sct, whole .. "\0")
        assert.are.equal("e", ssl.parse_sct { sct = whole }.extensions)
        raises("TypeError", {}, ssl.parse_sct)
        raises("TypeError", {}, ssl.parse_sct, 1)
        raises("TypeError", {}, ssl.parse_sct, { sst = whole })
    end)

    it("of the largest size need memory in proportion to their bytes", function()
        local many = {}
        for index = 1, 21845 do
            many[index] = "\2"
        end
        local parsed = made(der.octets(list((table.unpack or unpack)(many, 1, 5000)))).scts
        assert.are.equal(5000, #parsed)
        assert.are.equal(3, parsed[5000].version)
        local longest = with_length(("\0\1\2"):rep(21845))
        assert.are.equal(21845, backend.scts_count(longest))
    end)

    it("of a connection are parsed one by one, and the ABI splits them too", function()
        local server = link.context { cert = "server-ec" }
        local first, second = sct {}, sct { milliseconds = 0 }
        server.scts = { first, second }
        local client = link.context(link.client_options())
        client.ask_scts = true
        local failures, got = link.attempt({ context = client }, { context = server }, function(conn)
            return conn:scts()
        end)
        assert.are.same({}, failures)
        assert.are.same({ first, second }, got)
        assert.are.equal(1500000000.123, ssl.parse_sct(got[1]).timestamp)
        assert.are.equal(0, ssl.parse_sct(got[2]).timestamp)
        local whole = list(first, second)
        assert.are.equal(2, backend.scts_count(whole))
        for index, each in ipairs(got) do
            assert.are.same({ #each, each }, { backend.scts_get(whole, index - 1) })
        end
        for _, index in ipairs { -1, 2 } do
            assert.is_true(backend.scts_get(whole, index) < 0)
        end
    end)
end)
