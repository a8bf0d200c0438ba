--- Annotations of the Lua API for editors: checks those in lua/, and writes lua/cleat/types/, where the Lua language
--- server (LuaLS) finds each module with its functions, classes, constants and keyword arguments. No module requires
--- these files; in the sources a module's table is put together at run time, which an editor cannot follow.

local text = require "generator.text"

local types = {}

local BUILTIN = { any = true, boolean = true, integer = true, number = true, string = true, table = true, ["function"] = true,
    ["nil"] = true, thread = true, fun = true, self = true, T = true, userdata = true, ["true"] = true, ["false"] = true }

--- Raises a message for an annotation that does not fit what it describes.
---@param api table
function types.check(api)
    local function fail(where, message, ...)
        error({ message = where .. ": " .. message:format(...) }, 0)
    end
    for _, entry in ipairs(api.names) do
        if entry.kind == "function" or entry.kind == "method" then
            local doc, named = entry.doc, {}
            for _, param in ipairs(doc.params) do
                if param.name ~= "..." then named[#named + 1] = param.name end
                if param.type == "" then fail(doc.where, "%s: ---@param %s has no type", entry.shown, param.name) end
            end
            local wanted, found = table.concat(entry.params, ", "), table.concat(named, ", ")
            if wanted ~= found then
                fail(doc.where, "%s takes (%s), but its ---@param lines describe (%s)", entry.shown, wanted, found)
            end
        end
    end
    for _, item in ipairs(api) do
        for name in item.type:gsub('"[^"]*"', ""):gsub("[%w_]+%??:", ""):gmatch("[%a_][%w_.]*") do
            if not BUILTIN[name] and not api["class " .. name] then fail(item.where, "there is no ---@class %s", name) end
        end
    end
    local described = { ["cleat.Class"] = true }
    for _, module in ipairs(api.modules) do
        for _, list in ipairs { module.classes, module.tables } do
            for _, class in ipairs(list) do described[class.annotation] = true end
        end
    end
    for _, entry in ipairs(api.names) do
        for _, list in ipairs { entry.doc and entry.doc.params or {}, entry.doc and entry.doc.returns or {} } do
            for _, item in ipairs(list) do
                for class in item.type:gmatch "cleat%.[%w_.]+" do
                    if not described[class] then
                        fail(entry.where, "%s mentions %s, which no page describes: add it to TABLES in "
                            .. "script/generator/lua_model.lua", entry.shown, class)
                    end
                end
            end
        end
    end
end

-- prose writes a comment's text without its examples, as Markdown that an editor shows.
local function prose(out, lines, doc)
    local kept = {}
    for _, line in ipairs(lines) do
        local example = line:find("^    ") and not line:find("^    %*")
        if not example and not (line == "" and (kept[#kept] or "") == "") then kept[#kept + 1] = line end
    end
    while kept[#kept] == "" do kept[#kept] = nil end
    for _, line in ipairs(kept) do out(("--- " .. line):gsub("%s+$", "")) end
    for _, tag in ipairs { "raises", "python" } do
        if doc[tag] then
            out "---"
            out(text.fill(("--- %s: %s"):format(tag:gsub("^%l", string.upper), doc[tag]), "--- "))
        end
    end
end

local function tag(out, head, about)
    out(text.fill(head .. (about ~= "" and " " .. about or ""), "--- "))
end

local function optional_type(item)
    return item.optional and "?" or "", (item.type:gsub("%?$", ""))
end

-- parameter: as it stands in fun(…).
local function parameter(param)
    local mark, kind = optional_type(param)
    return ("%s%s: %s"):format(param.name, mark, kind)
end

local function keyword_class(entry)
    return "cleat.keywords." .. entry.shown:gsub(":", ".")
end

-- keyword_classes: for a call with nothing but keyword arguments, and for one with other arguments before them.
local function keyword_classes(out, entry)
    for _, suffix in ipairs { "", ".optional" } do
        out ""
        out("---@class %s%s", keyword_class(entry), suffix)
        for _, param in ipairs(entry.doc.params) do
            local mark, kind = optional_type(param)
            tag(out, ("---@field %s%s %s"):format(param.name, suffix ~= "" and "?" or mark, kind), param.about)
        end
    end
end

-- Whether a table without a metatable may be an argument, so that it cannot be recognised as keyword arguments.
local function takes_table(param)
    return param.type:find("[%[{]") or param.type:find("%f[%w]table") or param.type:find("%f[%w]any") or param.type:find("%.Request")
end

-- forms: the ways to call a function, as fun(…) types; the first has no keyword arguments. Those with many optional
-- arguments before the keyword arguments are left out.
local function forms(entry, own, result)
    local results = {}
    for _, item in ipairs(entry.doc.returns) do results[#results + 1] = item.type end
    local returned = result or results[1] and table.concat(results, ", ")
    local function form(words)
        if own then table.insert(words, 1, "self: " .. own) end
        return ("fun(%s)%s"):format(table.concat(words, ", "), returned and ": " .. returned or "")
    end
    local list, before, optional = { form(text.map(entry.doc.params, parameter)) }, {}, 0
    for index, param in ipairs(entry.keywords and entry.doc.params or {}) do
        if not takes_table(param) then
            local words = table.move(before, 1, #before, 1, {})
            words[#words + 1] = ("keywords: %s%s"):format(keyword_class(entry), before[1] and ".optional" or "")
            list[#list + 1] = form(words)
        end
        optional = optional + (param.optional and 1 or 0)
        if optional > 2 then break end
        before[#before + 1] = parameter(param)
    end
    return list
end

local function function_of(out, entry, name, own)
    out ""
    prose(out, entry.doc.text, entry.doc)
    for _, param in ipairs(entry.doc.params) do
        local mark, kind = optional_type(param)
        tag(out, ("---@param %s%s %s"):format(param.name, mark, kind), param.about)
    end
    for _, item in ipairs(entry.doc.returns) do
        local named = item.name or item.about ~= "" and "#"
        tag(out, ("---@return %s%s"):format(item.type, named and " " .. named or ""), item.about)
    end
    for index, form in ipairs(forms(entry, own)) do
        if index > 1 then out("---@overload %s", form) end
    end
    out("function %s(%s) end", name, table.concat(text.map(entry.doc.params, function(param) return param.name end), ", "))
end

local function fields_of(out, fields)
    for _, field in ipairs(fields) do
        local mark, kind = optional_type(field)
        tag(out, ("---@field %s%s %s"):format(field.name, mark, kind), field.about)
    end
end

-- class_of: the class of the objects, and the one of what makes them.
local function class_of(out, class, entries)
    for _, method in ipairs(class.methods) do
        if method.keywords then keyword_classes(out, method) end
    end
    if class.constructor and class.constructor.keywords then keyword_classes(out, class.constructor) end
    out ""
    prose(out, class.doc.text, class.doc)
    local bases = class.name == "SSLSocket" and ": cleat.Socket" or ""
    out("---@class %s%s", class.annotation, bases)
    fields_of(out, class.fields)
    out("local %s = {}", class.name)
    local of_class = {}
    local function method(entry)
        if entry.of_class then
            of_class[#of_class + 1] = entry
        else
            function_of(out, entry, class.name .. ":" .. entry.name, class.annotation)
        end
    end
    for _, entry in ipairs(class.methods) do method(entry) end
    for _, key in ipairs(bases == "" and class.inherited or {}) do method(entries[key]) end
    out ""
    out("---@class %s.class: %s, cleat.Class", class.annotation, class.annotation)
    for _, form in ipairs(class.constructor and forms(class.constructor, nil, class.annotation) or {}) do
        out("---@overload %s", form)
    end
    if class.constructed then out("---@overload fun(): %s", class.annotation) end
    out("local %sClass = {}", class.name)
    for _, entry in ipairs(of_class) do
        function_of(out, entry, ("%sClass:%s"):format(class.name, entry.name), class.annotation .. ".class")
    end
end

-- value_type: of a constant or another value of a module.
local function value_type(api, value)
    if type(value) ~= "table" then
        return math.type(value) == "integer" and "integer" or type(value)
    end
    for _, module in ipairs(api.modules) do
        if module.value == value then return module.name end
    end
    local lineage = rawget(value, "lineage")
    for _, module in ipairs(lineage and api.modules or {}) do
        for _, class in ipairs(module.classes) do
            if lineage[class.value] then return class.annotation .. ".class" end
        end
    end
    if lineage then return "cleat.ErrorClass" end
    if value[1] ~= nil then return value_type(api, value[1]) .. "[]" end
    local name = next(value)
    return type(name) == "string" and "enumeration" or "table<integer, string>"
end

-- enumeration: a table of names and numbers.
local function enumeration(out, name, value)
    local members = {}
    for member in pairs(value) do members[#members + 1] = member end
    table.sort(members)
    out ""
    out("---@class %s", name)
    for _, member in ipairs(members) do out("---@field %s %s", member, math.type(value[member]) or type(value[member])) end
end

local COMMON = [[

--- A class: it is called to make an object.
---@class cleat.Class
---@field name string as Python writes it: "ssl.SSLContext"
local Class = {}

--- Whether a value is an object of this class or of one that derives from it.
---@param value any
---@return boolean
function Class:is(value) end

--- A class of errors.
---@class cleat.ErrorClass: cleat.Class
---@overload fun(...): cleat.Error]]

--- A module's file in lua/cleat/types/.
---@param api table
---@param module table
---@return string
function types.page(api, module)
    local write = text.writer()
    local function out(format, ...)
        write("%s", select("#", ...) > 0 and format:format(...) or format)
    end
    local entries = {}
    for _, entry in ipairs(api.names) do
        if entry.kind == "method" then entries[entry.name] = entry end
    end
    out(text.banner("--", nil, "from the comments in lua/"))
    out("---@meta %s", module.name)
    if module.name == "cleat.errors" then out(COMMON) end
    for _, class in ipairs(module.classes) do class_of(out, class, entries) end
    for _, each in ipairs(module.tables) do
        out ""
        prose(out, each.doc.text, each.doc)
        out("---@class %s", each.annotation)
        fields_of(out, each.fields)
        if each.methods[1] then out("local %s = {}", each.name) end
        for _, entry in ipairs(each.methods) do function_of(out, entry, each.name .. ":" .. entry.name, each.annotation) end
    end
    for _, entry in ipairs(module.functions) do
        if entry.keywords then keyword_classes(out, entry) end
    end
    local listed, values = {}, {}
    for _, group in ipairs(module.groups) do
        for _, name in ipairs(group.members) do
            local value = group.values[name]
            local kind = value_type(api, value)
            if kind == "enumeration" then
                kind = module.name .. "." .. name
                enumeration(out, kind, value)
            end
            listed[value] = true
            values[#values + 1] = { name, kind, #group.members == 1 and table.concat(group.text, " ") or "" }
        end
    end
    out ""
    prose(out, module.doc.text, module.doc)
    out("---@class %s", module.name)
    fields_of(out, module.doc.fields)
    for _, value in ipairs(values) do tag(out, ("---@field %s %s"):format(value[1], value[2]), value[3]) end
    for _, class in ipairs(module.classes) do
        for key, value in pairs(module.value) do
            if value == class.value and not listed[value] then out("---@field %s %s.class", key, class.annotation) end
        end
    end
    out "local module = {}"
    for _, entry in ipairs(module.functions) do function_of(out, entry, "module." .. entry.name) end
    out ""
    out "return module"
    return tostring(write)
end

return types
