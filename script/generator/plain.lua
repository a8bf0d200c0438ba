--- Writes the files that are lists: constants, cdef, export map, signatures.

local binding = require "generator.binding"
local classes = require "generator.classes"
local text = require "generator.text"

local plain = {}

---@param model cleat.Model
---@return string
function plain.constants(model)
    local out = text.writer()
    out(text.banner("--"))
    out ""
    out "--- The constants of the C headers, without their prefix CLEAT_."
    out "---@enum cleat.const"
    out "return {"
    for _, header in ipairs(model.headers) do
        local first = true
        for _, item in ipairs(header.items) do
            for _, constant in ipairs(item.constants or {}) do
                if first then
                    out("    -- %s", header.name)
                    first = false
                end
                out("    %s = %s,", constant.name:gsub("^CLEAT_", ""), constant.value)
            end
        end
    end
    out "}"
    return tostring(out)
end

---@param model cleat.Model
---@return string
function plain.cdef(model)
    local out = text.writer()
    out(text.banner("--"))
    out ""
    out "--- The functions of the C headers for LuaJIT's ffi.cdef. A pointer to store an id at is a void *: it may be a guard."
    local ids = {}
    for _, f in ipairs(model.functions) do
        for _, p in ipairs(f.parameters) do
            ids[f.name .. ":" .. p.name] = p.new_id or nil
        end
    end
    out "return [["
    for _, f in ipairs(model.functions) do
        local declarations = #f.declarations > 0 and { table.unpack(f.declarations) } or { "void" }
        for i, declaration in ipairs(declarations) do
            if ids[f.name .. ":" .. declaration:match("[%w_]+$")] then
                -- To LuaJIT a guard is a separate struct.
                declarations[i] = declaration:gsub("^int32_t", "void")
            end
        end
        out(text.wrap("int32_t " .. f.name .. "(", declarations, ");"))
    end
    out "]]"
    return tostring(out)
end

---@param model cleat.Model
---@return string
function plain.map(model)
    local out = text.writer()
    out(text.banner("/*", "*/"))
    out "{"
    out "global:"
    for _, f in ipairs(model.functions) do
        out("    %s;", f.name)
    end
    out "local:"
    out "    *;"
    out "};"
    return tostring(out)
end

---@param model cleat.Model
---@return string
function plain.signatures(model)
    local out = text.writer()
    out(text.banner("--"))
    out ""
    out "--- What the backend's functions take, for specs that try them all. arguments: one a Lua"
    out "--- argument; results: how many come after the status; classes: of the statuses that the"
    out "--- C function's comment lists, and those that cleat.h names for every function."
    out "return {"
    for _, variant in ipairs(binding.all(model)) do
        local arguments = text.map(variant.arguments, function(argument)
            return ('{ kind = "%s", name = "%s" }'):format(argument.kind, argument.name)
        end)
        local listed = text.map(classes.of(model, variant.of), function(name)
            return ("%s = true"):format(name:gsub("^CLEAT_", ""))
        end)
        out("    {")
        out('        name = "%s", results = %d,', variant.name, #variant.results)
        out(text.wrap("        classes = { ", listed, " },"))
        out("        arguments = {%s", #arguments == 0 and "}," or "")
        for _, argument in ipairs(arguments) do
            out("            %s,", argument)
        end
        if #arguments > 0 then
            out "        },"
        end
        out "    },"
    end
    out "}"
    return tostring(out)
end

return plain
