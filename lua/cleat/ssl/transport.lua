--- What can be wrapped: the one place that knows the kinds of sockets that wrap_socket takes, and how each waits.
---
---   * a socket of cleat.socket: waits by its timeout, or its waiter;
---   * a descriptor of a stream socket, as an integer: the same, with the default timeout and waiter;
---   * a LuaSocket TCP or Unix object (cleat.hosts.luasocket), or copas's wrapper of one (cleat.hosts.copas);
---   * a cqueues socket (cleat.hosts.cqueues): lets its controller run;
---   * a luv TCP or pipe handle (cleat.hosts.luv): lets the loop run;
---   * an nginx cosocket, of ngx.socket.tcp or ngx.req.socket (cleat.hosts.nginx): lets nginx run.
---
--- An object goes into the wrapper's hands: it is not to be used until unwrap() gives it back, and close() closes it in its own way.
--- A bare descriptor stays the caller's: it must stay open as long as the wrapper, and is not closed with it.
---
--- A kind is a table with accepts(value), which tells whether it is that kind's, and take(value), which takes hold of it and returns
---   plain     a socket of cleat.socket; or
---   fd        a descriptor that is not the wrapper's, with its family, type and proto; or
---   stream    what moves bytes where there is no descriptor to work with: see cleat.ssl.host_socket
---   owner     for the two above: what gives the object back (owner:give_back(plain)) or closes it (owner:close())
---   timeout   of the wrapper: false for ever, nil for the default one
---   waiter    of the wrapper: false for none, nil for the default one

local C = require "cleat.backend"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local errors = require "cleat.errors"
local object = require "cleat.socket.object"

local transport = {}

local const = C.const

-- probe: a socket's type and family, and of a descriptor the protocol; or a status.
local function probe(id, proto)
    local kind = C.socket_type(id)
    if kind < 0 then
        return kind
    end
    return 0, kind, C.socket_family(id), proto or C.socket_protocol(id)
end

--- examine returns the family, type and protocol of a socket or descriptor. NotImplementedError for what is no stream.
---@param plain cleat.Socket?
---@param fd integer?
---@return integer family, integer type, integer proto
function transport.examine(plain, fd)
    local _, kind, family, proto = calls.settle("wrap_socket",
        calls.call(plain or { _fd = fd }, probe, plain and plain._proto))
    if kind ~= const.SOCK_STREAM then
        errors.raise(errors.NotImplementedError, "only stream sockets are supported")
    end
    return family, kind, proto
end

local plain = { accepts = function(value)
    return object.Socket:is(value)
end }

function plain.take(value)
    if rawget(value, "_context") then
        errors.raise(errors.TypeError, "wrap_socket() argument 'sock' is a TLS connection already")
    end
    transport.examine(value)
    return { plain = value, timeout = value._timeout, waiter = value._waiter }
end

local descriptor = { accepts = function(value)
    return type(value) == "number" and value % 1 == 0 and value >= 0 and value <= check.INT_MAX
end }

function descriptor.take(value)
    local family, kind, proto = transport.examine(nil, value)
    return { fd = value, family = family, type = kind, proto = proto }
end

local HOSTS = { "luasocket", "copas", "cqueues", "luv", "nginx" }

--- of: the kind that a value is of. TypeError with the list of what is accepted.
---@param value any
---@return table
function transport.of(value)
    if plain.accepts(value) then
        return plain
    elseif descriptor.accepts(value) then
        return descriptor
    elseif type(value) == "userdata" or type(value) == "table" then
        for _, name in ipairs(HOSTS) do
            local host = require("cleat.hosts." .. name)
            if host.accepts(value) then
                return host
            end
        end
    end
    return errors.raise(errors.TypeError, ("wrap_socket() argument 'sock' must be a socket or a descriptor, or a socket of " ..
        "LuaSocket, copas, cqueues, luv or nginx (ngx.socket.tcp), not %s"):format(check.kind(value)))
end

return transport
