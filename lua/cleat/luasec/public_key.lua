--- The type and the size of a public key, as LuaSec's cert:pubkey() returns them, including keys that OpenSSL supports
--- and BoringSSL does not.

local der = require "cleat.luasec.der"

local public_key = {}

local EC = "1.2.840.10045.2.1"

-- The sizes of curves in bits, by their object identifiers.
local CURVES = {
    ["1.2.840.10045.3.1.1"] = 192, ["1.2.840.10045.3.1.7"] = 256,
    ["1.3.132.0.10"] = 256, ["1.3.132.0.33"] = 224, ["1.3.132.0.34"] = 384, ["1.3.132.0.35"] = 521,
    ["1.3.36.3.3.2.8.1.1.7"] = 256, ["1.3.36.3.3.2.8.1.1.8"] = 256,
    ["1.3.36.3.3.2.8.1.1.9"] = 320, ["1.3.36.3.3.2.8.1.1.10"] = 320,
    ["1.3.36.3.3.2.8.1.1.11"] = 384, ["1.3.36.3.3.2.8.1.1.12"] = 384,
    ["1.3.36.3.3.2.8.1.1.13"] = 512, ["1.3.36.3.3.2.8.1.1.14"] = 512,
}

-- bit_length returns the number of bits of an INTEGER.
local function bit_length(bytes, element)
    if not element or element.tag ~= 2 then
        return nil
    end
    local at = element.from
    while at < element.to and bytes:byte(at) == 0 do
        at = at + 1
    end
    local first, count = bytes:byte(at), 0
    while first > 0 do
        first, count = math.floor(first / 2), count + 1
    end
    return count + (element.to - at) * 8
end

-- of_modulus returns the size of the modulus, which is the first element of the key.
local function of_modulus(bytes, _, key)
    local sequence = der.read(bytes, key.from + 1, key.to)
    local numbers = der.children(bytes, sequence)
    return numbers and bit_length(bytes, numbers[1])
end

-- of_parameters returns the size of the prime, which is the first element of the parameters.
local function of_parameters(bytes, parameters)
    local numbers = parameters and der.children(bytes, parameters)
    return numbers and bit_length(bytes, numbers[1])
end

local function of_curve(bytes, parameters)
    return parameters and parameters.tag == 6 and CURVES[der.oid(der.contents(bytes, parameters))]
end

local function always(count)
    return function()
        return count
    end
end

local KINDS = {
    ["1.2.840.113549.1.1.1"] = { "RSA", of_modulus }, ["1.2.840.113549.1.1.10"] = { "Unknown", of_modulus },
    ["1.2.840.10040.4.1"] = { "DSA", of_parameters }, ["1.2.840.113549.1.3.1"] = { "DH", of_parameters },
    ["1.2.840.10046.2.1"] = { "Unknown", of_parameters }, [EC] = { "EC", of_curve },
    ["1.3.101.110"] = { "Unknown", always(253) }, ["1.3.101.111"] = { "Unknown", always(448) },
    ["1.3.101.112"] = { "Unknown", always(256) }, ["1.3.101.113"] = { "Unknown", always(456) },
}

--- Describes a SubjectPublicKeyInfo.
---@param spki string DER
---@return string? kind "RSA", "DSA", "DH", "EC" or "Unknown"; nil if OpenSSL could not parse it
---@return integer? bits
function public_key.describe(spki)
    local parts = der.children(spki, der.read(spki, 1, #spki))
    local algorithm = parts and parts[2] and der.children(spki, parts[1])
    local oid = algorithm and algorithm[1] and der.oid(der.contents(spki, algorithm[1]))
    local known = KINDS[oid]
    local bits = known and known[2](spki, algorithm[2], parts[2])
    if bits then
        return known[1], bits
    end
end

return public_key
