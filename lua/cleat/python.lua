--- Python's names for the modules. After `require "cleat.python"`, `require "ssl"`, "socket", "select", "selectors" and
--- "errno" return cleat's modules, so that a script looks like the examples in Python's documentation. The module
--- contains these modules under the same names, and functions that Lua lacks: `closing`, `suppress`, `iter`, `dict`,
--- `repr`, `pprint` and operations on bits.
---
---     local python = require "cleat.python"
---     print(python.ssl == ssl, python.errno == errno) --> true	true
---
--- Modules that are loaded already are not replaced: if LuaSocket was loaded before, it remains "socket".

local bits = require "cleat.python.bits"
local check = require "cleat.check"
local compat = require "cleat.compat"
local pprint = require "cleat.python.pprint"
local scope = require "cleat.scope"
local strict = require "cleat.strict"

local pcall = compat.pcall

--- ssl: the module cleat.ssl.
--- Python: 2.6.

--- socket: the module cleat.socket.
--- Python: 1.4.

--- select: the module cleat.select.
--- Python: 1.4.

--- selectors: the module cleat.selectors.
--- Python: 3.4.

--- errno: the module cleat.errno.
--- Python: 1.4.
local python = {}

for _, name in ipairs { "ssl", "socket", "select", "selectors", "errno" } do
    local module = require("cleat." .. name)
    python[name] = module
    if package.loaded[name] == nil and package.preload[name] == nil then
        package.preload[name] = function()
            return module
        end
    end
end

local Closing = {}

function Closing:end_scope()
    if self.open then
        self.open = false
        local thing = self.thing
        thing:close()
    end
end

function Closing.abandoned(thing)
    thing:close()
end

local closing = scope.metatable(Closing)

