--- Reads `---` comments of Lua sources. Their form:
---
---     --- Text; an example is a paragraph that is indented by four blanks, its output follows "-->".
---     --- Raises: errors and when.
---     --- Python: the version that introduced the counterpart, or "none".
---     ---@param name type text            a type that ends in "?" is optional
---     ---@return type name text           "#" in place of the name for none
---
--- Constants and other values are described in groups: "--- PREFIX_*: text". `---@internal` excludes a function.

local comment = {}

--- Returns a function that returns the lines of a file, by its name.
---@param root string
function comment.sources(root)
    local cache = {}
    return function(name)
        local file = cache[name]
        if not file then
            file = { name = name }
            for line in io.lines(root .. "/" .. name) do file[#file + 1] = line end
            cache[name] = file
        end
        return file
    end
end

local function collect(lines, where)
    local doc = { where = where, text = {}, params = {}, returns = {}, fields = {}, overloads = {} }
    local current -- the tag to which a line without one belongs
    for _, line in ipairs(lines) do
        local tag, rest = line:match("^%s*%-%-%-@(%w+)%s*(.*)$")
        local text = line:match("^%s*%-%-%-%s?(.*)$")
        if tag == "param" or tag == "field" or tag == "return" then
            current = { text = rest }
            local list = tag == "param" and doc.params or tag == "field" and doc.fields or doc.returns
            list[#list + 1] = current
        elseif tag == "class" then
            doc.class, current = rest, { text = "" }
        elseif tag == "overload" then
            current = { text = rest }
            doc.overloads[#doc.overloads + 1] = current
        elseif tag then
            doc[tag], current = rest ~= "" and rest or true, { text = "" }
        elseif text:find("^Raises: ") then
            current = { text = text:sub(9) }
            doc.raises = current
        elseif text:find("^Python: ") then
            current = { text = text:sub(9) }
            doc.python = current
        elseif current then
            current.text = current.text .. " " .. text
        else
            doc.text[#doc.text + 1] = text
        end
        if text and text == "" and (current == doc.raises or current == doc.python) then current = nil end
    end
    while doc.text[#doc.text] == "" do doc.text[#doc.text] = nil end
    doc.raises, doc.python = doc.raises and doc.raises.text:match("^(.-)%s*$"), doc.python and doc.python.text:match("^(.-)%s*$")
    return doc
end

-- A type at the beginning of a text: up to a blank outside of brackets; it includes "a|b" and "fun(…): T".
local function split_type(text)
    local depth, at = 0, 1
    while at <= #text do
        local char = text:sub(at, at)
        if char:find("[%(%[{<]") then depth = depth + 1 elseif char:find("[%)%]}>]") then depth = depth - 1 end
        if char == " " and depth == 0 and text:sub(at - 1, at - 1) ~= ":" then break end
        at = at + 1
    end
    return text:sub(1, at - 1), text:sub(at + 1)
end

local function finish(doc)
    for _, list in ipairs { doc.params, doc.fields } do
        for _, item in ipairs(list) do
            local name, rest = item.text:match("^(%S+)%s+(.*)$")
            name, rest = name or item.text, rest or ""
            item.name = name:gsub("%?$", "")
            item.type, item.about = split_type(rest)
            item.optional = item.type:find("%?$") ~= nil or item.type:find("|nil$") ~= nil or name:find("%?$") ~= nil
        end
    end
    for _, item in ipairs(doc.returns) do
        local rest
        item.type, rest = split_type(item.text)
        item.name, item.about = rest:match("^(%S+)%s*(.*)$")
        item.name = item.name ~= "#" and item.name or nil
        item.about = item.about or ""
    end
    return doc
end

--- Returns the description that the lines of a block are.
---@param lines string[]
---@param where string FILE:LINE
function comment.parse(lines, where)
    return finish(collect(lines, where))
end

--- The block that ends right above a line; nil if there is none.
function comment.above(file, line)
    local first = line
    while first > 1 and file[first - 1]:find("^%s*%-%-%-") and not file[first - 1]:find("^%s*%-%-%-%-") do first = first - 1 end
    if first == line then return nil end
    return comment.parse({ table.unpack(file, first, line - 1) }, ("%s:%d"):format(file.name, first))
end

--- Calls visit with the lines of each block, and the number of the first.
function comment.every_block(file, visit)
    local line = 1
    while line <= #file do
        if file[line]:find("^%s*%-%-%-") then
            local first = line
            while file[line] and file[line]:find("^%s*%-%-%-") do line = line + 1 end
            visit({ table.unpack(file, first, line - 1) }, first)
        end
        line = line + 1
    end
end

return comment
