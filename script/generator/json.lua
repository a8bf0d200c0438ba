--- Writes examples/ffi/cleat.json: the whole ABI for generators of bindings. docs/ffi.md describes the format.

local classes = require "generator.classes"
local meaning = require "generator.meaning"
local text = require "generator.text"

local json = {}

-- The version of the format: incremented if a reader of an older version would misunderstand it.
local FORMAT = 1

-- An object keeps its keys in the order in which it lists them.
local Object = {}

--- object{ "name", value, "other", value }: absent values are omitted.
local function object(pairs_of)
    local entries = setmetatable({}, Object)
    for i = 1, pairs_of.n or #pairs_of, 2 do
        if pairs_of[i + 1] ~= nil then
            entries[#entries + 1] = { pairs_of[i], pairs_of[i + 1] }
            entries[pairs_of[i]] = pairs_of[i + 1]
        end
    end
    return entries
end

local function build(...)
    return object(table.pack(...))
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n" }

---@param value any
---@param out fun(piece: string)
---@param indent string
---@param flat boolean? whether to stay on this line
local function write(value, out, indent, flat)
    local kind = type(value)
    if kind == "string" then
        out('"' .. value:gsub('["\\\n]', ESCAPES):gsub("%c", function(c)
            return ("\\u%04x"):format(c:byte())
        end) .. '"')
    elseif kind == "number" or kind == "boolean" then
        out(tostring(value))
    else
        local is_object = getmetatable(value) == Object
        local open, close = is_object and "{" or "[", is_object and "}" or "]"
        if #value == 0 then
            out(open .. close)
            return
        end
        -- an object without lists of objects is written on one line
        local deeper = indent .. "  "
        local line = flat or value.line or not is_object and type(value[1]) == "string"
        out(open)
        for i, entry in ipairs(value) do
            out((i > 1 and "," or "") .. (line and (i > 1 and " " or "") or "\n" .. deeper))
            if is_object then
                out('"' .. entry[1] .. '": ')
                write(entry[2], out, deeper, line)
            else
                write(entry, out, deeper, line)
            end
        end
        out((line and "" or "\n" .. indent) .. close)
    end
end

--- One line for a small object.
local function flat(...)
    local entries = build(...)
    entries.line = true
    return entries
end

---@param model cleat.Model
---@param root string
---@return string
local function version(model, root)
    local numbers = {}
    for _, constant in ipairs(model.constants) do
        numbers[constant.name] = constant.number
    end
    if numbers.CLEAT_VERSION_MAJOR then
        return ("%d.%d.%d"):format(numbers.CLEAT_VERSION_MAJOR, numbers.CLEAT_VERSION_MINOR, numbers.CLEAT_VERSION_PATCH)
    end
    for line in io.lines(root .. "/CMakeLists.txt") do
        local found = line:match("^project%(cleat VERSION (%S+)")
        if found then
            return found
        end
    end
    error({ message = "CMakeLists.txt: no project(cleat VERSION ...)" }, 0)
end

---@param what cleat.Meaning?
---@return string? of, string[]? groups
local function details(what)
    return what and what.of, what and what.groups
end

local function parameter(p)
    local of, groups = details(p.meaning)
    return flat("name", p.name, "kind", p.kind, "direction", p.direction, "of", of, "groups", groups, "array", p.array,
        "also", p.also, "size", p.size, "full_length", p.full_length, "absent", p.absent)
end

---@param model cleat.Model
---@param header cleat.Header
---@param f cleat.Function
local function describe(model, header, f)
    local result = meaning.result(model, f)
    return build("name", f.name, "header", header.name, "since", f.since, "guards", f.guards,
        "parameters", text.map(meaning.parameters(model, f), parameter),
        "result", flat("kind", result.kind, "of", result.of, "groups", result.groups, "none", result.none),
        "blocks", meaning.blocks(model, f), "closes", meaning.closes(f), "classes", classes.of(model, f), "c", f.declarations, "about", f.comment)
end

--- The document, as a table: the generators of bindings read this and nothing else.
---@param model cleat.Model
---@param root string
function json.document(model, root)
    local headers, functions, events = {}, {}, {}
    for _, header in ipairs(model.headers) do
        if #header.items > 0 then
            headers[#headers + 1] = flat("name", header.name, "about", header.prose)
        end
        for _, item in ipairs(header.items) do
            if item.type == "function" then
                functions[#functions + 1] = describe(model, header, item)
            end
        end
    end
    local groups = text.map(meaning.groups(model), function(group)
        return build("name", group.name, "header", group.header, "flags", group.flags, "about", group.comment,
            "constants", text.map(group.constants, function(constant)
                return flat("name", constant.name, "value", constant.number, "since", constant.since or model.abi_version,
                    "about", constant.note)
            end))
    end)
    for _, constant in ipairs(classes.all(model)) do
        events[#events + 1] = flat("name", constant.name, "value", constant.number, "event", constant.number < 16)
    end
    return build("format", FORMAT, "version", version(model, root), "abi_version", model.abi_version,
        "library", "libcleat.so.0", "conventions", model.conventions, "headers", headers,
        "kinds", text.map(model.kinds, function(kind)
            return flat("name", kind.name, "constant", kind.constant)
        end),
        "classes", events, "groups", groups, "functions", functions)
end

---@param document table
---@return string
function json.encode(document)
    local pieces = {}
    write(document, function(piece)
        pieces[#pieces + 1] = piece
    end, "")
    return table.concat(pieces) .. "\n"
end

return json
