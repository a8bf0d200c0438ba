--- Writes ffi_abi.lua: the functions of the binding for LuaJIT.

local binding = require "generator.binding"
local text = require "generator.text"

local ffi = {}

-- Names that the generated functions use for themselves.
local TAKEN = {
    backend = true, bad = true, call = true, ffi = true, from = true, guard_type = true, into = true, SCRATCH = true, ints = true, ints_room = true,
    ints_table = true, length = true, lib = true, new = true, result = true, room = true, rt = true, source = true,
    str = true, str_or_close = true, text = true, TEXT = true, tobit = true, typeof = true, within = true,
}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
    until while]]):gmatch("%a+") do
    TAKEN[word] = true
end

local LUA_TYPES = {
    int = "integer", double = "number", bytes = "string?", ints = "integer[]", capacity = "integer",
    buffer = "cleat.backend.Buffer", offset = "integer", source = "string|cleat.backend.Buffer",
    text = "string?", buf = "string?", int_out = "integer?", double_out = "number?", ints_out = "integer[]?",
    guard = "cleat.backend.Guard?",
}

--- The statement that refuses an argument of another type.
---@param kind "int"|"double"
---@param argument string
---@param name string the function's
---@param position integer
---@return string
local function check(kind, argument, name, position)
    local condition, what = ('typeof(%s) ~= "number"'):format(argument), "a number"
    if kind == "int" then
        condition, what = ("%s or tobit(%s) ~= %s"):format(condition, argument, argument), "an integer"
    end
    local refuse = ('bad("%s", %d, "%s")'):format(name, position, what)
    local short = ("if %s then %s end"):format(condition, refuse)
    return #short <= 88 and short
        or ("if %s then\n                %s\n            end"):format(condition, refuse)
end

local function guard_name(v, p)
    return v.of.guards and p.name or p.name .. "_guard"
end

