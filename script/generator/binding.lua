--- How a C function becomes Lua functions: the rules that both backends are generated from.

local binding = {}

---@class cleat.Argument a Lua argument
---@field kind "int"|"double"|"bytes"|"ints"|"capacity"|"buffer"|"offset"|"source"
---@field name string
---@field parameter cleat.Parameter the C parameter that it serves

---@class cleat.Variant one Lua function
---@field name string
---@field of cleat.Function
---@field form "plain"|"into"|"from"
---@field arguments cleat.Argument[]
---@field results {kind: "text"|"buf"|"int_out"|"double_out"|"ints_out", name: string, parameter: cleat.Parameter}[]

-- The functions on whose path data is sent: they also have a form that takes a buffer and an offset.
local FROM = { socket_send = true, connection_write = true, connection_feed = true }

---@param f cleat.Function
---@param form "plain"|"into"|"from"
---@return cleat.Variant
local function variant(f, form)
    local arguments, results = {}, {}
    local function argument(kind, parameter, name)
        arguments[#arguments + 1] = { kind = kind, name = name or parameter.name, parameter = parameter }
    end
    for _, p in ipairs(f.parameters) do
        local kind = p.kind
        if kind == "bytes" and form == "from" then
            argument("source", p)
            argument("offset", p, p.name .. "_offset")
        elseif kind == "buf" and form == "into" then
            argument("buffer", p)
            argument("offset", p, p.name .. "_offset")
            argument("capacity", p, p.size)
        elseif kind == "int" or kind == "double" or kind == "bytes" or kind == "ints" then
            argument(kind, p)
        elseif kind == "buf" or kind == "ints_out" then
            argument("capacity", p, p.size)
            results[#results + 1] = { kind = kind, name = p.name, parameter = p }
        else
            results[#results + 1] = { kind = kind, name = p.name, parameter = p }
        end
    end
    local name = form == "plain" and f.short or f.short .. "_" .. form
    return { name = name, of = f, form = form, arguments = arguments, results = results }
end

---@param f cleat.Function
---@param kind string
---@return boolean
local function has(f, kind)
    for _, p in ipairs(f.parameters) do
        if p.kind == kind then
            return true
        end
    end
    return false
end

--- Every Lua function of the model, in the order of the headers.
---@param model cleat.Model
---@return cleat.Variant[]
function binding.all(model)
    local list = {}
    local missing = {}
    for name in pairs(FROM) do
        missing[name] = true
    end
    for _, f in ipairs(model.functions) do
        missing[f.short] = nil
        list[#list + 1] = variant(f, "plain")
        if has(f, "buf") then
            list[#list + 1] = variant(f, "into")
        end
        if FROM[f.short] then
            assert(has(f, "bytes"), f.name .. " has no bytes to send from a buffer")
            list[#list + 1] = variant(f, "from")
        end
    end
    assert(not next(missing), "script/generator/binding.lua: FROM names a function that is not there")
    return list
end

--- "socket_recv(socket, buf_cap, flags, timeout) -> status, buf"
---@param v cleat.Variant
---@return string head, string[] arguments, string tail
function binding.describe(v)
    local arguments, results = {}, { "status" }
    for _, argument in ipairs(v.arguments) do
        arguments[#arguments + 1] = argument.name
    end
    for _, result in ipairs(v.results) do
        results[#results + 1] = result.name
    end
    return v.name .. "(", arguments, ") -> " .. table.concat(results, ", ")
end

return binding
