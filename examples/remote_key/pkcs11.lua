-- Makes signatures with a PKCS#11 token, by OpenSC's pkcs11-tool: pkcs11.signer { module = PATH, token = NAME, id = HEX
-- } returns a function for `sign` of SSLContext:load_cert_chain. The PIN is in the environment variable PKCS11_PIN.
local pkcs11 = {}

-- The token signs digests. For RSA PKCS#1 it needs a DigestInfo (RFC 8017 section 9.2), which begins with these bytes.
local DIGEST_INFO = {
    sha256 = "\48\49\48\13\6\9\96\134\72\1\101\3\4\2\1\5\0\4\32", sha384 = "\48\65\48\13\6\9\96\134\72\1\101\3\4\2\2\5\0\4\48",
    sha512 = "\48\81\48\13\6\9\96\134\72\1\101\3\4\2\3\5\0\4\64",
}

-- The token's ECDSA signatures are r and s, concatenated. TLS needs the DER encoding of a SEQUENCE of two INTEGERs.
local function integer(bytes)
    bytes = bytes:gsub("^%z+", "")
    if bytes == "" or bytes:byte() > 127 then
        bytes = "\0" .. bytes
    end
    return "\2" .. string.char(#bytes) .. bytes
end

function pkcs11.der(raw)
    local both = integer(raw:sub(1, #raw / 2)) .. integer(raw:sub(#raw / 2 + 1))
    return "\48" .. (#both > 127 and "\129" or "") .. string.char(#both) .. both
end

function pkcs11.signer(key)
    return function(algorithm, data, digest)
        local hash = algorithm:match "sha%d+$"
        local mechanism, input = "EDDSA", digest or data
        if algorithm:find "^ecdsa_" then
            mechanism = "ECDSA"
        elseif algorithm:find "^rsa_pss_" then
            mechanism = ("RSA-PKCS-PSS --hash-algorithm %s --mgf MGF1-%s"):format(hash:upper(), hash:upper())
        elseif algorithm:find "^rsa_" then
            mechanism, input = "RSA-PKCS", assert(DIGEST_INFO[hash], algorithm) .. digest
        end
        local name = os.tmpname()
        local file = assert(io.open(name, "wb"))
        file:write(input)
        file:close()
        local tool = assert(io.popen(("pkcs11-tool --module '%s' --token-label '%s' --login --pin env:PKCS11_PIN --sign --id %s "
            .. "--mechanism %s --input-file '%s' 2>/dev/null"):format(key.module, key.token, key.id, mechanism, name)))
        local signature = tool:read "*a"
        tool:close()
        os.remove(name)
        assert(signature ~= "", "pkcs11-tool does not sign")
        return mechanism == "ECDSA" and pkcs11.der(signature) or signature
    end
end

return pkcs11
