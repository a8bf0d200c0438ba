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
---@field guarded boolean whether new ids come with guards, which are the last results
---@field arguments cleat.Argument[]
---@field results {kind: "text"|"buf"|"int_out"|"double_out"|"ints_out"|"guard", name: string, parameter: cleat.Parameter}[]

-- The functions that send data: they also have a form that takes a buffer and an offset.
local FROM = { socket_send = true, connection_write = true, connection_feed = true }

-- The functions that may return fewer bytes than the caller has room for, so that they never need a larger capacity
-- than the scratch space: the ABI's function that returns the number of bytes, or true if there is none.
binding.LIMITED = { socket_recv = "cleat_socket_recv_room", socket_recvfrom = "cleat_socket_recv_room",
    socket_recvmsg = "cleat_socket_recv_room", connection_read = true }

---@param f cleat.Function
---@param form "plain"|"into"|"from"
---@param is_guarded boolean?
---@return cleat.Variant
local function variant(f, form, is_guarded)
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
        elseif not f.guards then -- in guarded forms the id is the result
            results[#results + 1] = { kind = kind, name = p.name, parameter = p }
        end
    end
    for _, p in ipairs(is_guarded and f.parameters or {}) do
        if p.new_id then
            results[#results + 1] = { kind = "guard", name = f.guards and p.name or p.name .. "_guard", parameter = p }
        end
    end
    local name = form == "plain" and f.short or f.short .. "_" .. form
    if is_guarded and not f.guards then
        name = name .. "_guarded"
    end
    return { name = name, of = f, form = form, guarded = is_guarded or false, arguments = arguments, results = results }
end

---@param f cleat.Function
---@param kind string
---@param mark string? a field that must be true as well
---@return boolean
local function has(f, kind, mark)
    for _, p in ipairs(f.parameters) do
        if p.kind == kind and (not mark or p[mark]) then
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
        local stores = has(f, "int_out", "new_id")
        if not f.guards then
            list[#list + 1] = variant(f, "plain")
        end
        if stores then
            list[#list + 1] = variant(f, "plain", true)
        end
        if has(f, "buf") then
            list[#list + 1] = variant(f, "into")
            list[#list + 1] = stores and variant(f, "into", true) or nil
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
