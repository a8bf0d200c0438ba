--- Random bytes (section 17.3.1.3). BoringSSL's generator is seeded by the kernel and safe after a fork, so RAND_add
--- does nothing. RAND_egd does not exist, as in Python over OpenSSL 1.1.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local random = {}

--- Returns true: the generator is always seeded.
---
---     print(ssl.RAND_status()) --> true
---
--- Python: 2.6.
---@return boolean
function random.RAND_status()
    return true
end

local parse_add = keywords.parser("RAND_add", { "bytes", "entropy" }, { required = 2 })

--- Checks its arguments, and does nothing else: the generator needs no additional entropy.
---
---     ssl.RAND_add("seed", 0.0)
---
--- Raises: TypeError.
--- Python: 2.6.
---@param bytes string
---@param entropy number
function random.RAND_add(bytes, entropy, ...)
    bytes, entropy = parse_add(bytes, entropy, ...)
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

--- Returns cryptographically strong random bytes.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     local secret = ssl.RAND_bytes(32)
---     context:set_ticket_secret(secret)
---     print(#secret) --> 32
---
--- Raises: ValueError if `count` is negative; TypeError if it is not an integer.
--- Python: 3.3.
---@param count integer the number of bytes
---@return string
function random.RAND_bytes(count)
    return bytes_of("RAND_bytes", count)
end

--- Returns random bytes as RAND_bytes does. It is deprecated, as in Python.
---
---     local bytes, strong = ssl.RAND_pseudo_bytes(16)
---     print(#bytes, strong) --> 16	true
---
--- Raises: ValueError if `count` is negative; TypeError if it is not an integer.
--- Python: 3.3; removed in 3.12.
---@param count integer the number of bytes
---@return string
---@return boolean is_cryptographic always true
function random.RAND_pseudo_bytes(count)
    return bytes_of("RAND_pseudo_bytes", count), true
end

return random
