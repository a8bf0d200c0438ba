--- Writes docs/lua/: a page for each module of the Lua API, and the index.

local text = require "generator.text"

local reference = {}

local BASE = "https://docs.python.org/2.7/library/"
local PYTHON = { ["cleat.ssl"] = "ssl", ["cleat.socket"] = "socket", ["cleat.select"] = "select", ["cleat.errno"] = "errno",
    ["cleat.errors"] = "exceptions" }

local function anchor(heading)
    return (heading:lower():gsub("[^%w_ -]", ""):gsub(" ", "-"))
end

-- Names of annotations as they stand in the text, and the page: by annotation.
local SHORT = {}

local function plain_type(kind)
    return (kind:gsub("cleat[%w_.]+", function(name)
        return SHORT[name] and SHORT[name][1] or name
    end))
end

-- A type in a table: links cannot stand in code, so types that are one class are links and others code.
local function shown_type(kind, page)
    local class, optional = kind:match("^(cleat[%w_.]+)(%??)$")
    local short = class and SHORT[class]
    if not short then return "`" .. plain_type(kind):gsub("|", "\\|") .. "`" end
    return ("[%s](%s#%s)%s"):format(short[1], short[2] == page and "" or short[2] .. ".md", anchor("class " .. short[1]),
        optional == "?" and " or nil" or "")
end

