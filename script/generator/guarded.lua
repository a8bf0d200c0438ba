--- Writes cleat/guarded.h and core/tls/guarded.c: for each function whose result is a new id, one that stores the id
--- before it returns.

local text = require "generator.text"

local guarded = { HEADER = "cleat/guarded.h" }

local PROSE = [[the functions whose result is a new id, once more, for interruptible callers.

Each cleat_X_guarded does what cleat_X does and returns the same, and stores the id in *guard_id before it returns; 0 if the
result is 0; nothing if it fails. In a language in which an exception can come between a call's return and the next statement
(a signal's handler in Python, a debug hook in LuaJIT), the id would be lost there. Let guard_id be memory of an object whose
finalizer closes the id that is in it: the object exists before the id does, and so the id is closed in any case.
cleat_socket_pair, cleat_socket_recvfrom and cleat_socket_recvmsg store their ids like this as they are.]]

--- Returns the guarded forms, as functions of a header.
---@param model cleat.Model the other headers
---@return cleat.Header
function guarded.header(model)
    local items = {}
    for _, f in ipairs(model.functions) do
        if f.new_id then
            local declarations = { table.unpack(f.declarations) }
            local parameters = { table.unpack(f.parameters) }
            declarations[#declarations + 1] = "int32_t *guard_id"
            parameters[#parameters + 1] = { kind = "int_out", name = "guard_id", new_id = true }
            local name = f.name .. "_guarded"
            items[#items + 1] = {
                type = "function", name = name, short = f.short .. "_guarded", guards = f.name,
                comment = ("%s returns what %s does, and stores the id in guard_id."):format(name, f.name),
                declarations = declarations, parameters = parameters, where = f.where, new_id = false,
            }
        end
    end
    return { name = guarded.HEADER, prose = PROSE:gsub("([^\n])\n([^\n])", "%1 %2"), items = items }
end

local function items(model)
    for _, header in ipairs(model.headers) do
        if header.name == guarded.HEADER then
            return header.items
        end
    end
    for _, f in ipairs(model.functions) do
        assert(not f.new_id, f.where .. ": cleat.h does not include " .. guarded.HEADER)
    end
    return {}
end

--- Fills lines of a comment, each behind " * ".
local function comment(prose, first)
    local lines, current = {}, first
    for paragraph in (prose .. "\n\n"):gmatch("(.-)\n\n") do
        for word in paragraph:gmatch("%S+") do
            if #current + 1 + #word > 96 then
                lines[#lines + 1] = current
                current = " *"
            end
            current = current .. " " .. word
        end
        lines[#lines + 1] = current
        lines[#lines + 1] = " *"
        current = " *"
    end
    lines[#lines] = nil
    lines[#lines] = lines[#lines] .. " */"
    return table.concat(lines, "\n")
end

---@param model cleat.Model
---@return string
function guarded.declarations(model)
    local out = text.writer()
    out(comment((PROSE:gsub("\n([^\n])", " %1")), "/* guarded.h:"))
    out "/* clang-format off */"
    out "#ifndef CLEAT_GUARDED_H"
    out "#define CLEAT_GUARDED_H"
    out ""
    out '#include "cleat/base.h"'
    out ""
    out(text.banner("/*", "*/"))
    for _, f in ipairs(items(model)) do
        out ""
        out(comment(f.comment, "/*"))
        local declarations = { table.unpack(f.declarations) }
        declarations[#declarations] = "CLEAT_NEW_ID " .. declarations[#declarations]
        out(text.wrap("CLEAT_API int32_t " .. f.name .. "(", declarations, ");"))
    end
    out ""
    out "#endif"
    return tostring(out)
end

---@param model cleat.Model
---@return string
function guarded.definitions(model)
    local out = text.writer()
    out(text.banner("/*", "*/"))
    out "/* guarded.c: see cleat/guarded.h. */"
    out "/* clang-format off */"
    out '#include "cleat.h"'
    out ""
    out '#include "base/argument.h"'
    for _, f in ipairs(items(model)) do
        local arguments = {}
        for i = 1, #f.declarations - 1 do
            arguments[i] = f.declarations[i]:match("[%w_]+$")
        end
        out ""
        out(text.wrap("int32_t " .. f.name .. "(", f.declarations, ") {"))
        out "    CLEAT_NO_CANCEL(); /* the caller has the id */"
        out "    int32_t result;"
        out("    CLEAT_CHECK_POINTER(%d, guard_id);", #f.declarations)
        out(text.wrap("    result = " .. f.guards .. "(", arguments, ");"))
        out "    if (result >= 0) *guard_id = result;"
        out "    return result;"
        out "}"
    end
    return tostring(out)
end

return guarded
