--- Non-blocking name resolution: a waiter waits while a thread of the core calls getaddrinfo.

local C = require "cleat.backend"
local class = require "cleat.class"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local status = require "cleat.status"

local pcall = compat.pcall

local const = C.const

local resolution = {}

---@class cleat.socket.Resolution the argument of the waiter: like a socket it has a descriptor
---@field timeout number? in seconds, for cqueues
---@field _id integer
local Resolution = class.new("socket.Resolution", function()
    return errors.raise(errors.TypeError, "a Resolution is made by connect() and getaddrinfo()")
end)

--- The descriptor, which is readable once the name is resolved.
---@return integer
function Resolution:fileno()
    return errors.check(C.resolution_fileno(self._id))
end

Resolution.pollfd = Resolution.fileno

function Resolution.events()
    return "r"
end

class.properties(Resolution, {
    timeout = function()
        return nil
    end,
}, {})

-- await returns the list, or the status of a resolution that has failed.
local function await(self, wait)
    local result, guard = C.resolution_addrinfo_guarded(self._id, 0)
    while result == status.WANT_READ do
        if not wait(self) then
            errors.throw(errors.timeout("timed out"))
        end
        result, guard = C.resolution_addrinfo_guarded(self._id, 0)
    end
    return result, guard
end

-- finish waits for a resolution, closes it, and returns what await does.
local function finish(id, guard, wait)
    local ok, list, list_guard = pcall(await, setmetatable({ _id = id }, Resolution.instance), wait)
    C.guard_close(guard)
    if not ok then
        error(list, 0)
    end
    return list, list_guard
end

--- addrinfo returns the ABI's id of a list of addresses. The other parameters are those of the ABI's function.
---@param wait (fun(resolution: cleat.socket.Resolution): boolean)|false waits for it, and returns false after a
--- timeout; without it the call blocks
---@return integer list # raises socket.gaierror, socket.timeout
---@return cleat.backend.Guard guard of the list
function resolution.addrinfo(host, service, family, kind, proto, flags, wait)
    if not wait then
        return errors.check(C.addrinfo_resolve_guarded(host, service, family, kind, proto, flags))
    end
    if math.floor(flags / const.AI_NUMERICHOST) % 2 == 0 then -- an address that is numeric needs no thread
        local list, guard = C.addrinfo_resolve_guarded(host, service, family, kind, proto, flags + const.AI_NUMERICHOST)
        if list >= 0 then
            return list, guard
        end
    end
    local id, guard = errors.check(C.resolution_new_guarded(host, service, family, kind, proto, flags))
    return errors.check(finish(id, guard, wait))
end

--- lookup returns the ABI's id of a list with the answer to a question (C.const.LOOKUP_*). The other parameters are
--- those of the ABI's function, and of addrinfo.
---@return integer list or a status; raises socket.timeout
---@return cleat.backend.Guard? guard of the list
function resolution.lookup(question, host, port, flags, wait)
    if not wait then
        return C.addrinfo_lookup_guarded(question, host, port, flags)
    end
    local id, guard = C.resolution_lookup_guarded(question, host, port, flags)
    if id < 0 then
        return id
    end
    return finish(id, guard, wait)
end

--- numeric returns the first of a host's addresses in a family, in the ABI's form.
---@param host string
---@param family integer AF_INET or AF_INET6
---@param wait fun(resolution: cleat.socket.Resolution): boolean
---@return string
function resolution.numeric(host, family, wait)
    if host == "" then
        return host
    end
    local list, guard = resolution.addrinfo(host, nil, family, const.SOCK_STREAM, 0, 0, wait)
    local result, text, _, _, _, _, _, scope = C.addrinfo_address(list, 0)
    C.guard_close(guard)
    errors.check(result)
    return scope ~= 0 and text .. "%" .. scope or text
end

return resolution
