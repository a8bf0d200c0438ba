--- A server's keys for Encrypted ClientHello (ECH), and the configurations that it publishes for them.

local C = require "cleat.backend"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local const = C.const

local functions = {}

-- The default length to which names are padded: it hides the lengths of nearly all names.
local NAME_LENGTH = 64

local parse_new = keywords.parser("ECHKey", { "public_name", "config_id", "max_name_length", "data", "file" })

local function generate(public_name, config_id, max_name_length)
    check.string("ECHKey", "public_name", public_name)
    config_id = check.optional_integer("ECHKey", "config_id", config_id, -1, 0, 255)
    max_name_length = check.optional_integer("ECHKey", "max_name_length", max_name_length, NAME_LENGTH, 0, 255)
    return C.ech_key_new_guarded(public_name, config_id, max_name_length)
end

local function load(data, file)
    if data ~= nil then
        return C.ech_key_load_data_guarded(check.string("ECHKey", "data", data))
    end
    check.optional_file("ECHKey", "file", file)
    return C.ech_key_load_guarded(file)
end

--- A server's key for Encrypted ClientHello (ECH, RFC 9849), with the configuration that clients need. `public_name`
--- generates a new key; `data` or `file` load one that tobytes() has written. It is immutable. See
--- SSLContext:set_ech_keys.
---
---     local key = ssl.ECHKey { public_name = "public.example" }
---     print(key.public_name, key.max_name_length, #ssl.ech_config_list { key }) --> public.example	64	71
---
--- Observers see the public name. The server needs a certificate for it, to authenticate itself to clients with an
--- outdated configuration.
---
--- tobytes() is DANGEROUS: the text contains the private key.
---
--- Raises: SSLError if `public_name` is not a host name (INVALID_ECH_PUBLIC_NAME), or if the text contains no key
--- (NO_START_LINE), no configuration for the key (NO_ECH_CONFIG_OF_THE_KEY) …; IOError if the file cannot be read;
--- ValueError unless exactly one of `public_name`, `data` and `file` is given; TypeError.
--- Python: none.
---@class cleat.ssl.ECHKey
---@field public_name string
---@field config_id integer 0 to 255: the client sends it in plaintext, and the server finds its key by it
---@field max_name_length integer shorter names are padded to this length
---@field config string the configuration (ECHConfig), as bytes; ssl.ech_config_list makes the list that a server
--- publishes
---@field _id integer
---@field _guard cleat.backend.Guard closes the id
---@overload fun(public_name: string?, config_id: integer?, max_name_length: integer?, data: string?, file: string?): cleat.ssl.ECHKey
local ECHKey = class.new("ssl.ECHKey", function(of, ...)
    local public_name, config_id, max_name_length, data, file = parse_new(...)
    local given = (public_name ~= nil and 1 or 0) + (data ~= nil and 1 or 0) + (file ~= nil and 1 or 0)
    if given ~= 1 then
        errors.raise(errors.ValueError, "ECHKey() needs exactly one of public_name, data and file")
    elseif public_name == nil and (config_id ~= nil or max_name_length ~= nil) then
        errors.raise(errors.ValueError, "ECHKey() takes config_id and max_name_length with public_name only: a loaded key has its own")
    end
    local id, guard
    if public_name ~= nil then
        id, guard = generate(public_name, config_id, max_name_length)
    else
        id, guard = load(data, file)
    end
    errors.check(id)
    return setmetatable({ _id = id, _guard = guard }, of.instance)
end)

--- Returns the key as PEM text (RFC 9934): a block PRIVATE KEY and a block ECHCONFIG, for the argument `data` of ECHKey
--- and for other servers. DANGEROUS: an attacker who reads it can decrypt the names in all recorded connections with
--- this key. Protect it like the private key of a certificate.
---
---     local key = ssl.ECHKey { public_name = "public.example" }
---     print(ssl.ECHKey { data = key:tobytes() }.config == key.config) --> true
---
--- Raises: MemoryError.
--- Python: none.
---@return string
function ECHKey:tobytes()
    local _, text = errors.check(C.ech_key_pem(self._id))
    return text
end

local getters = {}

function getters:public_name()
    local _, name = errors.check(C.ech_key_public_name(self._id))
    return name
end

function getters:config_id()
    return errors.check(C.ech_key_config_id(self._id))
end

function getters:max_name_length()
    return errors.check(C.ech_key_max_name_length(self._id))
end

function getters:config()
    local _, config = errors.check(C.ech_key_config(self._id))
    return config
end

class.properties(ECHKey, getters, {})

--- "<ssl.ECHKey public.example>"
function ECHKey.instance:__tostring()
    return ("<ssl.ECHKey %s>"):format(self.public_name)
end

-- ids returns the ABI's ids of an array of ECHKeys.
local function ids(method, keys, low)
    if type(keys) ~= "table" or getmetatable(keys) ~= nil then
        check.fail(method, "keys", "an array of ECHKeys", keys)
    end
    local list, count = {}, check.array(method, "keys", keys, "ECHKeys")
    for index = 1, count do
        if getmetatable(keys[index]) ~= ECHKey.instance then
            check.fail(method, "keys", "an array of ECHKeys", keys[index])
        end
        list[index] = keys[index]._id
    end
    if count < low or count > const.ECH_KEYS_MAX then
        errors.raise(errors.ValueError, ("%s() takes %d to %d keys"):format(method, low, const.ECH_KEYS_MAX))
    end
    return list
end

--- Returns the ECHConfigList of keys, as bytes. A server publishes it in DNS, in Base64, as the parameter "ech" of an
--- HTTPS record. Clients pass it to SSLContext:wrap_socket as `ech_configs`, and use the first configuration that they
--- support.
---
---     local key = ssl.ECHKey { public_name = "public.example" }
---     print(#ssl.ech_config_list { key } == 2 + #key.config) --> true
---
--- Raises: ValueError for an empty array, and for more than 16 keys; TypeError.
--- Python: none.
---@param keys cleat.ssl.ECHKey[]
---@return string
function functions.ech_config_list(keys)
    local _, list = errors.check(C.ech_config_list(ids("ech_config_list", keys, 1)))
    return list
end

---@class cleat.ssl.SSLContext
local methods = {}

--- Sets the keys with which servers of the context decrypt ClientHellos (ECH, RFC 9849); {} for none. The servername
--- callback gets the decrypted name, and `SSLSocket.ech_accepted` says whether a ClientHello was decrypted. A client
--- that has used another key is answered under the public name: the servername callback gets that name and can choose
--- its certificate, and the client is sent the configuration of the first key. To rotate keys, put a new one first, and
--- remove the old one when no client can have its configuration any more. Connections keep the keys that their first
--- context had when they were made.
---
---     local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
---     local old = ssl.ECHKey { public_name = "public.example" }
---     context:set_ech_keys { old }
---     context:set_ech_keys { ssl.ECHKey { public_name = "public.example" }, old }
---
--- Raises: ValueError for more than 16 keys; TypeError.
--- Python: none.
---@param keys cleat.ssl.ECHKey[] at most 16, the newest first
function methods:set_ech_keys(keys)
    errors.check(C.context_set_ech_keys(self._id, ids("set_ech_keys", keys, 0)))
end

return { ECHKey = ECHKey, functions = functions, methods = methods }
