--- Writes spec/c/test_garbage.c: the descriptions of all functions with which spec/c/garbage.h calls each with bad
--- values.

local text = require "generator.text"

local garbage = {}

-- The field of struct value (spec/c/garbage.h) that is passed for a parameter of each kind.
local ARGUMENTS = {
    int = { "v[%d].i" },
    double = { "v[%d].d" },
    bytes = { "v[%d].bytes", "v[%d].size" },
    ints = { "v[%d].ints", "v[%d].size" },
    text = { "v[%d].room", "v[%d].size" },
    buf = { "v[%d].room", "v[%d].size" },
    int_out = { "v[%d].int_out" },
    double_out = { "v[%d].double_out" },
    ints_out = { "v[%d].ints_out", "v[%d].size" },
}

---@param model cleat.Model
---@return string
function garbage.test(model)
    local kinds = {}
    for _, kind in ipairs(model.kinds) do
        kinds[kind.name] = kind.constant
    end

    --- A parameter that is named like a kind of object is an id of that kind.
    local function parameter(p)
        if p.kind == "int" and kinds[p.name] then
            return ("{ID, %s, \"%s\"}"):format(kinds[p.name], p.name)
        elseif p.kind == "int" and p.name == "id" then
            return "{ANY_ID, 0, \"id\"}"
        end
        return ("{%s, 0, \"%s\"}"):format(p.kind:upper(), p.name)
    end

    local out = text.writer()
    out(text.banner("/*", "*/"))
    out "/* test_garbage.c: no argument, however bad, does more than give a status. garbage.h says which"
    out " * values are tried and what is demanded of the results. */"
    out "/* clang-format off */"
    out "#define CLASSES_UNCHECKED"
    out '#include "classes.h"'
    out '#include "garbage.h"'
    out ""
    out "static const int32_t kinds[] = {"
    for _, kind in ipairs(model.kinds) do
        out("    %s,", kind.constant)
    end
    out "    0,"
    out "};"
    for _, f in ipairs(model.functions) do
        local arguments = {}
        for i, p in ipairs(f.parameters) do
            for _, form in ipairs(ARGUMENTS[p.kind]) do
                arguments[#arguments + 1] = form:format(i - 1)
            end
        end
        out ""
        out("static int32_t call_%s(const struct value *v) {", f.short)
        if #f.parameters == 0 then
            out "    (void)v;"
        end
        out(text.wrap(("    return %s("):format(f.name), arguments, ");"))
        out "}"
    end
    out ""
    out "static const struct function functions[] = {"
    for _, f in ipairs(model.functions) do
        local head = ('    {"%s", call_%s, CLASSES_%s, '):format(f.name, f.short, f.short)
        if #f.parameters == 0 then
            out("%s{{END, 0, NULL}}},", head)
        else
            out(head:sub(1, -2))
            local list = text.map(f.parameters, parameter)
            list[#list + 1] = "{END, 0, NULL}"
            out(text.wrap("     {", list, "}},"))
        end
    end
    out "    {NULL, NULL, 0, {{END, 0, NULL}}},"
    out "};"
    out ""
    out "int main(void) {"
    out "    return garbage_run(functions, kinds) == 0 ? 0 : 1;"
    out "}"
    return tostring(out)
end

return garbage
