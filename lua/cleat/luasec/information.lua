--- The methods of LuaSec's connections that return information.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local connection = require "cleat.luasec.connection"
local contexts = require "cleat.luasec.context"
local message = require "cleat.luasec.message"
local refusal = require "cleat.ssl.refusal"
local ssl = require "cleat.ssl"
local trust = require "cleat.luasec.trust"
local verify_text = require "cleat.luasec.verify_text"

local const = C.const
local check, methods = connection.check, connection.methods
local pcall = compat.pcall

local information = {}

local suites -- by name

local function suite(name)
    if not suites then
        suites = {}
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        context:set_ciphers "ALL:PSK"
        for _, found in ipairs(context:get_ciphers()) do
            suites[found.name] = found
        end
    end
    return suites[name]
end

--- core.info: OpenSSL's description of the cipher suite, its bits twice, and the version.
function information.description(object)
    local self = check(object, "info")
    local cipher = self.id and self.sock:cipher()
    local found = cipher and suite(cipher[1])
    if not found then
        return
    end
    return found.description, found.strength_bits, found.alg_bits, self.sock:version()
end

--- core.compression: nil, because BoringSSL has no compression.
function information.compression(object)
    if not check(object, "compression").id then
        return nil, "closed"
    end
    return nil
end

--- info(field): the results of the handshake as a table, or one field of it.
function methods.info(object, field)
    local self = check(object, "info")
    if not self.id then
        return nil, "closed"
    elseif field == "compression" then
        return nil
    end
    local info = {}
    local text, bits, algbits, version = information.description(object)
    if text then
        info.cipher, info.protocol, info.key, info.authentication, info.encryption, info.mac =
            text:match "^(%S+)%s+(%S+)%s+Kx=(%S+)%s+Au=(%S+)%s+Enc=(%S+)%s+Mac=(%S+)"
        info.export = false
        info.bits, info.algbits, info.protocol = bits, algbits, version
    end
    if field then
        return info[field]
    end
    return next(info) and info
end

-- certificates returns a chain as cleat's objects, by default the certificates that the peer has sent.
local function certificates(self, which)
    return refusal.certificates(self.id, which or const.CHAIN_SENT, C.connection_chain_count,
        C.connection_chain_certificate_guarded)
end

local function wrapped(certificate)
    return certificate and require("cleat.luasec.x509").wrap(certificate) or nil
end

local function wrapped_all(list)
    for index, certificate in ipairs(list) do
        list[index] = wrapped(certificate)
    end
    return list
end

--- getpeercertificate(index): a certificate that the peer has sent; 1, the default, is its own.
function methods.getpeercertificate(object, index)
    local self = check(object, "getpeercertificate")
    if not self.id then
        return nil, "closed"
    end
    index = index and tonumber(index) or 1
    if index < 1 then
        return nil, "invalid certificate index"
    end
    return wrapped(certificates(self)[index])
end

--- getpeerchain(): all certificates that the peer has sent, its own first.
function methods.getpeerchain(object)
    local self = check(object, "getpeerchain")
    if not self.id then
        return nil, "closed"
    end
    return wrapped_all(certificates(self))
end

--- getlocalcertificate(): the certificate of this side; nil on a client whose context has several.
function methods.getlocalcertificate(object)
    local self = check(object, "getlocalcertificate")
    if not self.id then
        return nil, "closed"
    end
    return wrapped(certificates(self, const.CHAIN_OWN)[1])
end

--- getlocalchain(): the chain of this side, its own certificate first.
function methods.getlocalchain(object)
    local self = check(object, "getlocalchain")
    if not self.id then
        return nil, "closed"
    end
    return wrapped_all(certificates(self, const.CHAIN_OWN))
end

--- getpeerverification(): whether the verification has succeeded; if not, also the errors: with lsec_continue or
--- lsec_ignore_purpose an array of messages for each depth, where the peer's certificate has the index 1; otherwise a
--- message.
function methods.getpeerverification(object)
    local self = check(object, "getpeerverification")
    if not self.id then
        return false, "closed"
    end
    local context = self.chosen or self.context -- see server_names
    local faults = trust.faults(context, self.sock:get_verify_result())
    if not faults[1] then
        return true
    elseif not context.flags.lsec_continue and not context.flags.lsec_ignore_purpose then
        return false, verify_text(faults[1].code, faults[1].message)
    end
    local list = {}
    for _, fault in ipairs(faults) do
        local at = fault.depth + 1
        list[at] = list[at] or {}
        table.insert(list[at], verify_text(fault.code, fault.message))
    end
    return false, list
end

--- getalpn(): the protocol that ALPN has selected.
function methods.getalpn(object)
    local self = check(object, "getalpn")
    return self.id and self.sock:selected_alpn_protocol() or nil
end

--- getsniname(): the server name that the client has sent; on a client the argument of sni.
function methods.getsniname(object)
    local self = check(object, "getsniname")
    if self.context.mode == "client" then
        return self.name
    end
    local length, name = -1, nil
    if self.sock and self.sock._tls ~= 0 then
        length, name = C.connection_server_hostname(self.sock._tls)
    end
    return length > 0 and name or nil
end

-- finished returns the Finished message that is "tls-unique", if it was sent in the requested direction. That is the
-- first Finished message of the handshake: the client's or, in a resumed session, the server's.
local function finished(object, method, own)
    local self = check(object, method)
    if not self.id then
        return nil, "closed"
    end
    local first_is_own = (self.context.mode == "client") ~= self.sock.session_reused
    return first_is_own == own and self.sock:get_channel_binding "tls-unique" or nil
end

--- getfinished(): the Finished message that was sent, if it is the first one of the handshake, up to TLS 1.2; otherwise
--- nil.
function methods.getfinished(object)
    return finished(object, "getfinished", true)
end

--- getpeerfinished(): the Finished message that was received, likewise.
function methods.getpeerfinished(object)
    return finished(object, "getpeerfinished", false)
end

--- exportkeyingmaterial(label, length, context): keying material of the connection (RFC 5705).
function methods.exportkeyingmaterial(object, label, length, context)
    local self = check(object, "exportkeyingmaterial")
    if not self.id then
        return nil, "closed"
    end
    local ok, bytes = pcall(self.sock.export_keying_material, self.sock, contexts.text("exportkeyingmaterial", 1, label), length,
        context)
    if not ok then
        return nil, "error exporting keying material (" .. message.cause(bytes) .. ")"
    end
    return bytes
end

--- getstats(): the numbers of received and sent bytes, and the age in seconds.
function methods.getstats(object)
    local self = check(object, "getstats")
    local _, now = C.monotonic()
    return self.received, self.sent, now - self.birthday
end

--- setstats(received, sent, age): sets the values of getstats.
function methods.setstats(object, received, sent, age)
    local self = check(object, "setstats")
    self.received, self.sent = tonumber(received) or self.received, tonumber(sent) or self.sent
    if tonumber(age) then
        local _, now = C.monotonic()
        self.birthday = now - tonumber(age)
    end
    return 1
end

return information
