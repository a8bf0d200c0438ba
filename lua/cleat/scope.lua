--- Calls with a cleanup that runs however they end: by returning, by an error, by coroutine.close, or by being
--- collected.
---
--- A scope is an object with a method end_scope, which is called once the call is over. No other strong reference to it
--- may exist: if a coroutine is collected while it waits, the collector ends its scopes.

local compat = require "cleat.compat"

local pcall, error = compat.pcall, error

local scope = {}

-- The tickets by userdata, where only a userdata has a finalizer: each scope has one there.
local tickets = setmetatable({}, { __mode = "k" })

if not compat.newproxy then
    --- metatable is the metatable of scopes of a class with a method end_scope(self) and a function
    --- abandoned(self.ticket), which a finalizer calls.
    ---@param methods table
    ---@return table
    function scope.metatable(methods)
        return {
            __index = methods,
            __close = methods.end_scope,
            __gc = function(self)
                if self.open then
                    methods.abandoned(self.ticket)
                end
            end,
        }
    end

    --- make turns a table into a scope. ticket: what `abandoned` is called with, which must not refer to the scope.
    function scope.make(fields, metatable, ticket)
        fields.open, fields.ticket = true, ticket
        return setmetatable(fields, metatable)
    end

    --- again begins a scope that has ended once more.
    function scope.again(self, ticket)
        self.open, self.ticket = true, ticket
    end
else
    function scope.metatable(methods)
        local first = compat.newproxy(true)
        getmetatable(first).__gc = function(sentinel)
            local ticket = tickets[sentinel]
            if ticket then
                tickets[sentinel] = nil
                methods.abandoned(ticket)
            end
        end
        return { __index = methods, sentinel = first }
    end

    function scope.make(fields, metatable, ticket)
        local sentinel = compat.newproxy(metatable.sentinel)
        tickets[sentinel] = ticket
        fields.open, fields.sentinel = true, sentinel
        return setmetatable(fields, metatable)
    end

    function scope.again(self, ticket)
        self.open = true
        tickets[self.sentinel] = ticket
    end
end

if compat.has_close then
    -- __close is called when a coroutine is closed too. Written as text, since the others have no such syntax.
    --- run returns what f(...) returns.
    ---@type fun(scope: table, f: function, ...: any): any ...
    scope.run = assert(load([[
        local function run(scope, f, ...)
            local ending <close> = scope
            return f(...)
        end
        return run
    ]], debug and debug.getinfo(1, "S").source or "=cleat.scope"))() -- under this file's name: it is cleat's
else
    local function over(self, ok, ...)
        if self.sentinel then
            tickets[self.sentinel] = nil
        end
        self:end_scope()
        if ok then
            return ...
        end
        return error((...), 0)
    end

    function scope.run(self, f, ...)
        return over(self, pcall(f, ...))
    end
end

return scope