--- Calls a function with an object, and closes the object afterwards in any case: when the function returns or raises,
--- and when its coroutine is closed (Lua 5.4) or garbage-collected while it waits. This is Python's `with
--- closing(sock):`.
---
---     local python = require "cleat.python"
---     local sock = socket.socket()
---     print(python.closing(sock, function(open) return open:gettimeout() end)) --> nil
---     print(pcall(sock.fileno, sock)) --> false	[Errno 9] Bad file descriptor
---
--- Raises: the errors of `f` and of `close`; TypeError.
--- Python: 2.5 (contextlib).
---@param thing any an object with a method `close`: a socket, a TLS connection, a file
---@param f fun(thing: any): any
---@return any ... # the results of `f`
function python.closing(thing, f)
    if not check.callable(f) then
        check.fail("closing", "f", "a function", f)
    end
    local ok, close = pcall(function()
        return thing.close
    end)
    if not ok or not check.callable(close) then
        check.fail("closing", "thing", "an object with a method close", thing)
    end
    return scope.run(scope.make({ thing = thing }, closing, thing), f, thing)
end

local function suppressed(classes, ok, ...)
    if ok then
        return ...
    end
    local err = ...
    for _, each in ipairs(classes) do
        if each:is(err) then
            return
        end
    end
    return error(err, 0)
end

--- Calls a function, and returns nothing if it raises an error of one of the classes; other errors are raised. The
--- function may yield. This is Python's `with suppress(OSError):`.
---
---     local python = require "cleat.python"
---     local sock = socket.socket()
---     sock:settimeout(0)
---     print(python.suppress(socket.error, sock.recv, sock, 10)) -->
---
--- Raises: errors of `f` of other classes; TypeError.
--- Python: 3.4 (contextlib).
---@param class cleat.Class|cleat.Class[] a class of errors, or an array of classes
---@param f fun(...): any
---@param ... any the arguments of `f`
---@return any ... # the results of `f`
function python.suppress(class, f, ...)
    local classes = type(class) == "table" and rawget(class, "lineage") == nil and class or { class }
    for _, each in ipairs(classes) do
        if type(each) ~= "table" or rawget(each, "lineage") == nil then
            check.fail("suppress", "class", "a class of errors, or a list of them", each)
        end
    end
    if classes[1] == nil then
        check.fail("suppress", "class", "a class of errors, or a list of them", class)
    elseif not check.callable(f) then
        check.fail("suppress", "f", "a function", f)
    end
    return suppressed(classes, pcall(f, ...))
end

--- Returns an iterator that calls a function until it returns a given value or nil. This is Python's `iter(f,
--- sentinel)`.
---
---     local python = require "cleat.python"
---     local one, two = socket.socketpair()
---     one:sendall("hello")
---     one:close()
---     for data in python.iter(function() return two:recv(2) end, "") do
---         print(data) --> he --> ll --> o
---     end
---
--- Raises: TypeError.
--- Python: 2.2.
---@param f fun(): any
---@param sentinel any the value that ends the loop
---@return fun(): any
function python.iter(f, sentinel)
    if not check.callable(f) then
        check.fail("iter", "f", "a function", f)
    end
    local function step(value, ...)
        if value == sentinel then
            return nil
        end
        return value, ...
    end
    return function()
        return step(f())
    end
end

--- Converts an array of pairs to a table: `dict(cert.subject).commonName`. The elements are pairs, or arrays of pairs
--- as in a certificate's names. If a key occurs several times, the last pair counts.
---
---     local python = require "cleat.python"
---     local cert = connect():getpeercert()
---     print(python.dict(cert.subject).commonName) --> localhost
---     print(python.dict({ { "a", 1 }, { "b", 2 } }).b) --> 2
---
--- Raises: TypeError.
--- Python: 2.2.
---@param pairs_of any[] an array of {key, value}, or of arrays of these
---@return table
function python.dict(pairs_of)
    if type(pairs_of) ~= "table" then
        check.fail("dict", "pairs_of", "a list of pairs", pairs_of)
    end
    local found = {}
    for _, entry in ipairs(pairs_of) do
        if type(entry) ~= "table" then
            check.fail("dict", "pairs_of", "a list of pairs", entry)
        end
        for _, pair in ipairs(type(entry[1]) == "table" and entry or { entry }) do
            if type(pair) ~= "table" or pair[1] == nil then
                check.fail("dict", "pairs_of", "a list of pairs", pair)
            end
            found[pair[1]] = pair[2]
        end
    end
    return found
end

--- Formats a value as Python's repr() does: strings in quotes, arrays as tuples, other tables as dicts.
---
---     local python = require "cleat.python"
---     print(python.repr({ "TLS_AES_128_GCM_SHA256", "TLSv1.3", 128 })) --> ('TLS_AES_128_GCM_SHA256', 'TLSv1.3', 128)
---     print(python.repr({ version = 3, ok = true })) --> {'ok': True, 'version': 3}
---
--- Python: 1.4.
---@param value any
---@return string
function python.repr(value)
    return pprint.repr(value)
end

--- Formats a value as repr does, but on several lines if it does not fit into one line.
---
---     local python = require "cleat.python"
---     print(python.pformat({ "DNS", "a.example" }, 12))
---     --> ('DNS',
---     -->  'a.example')
---
--- Raises: TypeError.
--- Python: 1.4 (pprint).
---@param value any
---@param width integer? the maximum number of characters in a line; 80 by default
---@return string
function python.pformat(value, width)
    return pprint.pformat(value, check.optional_integer("pformat", "width", width, 80, 1))
end

--- Prints a value in the format of pformat.
---
---     local python = require "cleat.python"
---     python.pprint(connect():version()) --> 'TLSv1.3'
---
--- Python: 1.4 (pprint).
---@param value any
function python.pprint(value)
    io.write(pprint.pformat(value), "\n")
end

--- Returns the bitwise or of integers: Python's `|`, on every Lua.
---
---     local python = require "cleat.python"
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
---     context.options = python.bor(context.options, ssl.OP_NO_TLSv1, ssl.OP_NO_TLSv1_1)
---     print(python.band(context.options, ssl.OP_NO_TLSv1) ~= 0) --> true
---
--- Raises: TypeError; ValueError for integers of more than 53 bits.
--- Python: 1.4.
---@param value integer
---@param ... integer
---@return integer
function python.bor(value, ...)
    return bits.bor(value, ...)
end

--- Returns the bitwise and of integers: Python's `&`.
---
---     local python = require "cleat.python"
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
---     context.options = python.band(context.options, python.bnot(ssl.OP_NO_TICKET))
---     print(python.band(6, 3)) --> 2
---
--- Raises: TypeError; ValueError for integers of more than 53 bits.
--- Python: 1.4.
---@param value integer
---@param ... integer
---@return integer
function python.band(value, ...)
    return bits.band(value, ...)
end

--- Returns the bitwise exclusive or of integers: Python's `^`.
---
---     print(require("cleat.python").bxor(6, 3)) --> 5
---
--- Raises: TypeError; ValueError for integers of more than 53 bits.
--- Python: 1.4.
---@param value integer
---@param ... integer
---@return integer
function python.bxor(value, ...)
    return bits.bxor(value, ...)
end

--- Returns the bitwise complement of an integer, which is -value - 1: Python's `~`.
---
---     print(require("cleat.python").bnot(6)) --> -7
---
--- Raises: TypeError; ValueError for integers of more than 53 bits.
--- Python: 1.4.
---@param value integer
---@return integer
function python.bnot(value)
    return bits.bnot(value)
end

return strict(python, "module 'cleat.python'")
