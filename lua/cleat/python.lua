--- Python's names for the modules: after `require "cleat.python"`, `require "ssl"`, "socket", "select", "selectors" and
--- "errno" return cleat's, so that a script looks as in Python's documentation. The module is a table of these, under
--- the same names, and of what Python has and Lua has not: `closing`, `suppress`, `iter`, `dict`, `repr`, `pprint` and
--- operations on bits.
---
---     local python = require "cleat.python"
---     print(python.ssl == ssl, python.errno == errno) --> true	true
---
--- Names of modules that are loaded already are left alone: LuaSocket, if loaded before, stays "socket".

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

--- Calls a function with an object, and closes the object on every way out: when the function returns or raises, and
--- when its coroutine is closed (Lua 5.4) or is collected while it waits. Python's `with closing(sock):` is this.
---
---     local python = require "cleat.python"
---     local sock = socket.socket()
---     print(python.closing(sock, function(open) return open:gettimeout() end)) --> nil
---     print(pcall(sock.fileno, sock)) --> false	[Errno 9] Bad file descriptor
---
--- Raises: what `f` and `close` raise; TypeError.
--- Python: 2.5 (contextlib).
---@param thing any an object with a method `close`: a socket, a TLS connection, a file
---@param f fun(thing: any): any
---@return any ... # what `f` returns
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

--- Calls a function, and returns nothing if it raises an error of a class. Python's `with suppress(OSError):` is this.
--- The function may yield.
---
---     local python = require "cleat.python"
---     local sock = socket.socket()
---     sock:settimeout(0)
---     print(python.suppress(socket.error, sock.recv, sock, 10)) -->
---
--- Raises: what `f` raises, if it is of no such class; TypeError.
--- Python: 3.4 (contextlib).
---@param class cleat.Class|cleat.Class[] a class of errors, or a list of them
---@param f fun(...): any
---@param ... any the arguments of `f`
---@return any ... # what `f` returns
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

--- Returns an iterator that calls a function until it returns a value, or nil. Python's `iter(f, sentinel)` is this.
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

--- Returns a table of pairs: `dict(cert.subject).commonName`. The list holds pairs, or lists of pairs as a
--- certificate's names do. Of several pairs with one key the last counts. Reading a key that is not there gives nil.
---
---     local python = require "cleat.python"
---     local cert = connect():getpeercert()
---     print(python.dict(cert.subject).commonName) --> localhost
---     print(python.dict({ { "a", 1 }, { "b", 2 } }).b) --> 2
---
--- Raises: TypeError.
--- Python: 2.2.
---@param pairs_of any[]
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

--- Returns a value as Python writes it: strings in quotes, arrays as tuples, other tables as dicts.
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

--- Returns a value as repr does, but on several lines if it does not fit on one.
---
---     local python = require "cleat.python"
---     print(python.pformat({ "DNS", "a.example" }, 12))
---     --> ('DNS',
---     -->  'a.example')
---
--- Raises: TypeError.
--- Python: 1.4 (pprint).
---@param value any
---@param width integer? characters of a line; 80 by default
---@return string
function python.pformat(value, width)
    return pprint.pformat(value, check.optional_integer("pformat", "width", width, 80, 1))
end

--- Prints a value as pformat returns it.
---
---     local python = require "cleat.python"
---     python.pprint(connect():version()) --> 'TLSv1.3'
---
--- Python: 1.4 (pprint).
---@param value any
function python.pprint(value)
    io.write(pprint.pformat(value), "\n")
end

--- Returns the bits that one of the values has: Python's `|`, on every Lua.
---
---     local python = require "cleat.python"
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
---     context.options = python.bor(context.options, ssl.OP_NO_TLSv1, ssl.OP_NO_TLSv1_1)
---     print(python.band(context.options, ssl.OP_NO_TLSv1) ~= 0) --> true
---
--- Raises: TypeError; ValueError for more than 53 bits.
--- Python: 1.4.
---@param value integer
---@param ... integer
---@return integer
function python.bor(value, ...)
    return bits.bor(value, ...)
end

--- Returns the bits that all values have: Python's `&`.
---
---     local python = require "cleat.python"
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
---     context.options = python.band(context.options, python.bnot(ssl.OP_NO_TICKET))
---     print(python.band(6, 3)) --> 2
---
--- Raises: TypeError; ValueError for more than 53 bits.
--- Python: 1.4.
---@param value integer
---@param ... integer
---@return integer
function python.band(value, ...)
    return bits.band(value, ...)
end

--- Returns the bits that an odd number of the values have: Python's `^`.
---
---     print(require("cleat.python").bxor(6, 3)) --> 5
---
--- Raises: TypeError; ValueError for more than 53 bits.
--- Python: 1.4.
---@param value integer
---@param ... integer
---@return integer
function python.bxor(value, ...)
    return bits.bxor(value, ...)
end

--- Returns the bits that the value has not: Python's `~`, which is -value - 1.
---
---     print(require("cleat.python").bnot(6)) --> -7
---
--- Raises: TypeError; ValueError for more than 53 bits.
--- Python: 1.4.
---@param value integer
---@return integer
function python.bnot(value)
    return bits.bnot(value)
end

return strict(python, "module 'cleat.python'")
