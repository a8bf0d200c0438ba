--- Reads the hand-written headers into a model, and raises an error if one breaks the form that cleat.h describes, so
--- that everything else can be generated without ambiguity.

local guarded = require "generator.guarded"

local headers = {}

---@class cleat.Constant
---@field name string with the prefix CLEAT_
---@field value string as it stands in the header
---@field note string? the trailing comment, without the marker of a class
---@field class boolean? whether it is marked as a class of statuses: its trailing comment is or begins with "class"

---@class cleat.Parameter one logical parameter: a length or capacity belongs to its pointer
---@field kind "int"|"double"|"bytes"|"ints"|"text"|"buf"|"int_out"|"double_out"|"ints_out"
---@field name string
---@field size string? the name of its length or capacity in C
---@field new_id boolean whether it is marked as a new id (CLEAT_NEW_ID)
---@field absent boolean? whether it may be absent (CLEAT_ABSENT)
---@field binary boolean? whether a text out is bytes of any value (CLEAT_BINARY)
---@field closes boolean? whether the function closes this id (CLEAT_CLOSES)

---@class cleat.Function
---@field name string
---@field short string the name without cleat_
---@field comment string
---@field declarations string[] the parameters as C declares them
---@field parameters cleat.Parameter[]
---@field new_id boolean whether its result is marked as a new id (CLEAT_NEW_ID)
---@field may_block boolean? whether it may block beyond a timeout (CLEAT_MAY_BLOCK)
---@field or_zero boolean? whether a result that is a new id may be 0 (CLEAT_OR_ZERO)
---@field no_wait boolean? whether it returns at once, in spite of a timeout (CLEAT_NO_WAIT)
---@field guards string? the function that this one is the guarded form of
---@field where string file:line

---@class cleat.Item
---@field type "function"|"constants"|"macro"
---@field comment string?

---@class cleat.Header
---@field name string
---@field prose string the opening comment, without the file's name
---@field items cleat.Item[]

---@class cleat.Model
---@field conventions string the opening comment of cleat.h
---@field headers cleat.Header[] in the order of cleat.h
---@field functions cleat.Function[]
---@field constants cleat.Constant[]
---@field kinds {name: string, constant: string}[] the kinds of objects

-- The kind of a pointer parameter, by its type and by the ending of its size's name.
local POINTERS = {
    ["const char *"] = { size = "_len", kind = "bytes" },
    ["const int32_t *"] = { size = "_len", kind = "ints" },
    ["char *"] = { size = "_cap" }, -- text or buf, by its name
    ["int32_t *"] = { size = "_cap", kind = "ints_out", alone = "int_out" },
    ["double *"] = { alone = "double_out" },
}

local path, line -- the reader's position, for messages

---@param format string
local function fail(format, ...)
    error({ message = ("%s:%d: "):format(path, line) .. format:format(...) }, 0)
end

---@param name string
---@return string
local function read(name)
    local file = assert(io.open(name, "rb"))
    local text = file:read("a")
    file:close()
    return text
end

