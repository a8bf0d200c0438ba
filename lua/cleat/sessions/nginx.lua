--- A store of sessions in a lua_shared_dict of nginx, for SSLContext:set_session_store and cleat.sessions: all workers
--- of a machine share their sessions.
---
---     -- in nginx
---     -- with the lines: lua_shared_dict sessions 10m; lua_shared_dict marks 1m;
---     local store = require("cleat.sessions.nginx").new("sessions", { marks = "marks" })
---
--- A reload of nginx keeps the sessions, and a restart loses them.

local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local strict = require "cleat.strict"

local nginx = {}

local function dictionary(argument, name)
    check.string("new", argument, name)
    local module = rawget(_G, "ngx")
    if type(module) ~= "table" or type(module.shared) ~= "table" then
        errors.raise(errors.NotImplementedError,
            "cleat.sessions.nginx needs the Lua of nginx (lua-nginx-module) with lua_shared_dict")
    end
    return module.shared[name] or errors.raise(errors.ValueError,
        ("new() argument '%s': there is no lua_shared_dict %s in nginx's configuration"):format(argument, name))
end

local function failed(name, f, message)
    return errors.raise(errors.error, ("%s of the lua_shared_dict %s: %s"):format(f, name, tostring(message)))
end

-- lifetime_of returns a lifetime in seconds, above 0: in nginx 0 means no expiry.
local function lifetime_of(f, lifetime)
    if type(lifetime) ~= "number" or lifetime ~= lifetime then
        check.fail(f, "lifetime", "a number", lifetime)
    end
    return lifetime
end

local parse_new = keywords.parser("new", { "name", "marks", "prefix" }, { required = 1 })

--- Makes a store with the functions get, put and remove. Set its field `error` to a function that is called with each
--- failure.
---
--- When the dictionary is full, nginx evicts the least recently used sessions. What `add` stores for early data must
--- not be evicted before it expires. So `add` needs a dictionary that is used for nothing else: `marks`. If that is
--- full, `add` raises socket.error, and early data is refused. Without `marks` the store has no `add`.
---
---     local ok, err = pcall(require("cleat.sessions.nginx").new, "sessions") -- outside of nginx
---     print(ok, errors.NotImplementedError:is(err)) --> false	true
---
--- Raises: ValueError if there is no such lua_shared_dict; NotImplementedError outside of nginx; TypeError.
--- Python: none.
---@param name string the name of a lua_shared_dict
---@param marks string? the name of another lua_shared_dict, for `add`
---@param prefix string? the prefix of all keys; "cleat:" by default
---@return cleat.sessions.Store
function nginx.new(name, marks, prefix, ...)
    name, marks, prefix = parse_new(name, marks, prefix, ...)
    local dict = dictionary("name", name)
    prefix = check.optional_string("new", "prefix", prefix) or "cleat:"
    local store = {}
    function store.get(key)
        local bytes, err = dict:get(prefix .. check.string("get", "key", key))
        if bytes == nil and type(err) == "string" then
            failed(name, "get", err)
        end
        return type(bytes) == "string" and bytes or nil
    end
    function store.put(key, bytes, lifetime)
        key = prefix .. check.string("put", "key", key)
        if lifetime_of("put", lifetime) > 0 then
            local ok, err = dict:set(key, check.string("put", "bytes", bytes), lifetime)
            if not ok then
                failed(name, "set", err)
            end
        end
    end
    function store.remove(key)
        dict:delete(prefix .. check.string("remove", "key", key))
    end
    if marks ~= nil then
        local seen = dictionary("marks", marks)
        if marks == name then
            errors.raise(errors.ValueError,
                "new() argument 'marks' must be another dictionary: sessions would evict the marks of early data")
        end
        function store.add(key, lifetime)
            key = prefix .. check.string("add", "key", key)
            local ok, err = seen:safe_add(key, true, math.max(1, lifetime_of("add", lifetime)))
            if not ok and err ~= "exists" then
                failed(marks, "safe_add", err)
            end
            return ok
        end
    end
    return store
end

return strict(nginx, "module 'cleat.sessions.nginx'")
