--- The kinds of sockets that wrap_socket accepts, and how their calls wait.
---
---   * a socket of cleat.socket: with its timeout and its waiter;
---   * a descriptor of a stream socket, as an integer: with the default timeout and waiter;
---   * a LuaSocket TCP or Unix object (cleat.adapters.luasocket), or copas's wrapper of one (cleat.adapters.copas);
---   * a cqueues socket (cleat.adapters.cqueues): its controller runs other coroutines meanwhile;
---   * a luv TCP or pipe handle (cleat.adapters.luv): the loop runs meanwhile;
---   * an nginx cosocket, of ngx.socket.tcp or ngx.req.socket (cleat.adapters.nginx): nginx runs meanwhile;
---   * a socket of haproxy's core.tcp, or the applet of a TCP service (cleat.adapters.haproxy): haproxy runs meanwhile.
---
--- The wrapper owns an object until unwrap() returns it; close() closes it with its own method. The program must not
--- use it meanwhile. A descriptor is duplicated: the wrapper closes the duplicate, and the caller the original.
---
--- A kind is a table with two functions: accepts(value) returns whether the value is of that kind; take(value) takes
--- ownership and returns a table with
---   plain     a socket of cleat.socket; or
---   fd        a descriptor, which is duplicated, with its family, type and proto; or
---   stream    an object that moves the bytes without a descriptor: see cleat.ssl.transport.stream
---   owner     for fd and stream: owner:restore(plain) returns the original object, owner:close() closes it
---   timeout   the wrapper's: false for no limit, nil for the default timeout
---   waiter    the wrapper's: false for none, nil for the default waiter

local check = require "cleat.check"
local errors = require "cleat.errors"
local object = require "cleat.socket.object"
local probe = require "cleat.socket.probe"

local wrappable = {}

local plain = { accepts = function(value)
    return object.Socket:is(value)
end }

function plain.take(value)
    if rawget(value, "_context") then
        errors.raise(errors.TypeError, "wrap_socket() argument 'sock' is a TLS connection already")
    end
    if rawget(value, "_borrowed") then
        value:_borrow() -- which raises
    end
    probe.socket(value)
    return { plain = value, timeout = value._timeout, waiter = value._waiter }
end

local descriptor = { accepts = function(value)
    return type(value) == "number" and value % 1 == 0 and value >= 0 and value <= check.INT_MAX
end }

function descriptor.take(value)
    local family, kind, proto = probe.stream(value)
    return { fd = value, family = family, type = kind, proto = proto }
end

local ADAPTERS = { "luasocket", "copas", "cqueues", "luv", "nginx", "haproxy" }

--- load loads all adapters, so that of() does not read files later.
function wrappable.load()
    for _, name in ipairs(ADAPTERS) do
        if name ~= "haproxy" then -- which calls this
            require("cleat.adapters." .. name)
        end
    end
end

--- of returns the kind of a value. It raises TypeError, with a list of the accepted kinds.
---@param value any
---@return table
function wrappable.of(value)
    if plain.accepts(value) then
        return plain
    elseif descriptor.accepts(value) then
        return descriptor
    elseif type(value) == "userdata" or type(value) == "table" then
        for _, name in ipairs(ADAPTERS) do
            local adapter = require("cleat.adapters." .. name)
            if adapter.accepts(value) then
                return adapter
            end
        end
    end
    return errors.raise(errors.TypeError, ("wrap_socket() argument 'sock' must be a socket or a descriptor, or a socket of " ..
        "LuaSocket, copas, cqueues, luv, nginx (ngx.socket.tcp) or haproxy (core.tcp), not %s"):format(check.kind(value)))
end

return wrappable