--- A comment's text without its stars. Lines of a paragraph are joined, paragraphs are separated by
--- an empty line.
---@param comment string
---@return string
local function prose(comment)
    local paragraphs, current = {}, {}
    local body = comment:match("^/%*(.*)%*/$") .. "\n"
    for line in body:gmatch("(.-)\n") do
        local text = line:gsub("^%s*%*? ?", ""):gsub("%s+$", "")
        if text ~= "" then
            current[#current + 1] = text
        elseif #current > 0 then
            paragraphs[#paragraphs + 1] = table.concat(current, " ")
            current = {}
        end
    end
    paragraphs[#paragraphs + 1] = #current > 0 and table.concat(current, " ") or nil
    return table.concat(paragraphs, "\n\n")
end

---@class cleat.Token
---@field type "comment"|"define"|"directive"|"declaration"
---@field text string
---@field line integer
---@field last integer the line on which it ends

--- Cuts a header into comments, preprocessor lines and declarations.
---@param text string
---@return cleat.Token[]
local function tokens(text)
    local list, position = {}, 1
    line = 1
    while true do
        local space = text:match("^%s*", position)
        line = line + select(2, space:gsub("\n", ""))
        position = position + #space
        if position > #text then
            return list
        end
        local kind, found
        if text:find("^/%*", position) then
            kind, found = "comment", text:match("^/%*.-%*/", position)
        elseif text:find("^#", position) then
            -- A comment after the directive is a separate token.
            found = text:match("^[^\n]*", position)
            found = (found:match("^(.-)%s*/%*") or found):gsub("%s+$", "")
            kind = found:find("^#%s*define%s") and "define" or "directive"
            if found:find("\\$") then
                fail("a macro must be on one line")
            end
        elseif text:find("^[%a_]", position) then
            kind, found = "declaration", text:match("^[^;{}#]*;", position)
        end
        if not found then
            fail("cannot read this: %s", text:match("^[^\n]*", position))
        end
        local last = line + select(2, found:gsub("\n", ""))
        list[#list + 1] = { type = kind, text = found, line = line, last = last }
        line, position = last, position + #found
    end
end

-- The markers of base.h for results and parameters, and their fields in the model.
local MARKERS = {
    CLEAT_NEW_ID = "new_id", CLEAT_ABSENT = "absent", CLEAT_BINARY = "binary", CLEAT_MAY_BLOCK = "may_block",
    CLEAT_NO_WAIT = "no_wait", CLEAT_OR_ZERO = "or_zero", CLEAT_CLOSES = "closes",
}

--- Returns a declaration without its markers, and the markers.
---@param declaration string
---@return string, table<string, boolean>
local function marked(declaration)
    local marks = {}
    while true do
        local word, rest = declaration:match("^([%u_]+) (.*)$")
        if not MARKERS[word] then
            return declaration, marks
        end
        marks[MARKERS[word]], declaration = true, rest
    end
end

--- Raises an error for markers in places where they have no meaning.
---@param marks table<string, boolean>
---@param allowed table<string, boolean?>
---@param declaration string
local function check_marks(marks, allowed, declaration)
    for name, field in pairs(MARKERS) do
        if marks[field] and not allowed[field] then
            fail('%s does not belong to "%s" (see base.h)', name, declaration)
        end
    end
end

--- Turns "int32_t socket", "char *buf" ... into logical parameters.
---@param declarations string[]
---@return cleat.Parameter[]
local function parameters(declarations)
    local list, i = {}, 1
    local texts = 0
    while i <= #declarations do
        local declaration, marks = marked(declarations[i])
        local new_id = marks.new_id or false
        local pointer, name = declaration:match("^(.*%*)([%a_][%w_]*)$")
        local following = declarations[i + 1]
        if not pointer then
            local scalar
            scalar, name = declaration:match("^(%S+) ([%a_][%w_]*)$")
            if scalar ~= "int32_t" and scalar ~= "double" then
                fail('"%s" is not a parameter that the ABI knows', declaration)
            elseif name:find("_len$") or name:find("_cap$") then
                fail('"%s" does not follow the pointer that it measures', declaration)
            end
            list[#list + 1] = { kind = scalar == "double" and "double" or "int", name = name, new_id = new_id }
        else
            local rule = POINTERS[pointer]
            if not rule then
                fail('"%s" is not a parameter that the ABI knows', declaration)
            end
            local size = rule.size and name .. rule.size
            if size and following == "int32_t " .. size then
                local kind = rule.kind
                if not kind then
                    kind = (name == "output" or name == "out") and "text" or name == "buf" and "buf"
                        or fail('"%s" must be called output (text) or buf (bytes)', declaration)
                    texts = texts + 1
                end
                list[#list + 1] = { kind = kind, name = name, size = size }
                i = i + 1
            elseif rule.alone then
                list[#list + 1] = { kind = rule.alone, name = name, new_id = new_id }
            else
                fail('"%s" must be followed by "int32_t %s"', declaration, size)
            end
        end
        local kind = list[#list].kind
        check_marks(marks, { new_id = kind == "int_out", absent = kind == "bytes", binary = kind == "text",
            closes = kind == "int" }, declaration)
        list[#list].absent, list[#list].binary, list[#list].closes = marks.absent, marks.binary, marks.closes
        i = i + 1
    end
    if texts > 1 then
        fail("a function has one result, so it can fill one output or buf only")
    end
    return list
end

---@param comment string?
---@param symbol string
local function check_comment(comment, symbol)
    if not comment then
        fail("%s has no comment", symbol)
    elseif comment:sub(1, #symbol + 1) ~= symbol .. " " then
        fail('the comment must begin with "%s "', symbol)
    end
end

---@param token cleat.Token
---@param comment string?
---@return cleat.Function
local function parse_function(token, comment)
    local text = token.text:gsub("%s+", " ")
    local declared, marks = marked((text:gsub("^CLEAT_API ", "")))
    check_marks(marks, { new_id = true, or_zero = marks.new_id, may_block = true, no_wait = true }, text)
    local name, list = declared:match("^int32_t (cleat_[%w_]+) ?%((.*)%);$")
    if not name or text:sub(1, 10) ~= "CLEAT_API " then
        fail("not of the form CLEAT_API int32_t cleat_...(...);: %s", text)
    end
    check_comment(comment, name)
    ---@cast comment string
    if not comment:find("%f[%w]returns%f[%W]") then
        fail('the comment of %s must say what it "returns"', name)
    end
    local declarations = {}
    if list ~= "void" then
        for declaration in list:gmatch("[^,]+") do
            declarations[#declarations + 1] = declaration:match("^%s*(.-)%s*$")
        end
        if #declarations == 0 then
            fail("%s() needs void", name)
        end
    end
    local logical = parameters(declarations)
    for i, declaration in ipairs(declarations) do
        declarations[i] = marked(declaration)
    end
    return {
        type = "function", name = name, short = name:gsub("^cleat_", ""), comment = comment,
        new_id = marks.new_id or false, may_block = marks.may_block, no_wait = marks.no_wait, or_zero = marks.or_zero,
        declarations = declarations, parameters = logical,
        where = ("%s:%d"):format(path, token.line),
    }
end

--- The patterns that a comment for a group of constants begins with, such as "CLEAT_AF_* are ...",
--- "CLEAT_SOL_* and CLEAT_IPPROTO_* are ...", "CLEAT_TLS*_VERSION are ...", as Lua patterns.
---@param comment string
---@return string[] patterns, string[] names as the comment has them
local function group_patterns(comment)
    local list, names, rest = {}, {}, comment
    repeat
        local pattern, following = rest:match("^(CLEAT_[%w_]*%*[%w_]*)(.*)$")
        if not pattern then
            return list, names
        end
        names[#names + 1] = pattern
        list[#list + 1] = "^" .. pattern:gsub("%*", "[%%w_]+") .. "$"
        rest = following:match("^ and (.*)$") or following:match("^, (.*)$")
    until not rest
    return list, names
end

---@param name string
---@param patterns string[]
---@return boolean
local function in_group(name, patterns)
    for _, pattern in ipairs(patterns) do
        if name:find(pattern) then
            return true
        end
    end
    return false
end

---@param root string
---@param name string the path below include/
---@param seen table<string, string> every symbol so far, with its place
---@return cleat.Header, string[] the headers that it includes
local function parse(root, name, seen)
    path = "include/" .. name
    local list = tokens(read(root .. "/" .. path))
    local first = list[1]
    local base = name:match("[^/]+$")
    line = 1
    if not first or first.type ~= "comment" or prose(first.text):sub(1, #base + 2) ~= base .. ": " then
        fail('the header must open with a comment that begins with "%s: "', base)
    end
    local header = { name = name, prose = prose(first.text):sub(#base + 3), items = {} }
    local includes = {}
    local items = header.items

    local function add(symbol)
        if seen[symbol] then
            fail("%s stands in %s already", symbol, seen[symbol])
        end
        seen[symbol] = ("%s:%d"):format(path, line)
    end

    local pending -- a comment whose declaration follows
    local group, group_last -- the run of constants so far, and the line that it reached
    for i = 2, #list do
        local token = list[i]
        line = token.line
        local comment = pending and pending.last == token.line - 1 and prose(pending.text) or nil
        if pending and not comment then
            line = pending.line
            fail("this comment describes nothing: no declaration on the line below it")
        end
        pending = nil
        if token.type == "comment" then
            local constants = group and group.constants
            if group_last == token.line and constants then
                local constant, note = constants[#constants], prose(token.text)
                constant.class = note == "class" or note:find("^class; ") ~= nil
                note = constant.class and note:sub(#"class; " + 1) or note
                constant.note = note ~= "" and note or nil
            else
                pending = token
            end
        elseif token.type == "declaration" then
            local item = parse_function(token, comment)
            add(item.name)
            items[#items + 1] = item
            group = nil
        elseif token.type == "directive" then
            if comment then
                fail("a comment before %s", token.text)
            end
            includes[#includes + 1] = token.text:match('^#%s*include "([^"]+)"')
            group = nil
        else
            local symbol, arguments, value = token.text:match("^#%s*define%s+([%a_][%w_]*)(%(?[^)%s]*%)?)%s*(.-)$")
            if symbol == "CLEAT_API" or MARKERS[symbol] or value == "" and symbol:find("_H$") then
                group = nil -- how functions are exported, the markers, and the include guard
            elseif arguments ~= "" or value:find '^"' then
                -- A small macro may be described in the header's opening words.
                if comment or not first.text:find(symbol .. "(", 1, true) then
                    check_comment(comment, symbol)
                end
                add(symbol)
                items[#items + 1] = { type = "macro", comment = comment, text = token.text, name = symbol }
                group = nil
            else
                value = value:match "^%((-%d+)%)$" or value -- a negative one has parentheses in C
                local number = math.tointeger(tonumber(value))
                if not symbol:find("^CLEAT_%u") then
                    fail("%s does not begin with CLEAT_", symbol)
                elseif not number or number < -0x80000000 or number > 0x7fffffff then
                    fail("%s must be an integer that fits in an int32_t", symbol)
                end
                add(symbol)
                if comment or not group or group_last ~= token.line - 1 then
                    local patterns, names = group_patterns(comment or "")
                    if #patterns == 0 then
                        check_comment(comment, symbol)
                    end
                    group = { type = "constants", comment = comment, patterns = patterns, names = names, constants = {} }
                    items[#items + 1] = group
                end
                if #group.patterns > 0 and not in_group(symbol, group.patterns)
                    or #group.patterns == 0 and #group.constants > 0 then
                    fail("%s does not belong to the group whose comment is above it", symbol)
                end
                local constants = group.constants
                constants[#constants + 1] = { name = symbol, value = value, number = number }
                group_last = token.line
            end
        end
    end
    if pending then
        line = pending.line
        fail("this comment describes nothing")
    end
    return header, includes
end

--- Reads include/cleat.h and every header that it includes.
---@param root string the source tree
---@return cleat.Model
function headers.read(root)
    local seen = {}
    local umbrella, includes = parse(root, "cleat.h", seen)
    -- This header is generated from the others.
    table.sort(includes, function(a, b)
        if (a == guarded.HEADER) ~= (b == guarded.HEADER) then
            return b == guarded.HEADER
        end
        return a < b
    end)
    local model = {
        conventions = umbrella.prose, headers = {}, functions = {}, constants = {}, kinds = {},
    }
    local included = {}
    for _, name in ipairs(includes) do
        included[name] = true
        local header = name ~= guarded.HEADER and parse(root, name, seen) or guarded.header(model)
        model.headers[#model.headers + 1] = header
        for _, item in ipairs(header.items) do
            if item.type == "function" then
                model.functions[#model.functions + 1] = item
            elseif item.type == "constants" then
                for _, constant in ipairs(item.constants) do
                    constant.comment = item.comment
                    model.constants[#model.constants + 1] = constant
                    local kind = constant.name:match("^CLEAT_KIND_(.+)$")
                    if kind then
                        model.kinds[#model.kinds + 1] = { name = kind:lower(), constant = constant.name }
                    end
                end
            end
        end
    end

    path, line = "include/cleat.h", 1
    local listing = assert(io.popen(("ls '%s/include/cleat'"):format(root)))
    for name in listing:lines() do
        if name:find("%.h$") and not included["cleat/" .. name] then
            fail("does not include cleat/%s", name)
        end
    end
    listing:close()
    return model
end

return headers
