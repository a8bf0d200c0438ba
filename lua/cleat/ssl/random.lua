--- Random bytes (section 17.3.1.3). The generator is BoringSSL's: seeded by the kernel, and different after a fork, so
--- that RAND_add does nothing. RAND_egd does not exist, as in Python over OpenSSL 1.1.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local random = {}

--- Whether there is enough randomness: always.
---@return boolean
function random.RAND_status()
    return true
end

local parse_add = keywords.parser("RAND_add", { "bytes", "entropy" }, { required = 2 })

--- RAND_add(bytes, entropy) checks its arguments and does nothing else.
function random.RAND_add(...)
    local bytes, entropy = parse_add(...)
    check.string("RAND_add", "bytes", bytes)
    if type(entropy) ~= "number" then
        check.fail("RAND_add", "entropy", "a number", entropy)
    end
end

local function bytes_of(f, count)
    count = check.integer(f, "n", count)
    if count < 0 then
        errors.raise(errors.ValueError, "num must be positive")
    end
    local _, data = errors.check(C.random_bytes(count))
    return data
end

--- count bytes fit for keys. ValueError for a negative count.
---@param count integer
---@return string
function random.RAND_bytes(count)
    return bytes_of("RAND_bytes", count)
end

--- The same, deprecated as in Python.
---@param count integer
---@return string
---@return boolean is_cryptographic always true
function random.RAND_pseudo_bytes(count)
    return bytes_of("RAND_pseudo_bytes", count), true
end

return random
