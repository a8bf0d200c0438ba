--- Reads the status classes that each function may return from its comment, and writes spec/c/classes.h, with which the
--- C tests check each call.

local text = require "generator.text"

local classes = {}

-- The classes of every function, by cleat.h: these, and HANDLE if it takes an id.
local COMMON = { CLEAT_NOMEM = true, CLEAT_USAGE = true }
local OF_IDS = "CLEAT_HANDLE"

-- Functions whose negative results are not statuses of the call.
local UNCHECKED = { cleat_error_status = true }

--- The constants that are classes, in the order of the headers.
---@param model cleat.Model
---@return cleat.Constant[]
function classes.all(model)
    local list = {}
    for _, constant in ipairs(model.constants) do
        list[#list + 1] = constant.class and constant or nil
    end
    return list
end

--- Whether the function has a parameter that is an id: one that is named like a kind of object, or id.
---@param model cleat.Model
---@param f cleat.Function
---@return boolean
local function takes_id(model, f)
    for _, parameter in ipairs(f.parameters) do
        for _, kind in ipairs(model.kinds) do
            if parameter.kind == "int" and (parameter.name == kind.name or parameter.name == "id") then
                return true
            end
        end
    end
    return false
end

--- The function of that name.
---@param model cleat.Model
---@param name string
---@return cleat.Function?
function classes.find(model, name)
    for _, f in ipairs(model.functions) do
        if f.name == name then
            return f
        end
    end
end

-- How a comment speaks of what other calls return.
local OF_OTHERS = {
    "%f[%w]return CLEAT_[%u_]+", "%f[%w]has returned CLEAT_[%u_]+", "%f[%w]fails? with CLEAT_[%u_]+",
    "%f[%w]ends with CLEAT_[%u_]+", "%f[%w]of class CLEAT_[%u_]+,? ?C?[%u_]*,? ?o?r? ?C?[%u_]*",
}

--- Whether the function may wait: the comments of others name CLEAT_WANT_* for what handshakes return.
---@param f cleat.Function
---@return boolean
local function may_wait(f)
    for _, parameter in ipairs(f.parameters) do
        if parameter.name == "timeout" then
            return true
        end
    end
    return false
end

--- The names of the classes that a function may return, in the order of the headers: those that cleat.h names for every
--- function, and those in its comment. CLEAT_WANT_* and similar names are all classes with that prefix.
---@param model cleat.Model
---@param f cleat.Function
---@return string[]
function classes.of(model, f)
    local base = f.guards and classes.find(model, f.guards) -- the function of which it is the guarded form
    if base then
        return classes.of(model, base)
    end
    local named, prefixes = {}, {}
    local own = f.comment:gsub("%s+", " ")
    for _, form in ipairs(OF_OTHERS) do
        own = own:gsub(form, "")
    end
    for name, star in own:gmatch("(CLEAT_[%u%d_]+)(%*?)") do
        if star == "*" then
            prefixes[#prefixes + 1] = name
        else
            named[name] = true
        end
    end
    local list = {}
    for _, class in ipairs(classes.all(model)) do
        local name = class.name
        local listed = named[name] or COMMON[name] or name == OF_IDS and takes_id(model, f)
        for _, prefix in ipairs(prefixes) do
            listed = listed or name:sub(1, #prefix) == prefix
        end
        listed = listed and (not name:find("^CLEAT_WANT_") or may_wait(f))
        list[#list + 1] = listed and name or nil
    end
    return list
end

--- Raises an error for a constant that a comment names and no header defines, such as a misspelt class.
---@param model cleat.Model
local function check_names(model)
    local known, unchecked = {}, {}
    for _, header in ipairs(model.headers) do
        for _, item in ipairs(header.items) do
            known[item.name or ""] = true
            for _, constant in ipairs(item.constants or {}) do
                known[constant.name] = true
            end
        end
    end
    for _, f in ipairs(model.functions) do
        unchecked[f.name] = UNCHECKED[f.name]
        for name, star in f.comment:gmatch("(CLEAT_[%u%d_]+)(%*?)") do
            if star == "" and not known[name] then
                error({ message = ("%s: the comment of %s names %s, which is not there"):format(f.where, f.name, name) }, 0)
            end
        end
    end
    for name in pairs(UNCHECKED) do
        assert(unchecked[name], "script/generator/classes.lua: UNCHECKED names a function that is not there")
    end
end

local WIDTH = 120

---@param model cleat.Model
---@return string
function classes.header(model)
    check_names(model)
    local out = text.writer()
    out(text.banner("/*", "*/"))
    out "/* classes.h: CLASSES_NAME has a bit for each status class that the comment of cleat_NAME lists, and for those that"
    out " * cleat.h lists for every function. A call of cleat_NAME ends the program if it returns another one (classes_checked in"
    out " * expect.h), unless CLASSES_UNCHECKED is defined. */"
    out "/* clang-format off */"
    out "#ifndef CLEAT_SPEC_CLASSES_H"
    out "#define CLEAT_SPEC_CLASSES_H"
    out ""
    out '#include "cleat.h"'
    out ""
    out "#define CLASSES_BIT(name) (UINT64_C(1) << CLEAT_##name)"
    out ""
    for _, f in ipairs(model.functions) do
        local bits = text.map(classes.of(model, f), function(name)
            return ("CLASSES_BIT(%s)"):format((name:gsub("^CLEAT_", "")))
        end)
        out("#define CLASSES_%s \\", f.short)
        local lines, line = {}, "    ("
        for i, bit in ipairs(bits) do
            local word = bit .. (i < #bits and " |" or ")")
            if #line + 1 + #word > WIDTH - 2 then
                lines[#lines + 1], line = line, "     "
            end
            line = line .. (line:find("%S$") and line:sub(-1) ~= "(" and " " or "") .. word
        end
        lines[#lines + 1] = line
        out("%s", table.concat(lines, " \\\n"))
    end
    out ""
    out "#ifndef CLASSES_UNCHECKED"
    for _, f in ipairs(model.functions) do
        if not UNCHECKED[f.name] then
            out("#define %s(...) \\", f.name)
            local call = ('    classes_checked("%s", CLASSES_%s, %s(__VA_ARGS__))'):format(f.name, f.short, f.name)
            if #call > WIDTH then
                call = ('    classes_checked("%s", CLASSES_%s, \\\n                    %s(__VA_ARGS__))'):format(f.name, f.short, f.name)
            end
            out("%s", call)
        end
    end
    out "#endif"
    out ""
    out "#endif"
    return tostring(out)
end

return classes
