--- Non-blocking name resolution: a thread of the core calls getaddrinfo, and a waiter waits for it.

local C = require "cleat.backend"
local class = require "cleat.class"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local status = require "cleat.status"

local pcall = compat.pcall

local const = C.const

local resolution = {}

---@class cleat.socket.Resolution the waiter's argument; it has a descriptor, as a socket has
---@field timeout number? in seconds, for cqueues
---@field _id integer
local Resolution = class.new("socket.Resolution", function()
    return errors.raise(errors.TypeError, "Resolution has no constructor: connect() and getaddrinfo() make one")
end)

--- Returns the descriptor, which becomes readable once the name is resolved.
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

-- await returns the id of the list, or the status of a failed resolution.
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

-- finish waits for a resolution, closes it, and returns the results of await.
local function finish(id, guard, wait)
    local ok, list, list_guard = pcall(await, setmetatable({ _id = id }, Resolution.instance), wait)
    C.guard_close(guard)
    if not ok then
        error(list, 0)
    end
    return list, list_guard
end

--- addrinfo returns the id of a list of addresses. The parameters before `wait` are those of cleat_addrinfo_resolve.
---@param wait (fun(resolution: cleat.socket.Resolution): boolean)|false waits for the resolution, and returns false
--- after a timeout; if false, the call blocks
---@return integer list # raises socket.gaierror, socket.timeout
---@return cleat.backend.Guard guard of the list
function resolution.addrinfo(host, service, family, kind, proto, flags, wait)
    if not wait then
        return errors.check(C.addrinfo_resolve_guarded(host, service, family, kind, proto, flags))
    end
    if math.floor(flags / const.AI_NUMERICHOST) % 2 == 0 then -- a numeric address needs no thread
        local list, guard = C.addrinfo_resolve_guarded(host, service, family, kind, proto, flags + const.AI_NUMERICHOST)
        if list >= 0 then
            return list, guard
        end
    end
    local id, guard = errors.check(C.resolution_new_guarded(host, service, family, kind, proto, flags))
    return errors.check(finish(id, guard, wait))
end

--- lookup returns the id of a list with the answer to a question (C.const.LOOKUP_*). The parameters before `wait` are
--- those of the ABI's function.
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

--- numeric returns the first address of a host in the given family, as a numeric host for the ABI.
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
