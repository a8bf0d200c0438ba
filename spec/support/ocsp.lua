-- OCSP responses made by `openssl ocsp`, and responses that are changed by hand and signed again.
local der = require "support.der"
local pki = require "support.pki"
local process = require "support.process"

local ocsp = {}

local function run(words)
    words.timeout = 30
    local result = process.run(words)
    if result.status ~= 0 then
        error(table.concat(words, " ") .. " failed:\n" .. result.output .. result.errors, 2)
    end
    return result.output
end

-- serial returns the serial number of a certificate of pki, or of a file.
local function path(name)
    return name:find("/", 1, true) and name or pki.path(name)
end

local function serial(certificate)
    return run({ "openssl", "x509", "-in", path(certificate), "-noout", "-serial" }):match("serial=(%x+)")
end

-- issue makes a certificate and its key for one spec: issued by a CA of pki, or for an existing key of pki. extensions:
-- lines of OpenSSL's configuration; serial_number: nil for a random one. Returns the names of the files.
function ocsp.issue(name, extensions, ca, key, serial_number)
    local directory = process.directory()
    local base = directory .. "/" .. name
    local lines = { "[req]", "prompt = no", "distinguished_name = name", "[name]", "CN = " .. name, "[ext]", extensions }
    process.write_file(base .. ".cnf", table.concat(lines, "\n") .. "\n")
    local issuer = path(ca or "intermediate")
    local words = { "openssl", "req", "-new", "-x509", "-config", base .. ".cnf", "-extensions", "ext", "-key",
        path(key or "ec.key"), "-days", "30", "-CA", issuer .. ".crt", "-CAkey", issuer .. ".key", "-out", base .. ".crt" }
    if serial_number then
        words[#words + 1] = "-set_serial"
        words[#words + 1] = serial_number
    end
    run(words)
    process.write_file(base .. ".pem", process.read_file(base .. ".crt") .. process.read_file(issuer .. ".crt"))
    return base .. ".crt", path(key or "ec.key"), base .. ".pem"
end

-- respond returns a response in DER. options: cert, issuer (names of files of pki, or paths), status ("good",
-- "revoked", "unknown"), signer (the name of a certificate without its ending) or signer_cert and signer_key, and
-- arguments of the command: before (of the request) and words.
function ocsp.respond(options)
    local directory = process.directory()
    local cert, issuer = options.cert or "server-ec.crt", options.issuer or "intermediate.crt"
    local lines = {
        good = "V\t400101000000Z\t\t%s\tunknown\t/CN=x\n",
        revoked = "R\t400101000000Z\t260101120000Z,keyCompromise\t%s\tunknown\t/CN=x\n",
        unknown = "V\t400101000000Z\t\t0101%s\tunknown\t/CN=x\n",
    }
    local index = process.write_file(directory .. "/index.txt", lines[options.status or "good"]:format(serial(cert)))
    local output = directory .. "/response.der"
    local signer = options.signer or "intermediate"
    local words = { "openssl", "ocsp", "-index", index, "-CA", path(issuer), "-rsigner",
        options.signer_cert or path(signer .. ".crt"), "-rkey", options.signer_key or path(signer .. ".key") }
    for _, word in ipairs(options.before or {}) do
        words[#words + 1] = word
    end
    for _, word in ipairs { "-issuer", path(issuer), "-cert", path(cert), "-no_nonce", "-respout", output } do
        words[#words + 1] = word
    end
    for _, word in ipairs(options.words or { "-ndays", "2" }) do
        words[#words + 1] = word
    end
    run(words)
    return process.read_file(output)
end

-- children returns the elements of a constructed DER value, each with its tag and length.
local function contents(element)
    local first = element:byte(2)
    return element:sub(first < 128 and 3 or first - 128 + 3)
end

local function length(bytes, at)
    local first = bytes:byte(at + 1)
    if first < 128 then
        return 2 + first
    end
    local total = 0
    for index = 1, first - 128 do
        total = total * 256 + bytes:byte(at + 1 + index)
    end
    return 2 + first - 128 + total
end

local function children(element)
    local inside, list, at = contents(element), {}, 1
    while at <= #inside do
        local count = length(inside, at)
        list[#list + 1] = inside:sub(at, at + count - 1)
        at = at + count
    end
    return list
end
ocsp.children = children

-- parse returns the parts of a response with one status, which build encodes again after a change: responder, produced,
-- id, status, this, next, algorithm, certificates.
function ocsp.parse(response)
    local typed = children(children(children(response)[2])[1])
    local basic = children(contents(typed[2]))
    local data = children(basic[1])
    local single = children(children(data[3])[1])
    return {
        responder = data[1], produced = data[2], id = single[1], status = single[2], this = single[3], next = single[4],
        algorithm = basic[2], certificates = basic[4],
    }
end

-- build encodes a response of these parts, and signs it. Further parts: singles (instead of one id, status, this,
-- next), single_extensions and extensions (with their tags). key: a file's name.
function ocsp.build(parts, key, digest)
    local directory = process.directory()
    local single = der.sequence(parts.id, parts.status, parts.this, parts.next or "", parts.single_extensions or "")
    local data = der.sequence(parts.version or "", parts.responder, parts.produced,
        der.sequence(parts.singles or single), parts.extensions or "")
    local input = process.write_file(directory .. "/tbs", data)
    run { "openssl", "dgst", "-" .. (digest or "sha256"), "-sign", path(key or "intermediate.key"), "-out",
        directory .. "/signature", input }
    local basic = der.sequence(data, parts.algorithm, der.bits(process.read_file(directory .. "/signature")),
        parts.certificates or "")
    return der.sequence(der.tlv(0x0a, parts.response_status or "\0"), der.tlv(0xa0, der.sequence(
        der.tlv(0x06, der.hex("2b 06 01 05 05 07 30 01 01")), der.octets(basic))))
end

-- time: a GeneralizedTime, so many seconds from now.
function ocsp.time(seconds)
    return der.tlv(0x18, os.date("!%Y%m%d%H%M%SZ", os.time() + seconds))
end

return ocsp
