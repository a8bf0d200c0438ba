--- Calls with a cleanup that always runs: after a return or an error, when the coroutine is closed, and when it is
--- garbage-collected.
---
--- A scope is an object with a method end_scope, which is called after the call. There must be no other strong
--- reference to the scope: if a suspended coroutine is garbage-collected, the finalizers of its scopes run.

local compat = require "cleat.compat"

local pcall, error = compat.pcall, error

local scope = {}

-- Maps the userdata of scopes to their tickets, where only userdata have finalizers.
local tickets = setmetatable({}, { __mode = "k" })

if not compat.newproxy then
    --- metatable returns the metatable for scopes of a class with a method end_scope(self) and a function
    --- abandoned(self.ticket), which the finalizer calls.
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

    --- make turns a table into a scope. ticket: the argument of `abandoned`, which must not refer to the scope.
    function scope.make(fields, metatable, ticket)
        fields.open, fields.ticket = true, ticket
        return setmetatable(fields, metatable)
    end

    --- again reuses a scope that has ended.
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
    -- A <close> variable also runs its __close when a coroutine is closed. This is text, because other versions of Lua
    -- do not have the syntax. run(scope, f, ...) returns the results of f(...).
    --- run returns what f(...) returns.
    ---@type fun(scope: table, f: function, ...: any): any ...
    scope.run = assert(load([[
        local function run(scope, f, ...)
            local ending <close> = scope
            return f(...)
        end
        return run
    ]], debug and debug.getinfo(1, "S").source or "=cleat.scope"))() -- with this file's name, for errors.lua
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