-- Escapes what Markdown would take for markup, outside of code.
local function prose(line)
    local parts = {}
    for plain, code in (line .. "``"):gmatch("([^`]*)(`[^`]*`)") do
        parts[#parts + 1] = plain:gsub("([%*<])", "\\%1"):gsub("%f[%w_]_", "\\_"):gsub("docs/([%w_-]+)%.md", "[%1.md](../%1.md)")
        parts[#parts + 1] = code
    end
    local result = table.concat(parts)
    return (result:gsub("``$", ""))
end

-- linked makes links of names such as SSLContext:wrap_socket.
local function linker(api, page)
    local targets = {}
    for _, module in ipairs(api.modules) do
        for _, list in ipairs { module.classes, module.tables } do
            for _, class in ipairs(list) do
                for _, method in ipairs(class.methods) do targets[method.shown] = { module.name, anchor(method.shown) } end
            end
        end
        for _, entry in ipairs(module.functions) do targets[entry.shown] = { module.name, anchor(entry.shown) } end
    end
    return function(line, own)
        return (line:gsub("[%a_][%w_]*[:.][%a_][%w_]*", function(name)
            local target = targets[name]
            if not target or name == own then return nil end
            return ("[%s](%s#%s)"):format(name, target[1] == page and "" or target[1] .. ".md", target[2])
        end))
    end
end

-- Paragraphs of a comment as Markdown; indented ones are code.
local function body(out, lines, link, own)
    local paragraph, code = {}, nil
    local function flush()
        if paragraph[1] then
            local list = paragraph[1]:find("^%s*%*")
            local items = {}
            for _, line in ipairs(paragraph) do
                if list and line:find("^%s*%*") or not items[1] then
                    items[#items + 1] = line
                else
                    items[#items] = items[#items] .. " " .. line
                end
            end
            for _, item in ipairs(items) do
                if list then
                    out("* " .. text.fill(link(prose((item:gsub("^%s*%*%s*", ""))), own), "  "))
                else
                    out(text.fill(link(prose(item), own)))
                end
            end
            out ""
        end
        paragraph = {}
    end
    local function end_code()
        while code and code[#code] == "" do code[#code] = nil end
        if code then
            local lua = not code[1]:find("^EnvironmentError")
            out(lua and "```lua" or "```")
            for _, line in ipairs(code) do out((line)) end
            out "```"
            out ""
            code = nil
        end
    end
    for _, line in ipairs(lines) do
        local indented = line:match("^    (.*)$")
        if indented and not line:find("^    %*") and (code or not paragraph[1]) then
            code = code or {}
            code[#code + 1] = indented
        elseif line == "" then
            if code then code[#code + 1] = "" else flush() end
        else
            end_code()
            paragraph[#paragraph + 1] = line
        end
    end
    end_code()
    flush()
end

local function signature(entry, name)
    local params = {}
    for index, param in ipairs(entry.doc.params) do params[index] = param.name end
    return ("%s(%s)"):format(name or entry.shown, table.concat(params, ", "))
end

local function tail(out, entry, page, link)
    local doc = entry.doc
    if doc.params[1] then
        out "| argument | type | |"
        out "| --- | --- | --- |"
        for _, param in ipairs(doc.params) do
            out("| `%s` | %s | %s |", param.name, shown_type(param.type, page), link(prose(param.about:gsub("|", "\\|")), entry.shown))
        end
        out ""
    end
    if doc.returns[1] then
        local parts = {}
        for index, item in ipairs(doc.returns) do
            local words = {}
            if item.name then words[#words + 1] = "`" .. item.name .. "`:" end
            words[#words + 1] = shown_type(item.type, page):gsub("\\|", "|")
            if item.about ~= "" then words[#words + 1] = (item.name and "" or "– ") .. link(prose(item.about), entry.shown) end
            parts[index] = table.concat(words, " ")
        end
        if parts[2] then
            out "Returns"
            out ""
            for index, part in ipairs(parts) do out(text.fill(("%d. %s"):format(index, part), "   ")) end
        else
            out(text.fill(("Returns %s."):format((parts[1]:gsub("%.$", "")))))
        end
        out ""
    end
    if doc.raises then
        out(text.fill("Raises " .. link(prose(doc.raises), entry.shown)))
        out ""
    end
end

local function origin(out, python, since)
    local parts = {}
    if python then parts[1] = "Python: " .. python:gsub("%.$", "") .. "." end
    if since then parts[#parts + 1] = since == "" and "New in the next release." or ("Since cleat %s."):format(since) end
    if parts[1] then
        out(("*%s*"):format(table.concat(parts, " ")))
        out ""
    end
end

local function function_of(out, entry, page, link, since)
    out("### %s", (entry.shown:gsub("%.cleat%.", ".")))
    out ""
    out "```"
    out(text.wrap(entry.shown .. "(", text.map(entry.doc.params, function(param) return param.name end), ")"))
    out "```"
    out ""
    body(out, entry.doc.text, link, entry.shown)
    if entry.keywords then
        out "Arguments may be given by name, in a table as the last argument."
        out ""
    end
    tail(out, entry, page, link)
    origin(out, entry.doc.python, since(entry.shown))
end

local function fields_of(out, fields, page, link)
    if not fields[1] then return end
    out "| field | type | |"
    out "| --- | --- | --- |"
    for _, field in ipairs(fields) do
        out("| `%s` | %s | %s |", field.name, shown_type(field.type, page), link(prose(field.about:gsub("|", "\\|"))))
    end
    out ""
end

-- wrapped joins names, with a limit of width.
local function wrapped(out, names, head, last)
    out(text.wrap(head, text.map(names, function(name) return "`" .. name .. "`" end), last or ""))
    out ""
end

local function head_of(name)
    if name:find("^cleat%.adapters") then return ("local %s = require \"%s\""):format(name:match("[^.]+$"), name) end
    return ("local %s = require \"%s\""):format(name:match("[^.]+$"), name)
end

local function prepare(api)
    for _, module in ipairs(api.modules) do
        for _, list in ipairs { module.classes, module.tables } do
            for _, class in ipairs(list) do SHORT[class.annotation] = { class.name, module.name } end
        end
        for _, entry in ipairs(module.functions) do entry.heading = signature(entry) end
        for _, class in ipairs(module.classes) do
            for _, entry in ipairs(class.methods) do entry.heading = signature(entry) end
            if class.constructor then
                class.constructor.heading = signature(class.constructor, class.lua_name == "cleat.buffer" and "socket.buffer" or nil)
            end
        end
    end
end

--- The page of a module.
---@param api table
---@param module table
---@param since fun(name: string): string
---@return string
function reference.page(api, module, since)
    prepare(api)
    local write, page = text.writer(), module.name
    local function out(format, ...)
        write("%s", select("#", ...) > 0 and format:format(...) or format)
    end
    local link = linker(api, page)
    out(text.banner("<!--", "-->", "from the comments in lua/"))
    out("# %s", module.name)
    out ""
    out "```lua"
    out(head_of(module.name))
    out "```"
    out ""
    body(out, module.doc.text, link)
    if PYTHON[page] then
        out("Python's module: [%s](%s%s.html).", PYTHON[page], BASE, PYTHON[page])
        out ""
    end
    local contents = {}
    for _, entry in ipairs(module.functions) do contents[#contents + 1] = ("[%s](#%s)"):format(entry.shown, anchor(entry.shown)) end
    if contents[2] then
        out(text.fill("* Functions: " .. table.concat(contents, ", "), "  "))
    end
    for _, class in ipairs(module.classes) do
        local list = {}
        for _, entry in ipairs(class.methods) do list[#list + 1] = ("[%s](#%s)"):format(entry.name, anchor(entry.shown)) end
        out(text.fill(("* [%s](#%s)%s"):format(class.name, anchor("class " .. class.name),
            list[1] and ": " .. table.concat(list, ", ") or ""), "  "))
    end
    for _, each in ipairs(module.tables) do out("* [%s](#%s)", each.name, anchor("class " .. each.name)) end
    if contents[2] or module.classes[1] or module.tables[1] then out "" end
    if module.functions[1] then
        out "## Functions"
        out ""
        for _, entry in ipairs(module.functions) do function_of(out, entry, page, link, since) end
    end
    for _, class in ipairs(module.classes) do
        out("## Class %s", class.name)
        out ""
        body(out, class.doc.text, link)
        origin(out, class.doc.python)
        fields_of(out, class.fields, page, link)
        if class.inherited[1] then
            wrapped(out, class.inherited, "Methods as those of the class above or of Socket: ", ".")
        end
        if class.constructor then function_of(out, class.constructor, page, link, since) end
        for _, entry in ipairs(class.methods) do function_of(out, entry, page, link, since) end
    end
    for _, each in ipairs(module.tables) do
        out("## Class %s", each.name)
        out ""
        body(out, each.doc.text, link)
        origin(out, each.doc.python)
        fields_of(out, each.fields, page, link)
        for _, entry in ipairs(each.methods) do function_of(out, entry, page, link, since) end
    end
    if module.groups[1] then
        out "## Constants and other values"
        out ""
        for _, group in ipairs(module.groups) do
            out("### %s", prose(group.name))
            out ""
            body(out, group.text, link)
            if #group.members > 1 and group.name ~= "E*" then wrapped(out, group.members, "") end
            origin(out, group.python, #group.members == 1 and since(module.short .. "." .. group.members[1]) or nil)
        end
    end
    return (tostring(write):gsub("\n+$", "\n"))
end

local INTRODUCTION = [[
The modules that a program loads, and everything in them: generated from the `---` comments in lua/.

An editor with the Lua language server (LuaLS) completes the names and the arguments by name, shows the same text, and
reports misspelt fields and arguments of wrong types, once its setting `workspace.library` names the folder
`lua/cleat/types` (installed: `share/lua/5.4/cleat/types`). Tried with its version 3.19.1, over the examples and pages
here and over programs with mistakes.

## How to read

* Python's modules have the same names, so their documentation is valid here too. What looks different in Lua (tuples,
  None, exceptions) is described in [python-to-lua.md](../python-to-lua.md). "Python:" names the versions in which the
  counterpart appeared; "none" marks what only cleat has.
* Arguments are positional, in the order of the heading; a type with `?` may be left out or nil. Where the text says so,
  a table as the last argument gives arguments by name:
  `context:wrap_socket(sock, { server_hostname = "example.org" })`. An unknown name is an error.
* Times are in seconds, sizes in bytes. A timeout of nil has no limit, 0 does not wait.
* Errors are raised: `pcall` returns them, and `ssl.SSLError:is(err)` checks their class:
  [cleat.errors](cleat.errors.md). Every function may raise TypeError for an argument of a wrong type, and MemoryError.
* A test runs each example and compares what it prints with the text after `-->`. In them `ssl`, `socket`, `select`,
  `errno`, `errors` and `https` are the modules, and `unpack` is `table.unpack`. A server that returns what it receives
  listens on port `port` of localhost, and `url` is a page of another server. `conn` is a TLS connection to the first,
  `connect()` makes another one, `connected_object()` an SSLObject after its handshake, with its two MemoryBIOs,
  `new_session(context)` a session with that server, and `incoming(text)` a file from which the text can be read. The
  files ca.pem, cert.pem, key.pem and encrypted.pem exist.

## Modules
]]

--- The index, README.md.
---@param api table
---@return string
function reference.index(api)
    local out = text.writer()
    out(text.banner("<!--", "-->", "from the comments in lua/"))
    out "# The Lua API"
    out ""
    out("%s", INTRODUCTION)
    out "| module | |"
    out "| --- | --- |"
    for _, module in ipairs(api.modules) do
        local first = (table.concat(module.doc.text, " ") .. " "):match("^(.-%.) ")
        out("| [%s](%s.md) | %s |", module.name, module.name, prose(first))
    end
    return tostring(out)
end

return reference
