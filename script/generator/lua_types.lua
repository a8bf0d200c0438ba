--- Annotations of the Lua API for editors (LuaLS): checks those in lua/, and writes the classes of keyword arguments.

local text = require "generator.text"

local types = {}

local BUILTIN = { any = true, boolean = true, integer = true, number = true, string = true, table = true, ["function"] = true,
    ["nil"] = true, thread = true, fun = true, self = true, T = true, userdata = true, ["true"] = true, ["false"] = true }

local function entries(api)
    local list = {}
    for _, entry in ipairs(api.names) do
        if entry.kind == "function" or entry.kind == "method" then list[#list + 1] = entry end
    end
    return list
end

-- class_name: of a function's keyword arguments.
local function class_name(entry)
    return "cleat.keywords." .. entry.shown:gsub(":", "."):gsub("^socket%.socket$", "socket.socket")
end

--- The call form with a table of keyword arguments behind the required ones.
---@param entry table
---@return string
function types.overload(entry)
    local words = {}
    if entry.kind == "method" and entry.shown:find(":") then words[1] = "self" end
    for _, param in ipairs(entry.doc.params) do
        if param.optional then break end
        words[#words + 1] = param.name
    end
    words[#words + 1] = "keywords: " .. class_name(entry)
    local results = {}
    for _, item in ipairs(entry.doc.returns) do results[#results + 1] = item.type end
    return ("fun(%s)%s"):format(table.concat(words, ", "), results[1] and ": " .. table.concat(results, ", ") or "")
end

--- Raises an error for an annotation that does not match its function.
---@param api table
function types.check(api)
    local function fail(where, message, ...)
        error({ message = where .. ": " .. message:format(...) }, 0)
    end
    for _, entry in ipairs(entries(api)) do
        local doc, named = entry.doc, {}
        for _, param in ipairs(doc.params) do
            if param.name ~= "..." then named[#named + 1] = param.name end
            if param.type == "" then fail(doc.where, "%s: ---@param %s has no type", entry.shown, param.name) end
        end
        local wanted, found = table.concat(entry.params, ", "), table.concat(named, ", ")
        if wanted ~= found then
            fail(doc.where, "%s takes (%s), but its ---@param lines describe (%s)", entry.shown, wanted, found)
        end
        if entry.keywords then
            local overload, there = types.overload(entry), false
            for _, item in ipairs(doc.overloads) do there = there or item.text == overload end
            if not there then fail(doc.where, "%s takes keyword arguments; write ---@overload %s", entry.shown, overload) end
        end
    end
    for _, item in ipairs(api) do
        for name in item.type:gsub('"[^"]*"', ""):gsub("[%w_]+%??:", ""):gmatch("[%a_][%w_.]*") do
            if not BUILTIN[name] and not api["class " .. name] and not name:find("^cleat%.keywords%.") then
                fail(item.where, "there is no ---@class %s", name)
            end
        end
    end
end

--- lua/cleat/types.lua: the classes of keyword arguments.
---@param api table
---@return string
function types.page(api)
    local out = text.writer()
    out(text.banner("--", nil, "the keyword arguments of functions, for editors that"))
    out "-- read LuaLS annotations; no module requires this file."
    out "---@meta"
    for _, entry in ipairs(entries(api)) do
        if entry.keywords then
            out ""
            out("---@class %s", class_name(entry))
            for _, param in ipairs(entry.doc.params) do
                out("---@field %s%s %s", param.name, param.type:find("%?$") and "?" or "", (param.type:gsub("%?$", "")))
            end
        end
    end
    return tostring(out)
end

return types
