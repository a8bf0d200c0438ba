--- Writes native_abi.c: for each Lua function of the binding one lua_CFunction.

local binding = require "generator.binding"
local text = require "generator.text"

local native = {}

-- Names that the generated functions use for themselves.
local TAKEN = { L = true, held = true, result = true }

---@param v cleat.Variant
---@param out any the writer
local function emit(v, out)
    local name = v.name
    local read, call, room, push = {}, {}, {}, {}
    local function add(list, format, ...)
        list[#list + 1] = format:format(...)
    end

    local scratch -- allocated last: any allocation may run a finalizer, which may use it too
    local growing -- the parameter whose text may need a larger buffer
    local top = v.guarded -- whether values are pushed before all arguments are read
    local guards = {} -- the names of the guards, which stand on the stack behind the arguments
    local position = 0 -- of the Lua argument
    for _, p in ipairs(v.of.parameters) do
        assert(not TAKEN[p.name], v.of.where .. ": a parameter cannot be called " .. p.name)
        position = position + 1
        if p.kind == "int" then
            add(read, 'int32_t %s = native_int(L, %d, "%s");', p.name, position, name)
            add(call, p.name)
        elseif p.kind == "double" then
            add(read, 'double %s = native_double(L, %d, "%s");', p.name, position, name)
            add(call, p.name)
        elseif p.kind == "bytes" then
            local how = v.form == "from" and "native_source" or "native_bytes"
            add(read, "int32_t %s;", p.size)
            local line = 'const char *%s =|%s(L, %d, "%s", &%s);'
            line = line:format(p.name, how, position, name, p.size)
            add(read, "%s", (line:gsub("|", #line > 96 and "\n        " or " ")))
            add(call, p.name)
            add(call, p.size)
            position = position + (v.form == "from" and 1 or 0)
        elseif p.kind == "ints" then
            top = true
            add(read, "int32_t %s_few[NATIVE_FEW];", p.name)
            add(read, "int32_t %s;", p.size)
            add(read, 'const int32_t *%s = native_ints(L, %d, "%s", %s_few, &%s);', p.name, position, name, p.name,
                p.size)
            add(call, p.name)
            add(call, p.size)
        elseif p.kind == "ints_out" then
            add(read, 'int32_t %s = native_int(L, %d, "%s");', p.size, position, name)
            add(room, "int32_t %s_few[NATIVE_FEW];", p.name)
            add(room, "int32_t *%s = native_ints_room(L, %s_few, %s);", p.name, p.name, p.size)
            add(call, p.name)
            add(call, p.size)
            add(push, "native_push_ints(L, %s, %s);", p.name, p.size)
        elseif p.kind == "buf" and v.form == "into" then
            add(read, "int32_t %s;", p.size)
            add(read, 'char *%s = native_within(L, %d, "%s", &%s);', p.name, position, name, p.size)
            add(call, p.name)
            add(call, p.size)
            position = position + 2
        elseif p.kind == "buf" then
            add(read, 'int32_t %s = native_int(L, %d, "%s");', p.size, position, name)
            scratch = ("char *%s = native_room(L, %s);"):format(p.name, p.size)
            local limited = binding.LIMITED[v.of.short]
            if limited == true then
                add(room, "if (%s > NATIVE_SCRATCH) %s = NATIVE_SCRATCH;", p.size, p.size)
            elseif limited then
                add(room, "if (%s > NATIVE_SCRATCH) {", p.size)
                add(room, "    %s = %s(socket, %s, flags);", p.size, limited, p.size)
                add(room, "    if (%s < 0) return native_status(L, %s);", p.size, p.size)
                add(room, "}")
            end
            add(call, p.name)
            add(call, p.size)
            add(push, "native_push_bytes(L, %s, result, %s);", p.name, p.size)
        else
            position = position - 1 -- no argument
            if p.kind == "text" then
                growing = p
                add(room, "char %s_short[NATIVE_SHORT];", p.name)
                add(room, "char *%s = %s_short;", p.name, p.name)
                add(room, "int32_t %s = NATIVE_SHORT;", p.size)
                add(call, p.name)
                add(call, p.size)
                add(push, "lua_pushlstring(L, %s, (size_t)result);", p.name)
            elseif p.kind == "int_out" and p.new_id and v.guarded then
                local guard = v.of.guards and p.name or p.name .. "_guard"
                guards[#guards + 1] = guard
                add(call, "&%s->id", guard)
                if not v.of.guards then
                    add(push, "lua_pushinteger(L, %s->id);", guard)
                end
            elseif p.kind == "int_out" then
                add(room, "int32_t %s = 0;", p.name)
                add(call, "&" .. p.name)
                add(push, "lua_pushinteger(L, %s);", p.name)
            elseif p.kind == "double_out" then
                add(room, "double %s = 0;", p.name)
                add(call, "&" .. p.name)
                add(push, "lua_pushnumber(L, %s);", p.name)
            else
                error(p.kind)
            end
        end
    end
    assert(position == #v.arguments, name)

    for i, guard in ipairs(guards) do
        table.insert(room, i, ("struct native_guard *%s = native_push_guard(L);"):format(guard))
        add(push, "lua_pushvalue(L, %d);", position + i)
    end
    -- Allocating a string may fail, and must not leak an id.
    local outputs = text.map(v.of.parameters, function(p)
        return not v.guarded and p.new_id and p.name or nil
    end)
    if #outputs > 0 and (scratch or growing) then
        assert(#outputs == 1, v.of.where .. ": one id only")
        add(room, "struct native_guard *held = native_push_guard(L);")
        table.insert(push, 1, ("held->id = %s;"):format(outputs[1]))
        push[#push + 1] = "held->id = 0;"
    end

    out ""
    local head, arguments, tail = binding.describe(v)
    out(text.wrap("/* " .. head, arguments, tail .. " */"))
    out("static int l_%s(lua_State *L) {", name)
    if top then
        out("    lua_settop(L, %d);", position)
    end
    for _, line in ipairs(read) do
        out("    %s", line)
    end
    room[#room + 1] = scratch
    for _, line in ipairs(room) do
        out("    %s", line)
    end
    if growing then
        out "    int32_t result;"
        assert(#guards == 0, v.of.where .. ": a text and a guard in one function")
        out(text.wrap(("    while ((result = %s("):format(v.of.name), call, (")) > %s) {"):format(growing.size)))
        out("        %s = native_longer(L, %d, result);", growing.name, position)
        out("        %s = result;", growing.size)
        out "    }"
    else
        out(text.wrap(("    int32_t result = %s("):format(v.of.name), call, ");"))
    end
    out "    lua_pushinteger(L, result);"
    if #push > 0 then
        out "    if (result < 0) return 1;"
        for _, line in ipairs(push) do
            out("    %s", line)
        end
    end
    out("    return %d;", 1 + #v.results)
    out "}"
end

---@param model cleat.Model
---@return string
function native.abi(model)
    local out = text.writer()
    out(text.banner("/*", "*/"))
    out "/* native_abi.c: every function of cleat.h for Lua, by script/generator/binding.lua. */"
    out "/* clang-format off */"
    out '#include "native.h"'
    local all = binding.all(model)
    for _, v in ipairs(all) do
        emit(v, out)
    end
    out ""
    out "const luaL_Reg native_abi[] = {"
    for _, v in ipairs(all) do
        out('    {"%s", l_%s},', v.name, v.name)
    end
    out "    {NULL, NULL},"
    out "};"
    return tostring(out)
end

return native