---@param v cleat.Variant
---@param out any the writer
local function emit(v, out)
    local name, names = v.name, {}
    out ""
    for i, argument in ipairs(v.arguments) do
        assert(not TAKEN[argument.name], v.of.where .. ": a parameter cannot be called " .. argument.name)
        names[i] = argument.name
        out("    ---@param %s %s", argument.name, LUA_TYPES[argument.kind])
    end
    out "    ---@return integer status"
    for _, result in ipairs(v.results) do
        out("    ---@return %s %s", LUA_TYPES[result.kind], result.name)
    end
    out "    do"
    out("        local call = lib.%s", v.of.name)
    for _, result in ipairs(v.results) do
        local kind = result.kind
        if (kind == "int_out" or kind == "double_out") and not (v.guarded and result.parameter.new_id) then
            out('        local %s = new("%s[1]")', result.name, kind == "int_out" and "int32_t" or "double")
        end
    end
    for _, p in ipairs(v.of.parameters) do
        if p.kind == "ints" or p.kind == "ints_out" then
            out("        local %s_room = {}", p.name)
        end
    end
    out(text.wrap(("        backend.%s = function("):format(name), names, ")"))

    -- The body is written one level deeper.
    local body = {}
    local function add(format, ...)
        body[#body + 1] = format:format(...)
    end
    local call, results, early = {}, {}, {}
    local growing
    local i = 0
    for _, p in ipairs(v.of.parameters) do
        i = i + 1
        if p.kind == "int" or p.kind == "double" then
            call[#call + 1] = p.name
            add("%s", check(p.kind, p.name, name, i))
        elseif p.kind == "bytes" and v.form == "from" then
            add('local from, %s = source(%s, %s_offset, "%s", %d)', p.size, p.name, p.name, name, i)
            call[#call + 1] = "from"
            call[#call + 1] = p.size
            i = i + 1
        elseif p.kind == "bytes" then
            add('local %s = length(%s, "%s", %d)', p.size, p.name, name, i)
            call[#call + 1] = p.name
            call[#call + 1] = p.size
        elseif p.kind == "ints" then
            add('local %s_in, %s = ints(%s, %s_room, "%s", %d)', p.name, p.size, p.name, p.name, name, i)
            call[#call + 1] = p.name .. "_in"
            call[#call + 1] = p.size
        elseif p.kind == "ints_out" or p.kind == "buf" then
            if v.form == "into" and p.kind == "buf" then
                add('local into = within(%s, %s_offset, %s, "%s", %d)', p.name, p.name, p.size, name, i)
                call[#call + 1] = "into"
                i = i + 2
            else
                add("%s", check("int", p.size, name, i))
                call[#call + 1] = p.name
            end
            call[#call + 1] = p.size
        else
            i = i - 1
            if p.kind == "text" then
                growing = p
                call[#call + 1] = p.name
                call[#call + 1] = p.size
            else
                call[#call + 1] = v.guarded and p.new_id and guard_name(v, p) or p.name
            end
        end
    end
    -- Buffers are allocated after all arguments are checked; the shared byte buffer last, because any allocation may
    -- run a finalizer, which may use that buffer too.
    local scratch
    for _, p in ipairs(v.of.parameters) do
        if p.kind == "buf" and v.form ~= "into" then
            scratch = ("local %s = room(%s)"):format(p.name, p.size)
            local limited = binding.LIMITED[v.of.short]
            if limited == true then
                add("if %s > SCRATCH then %s = SCRATCH end", p.size, p.size)
            elseif limited then
                add("if %s > SCRATCH then", p.size)
                add("    %s = lib.%s(socket, %s, flags)", p.size, limited, p.size)
                add("    if %s < 0 then return %s end", p.size, p.size)
                add("end")
            end
            results[#results + 1] = ("str(%s, result < %s and result or %s)"):format(p.name, p.size, p.size)
        elseif p.kind == "ints_out" then
            add("local %s = ints_room(%s_room, %s)", p.name, p.name, p.size)
            results[#results + 1] = ("ints_table(%s, %s)"):format(p.name, p.size)
        elseif p.kind == "text" then
            add("local %s, %s = text, TEXT", p.name, p.size)
            results[#results + 1] = ("str(%s, result)"):format(p.name)
        elseif v.guarded and p.new_id then
            add("local %s = new(guard_type)", guard_name(v, p))
            if not v.of.guards then
                results[#results + 1] = guard_name(v, p) .. ".id"
            end
        elseif p.kind == "int_out" or p.kind == "double_out" then
            -- Read at once: allocating the string may run a finalizer that calls this function too.
            early[#early + 1] = p.name
            results[#results + 1] = p.name .. "_value"
        end
    end

    -- Allocating the string may fail, and must not leak an id.
    local outputs = text.map(v.of.parameters, function(p)
        return not v.guarded and p.new_id and p.name or nil
    end)
    if #outputs > 0 and #results > #early then
        assert(#outputs == 1, v.of.where .. ": one id only")
        for k, result in ipairs(results) do
            results[k] = result:gsub("^str%(", ("str_or_close(%s_value, "):format(outputs[1]))
        end
    end
    for _, result in ipairs(v.results) do
        if result.kind == "guard" then
            results[#results + 1] = guard_name(v, result.parameter)
        end
    end

    body[#body + 1] = scratch
    for _, line in ipairs(body) do
        out("            %s", line)
    end
    local function call_line(head)
        out(text.wrap("            " .. head .. "call(", call, ")"))
    end
    if #results == 0 then
        call_line("return ")
    else
        call_line("local result = ")
        if growing then
            out("            while result > %s do", growing.size)
            out('                %s, %s = new("char[?]", result), result', growing.name, growing.size)
            out(text.wrap("                result = call(", call, ")"))
            out "            end"
        end
        out "            if result < 0 then return result end"
        if #early > 0 and #early == #results then
            for k in ipairs(results) do
                results[k] = early[k] .. "[0]"
            end
        elseif #early > 0 then
            local names = table.concat(text.map(early, function(n) return n .. "_value" end), ", ")
            local reads = table.concat(text.map(early, function(n) return n .. "[0]" end), ", ")
            local one = ("            local %s = %s"):format(names, reads)
            out(#one <= 100 and one or one:gsub(" = ", " =\n                "))
        end
        out(text.wrap("            return result, ", results, ""))
    end
    out "        end"
    out "    end"
    assert(i == #v.arguments, name)
end

---@param model cleat.Model
---@return string
function ffi.abi(model)
    local out = text.writer()
    out(text.banner("--"))
    out ""
    out "--- Every function of cleat.h for LuaJIT, by the rules in script/generator/binding.lua."
    out ""
    out 'local tobit = require("bit").tobit'
    out 'local ffi = require "ffi"'
    out "local new, str = ffi.new, ffi.string"
    out "local typeof = type -- parameters may be called type"
    out ""
    out "---@param lib table the loaded library"
    out "---@param rt cleat.backend.ffi_runtime what the functions share"
    out "---@param backend table where they go"
    out "return function(lib, rt, backend)"
    out "    local bad, length, source, within = rt.bad, rt.length, rt.source, rt.within"
    out "    local ints, ints_room, ints_table = rt.ints, rt.ints_room, rt.ints_table"
    out "    local room, str_or_close, text, TEXT = rt.room, rt.str_or_close, rt.text, rt.TEXT"
    out "    local guard_type, SCRATCH = rt.guard_type, rt.SCRATCH"
    for _, v in ipairs(binding.all(model)) do
        emit(v, out)
    end
    out "end"
    return tostring(out)
end

return ffi
