--- Reads the public Lua API: the modules are loaded over a fake backend, so that no build is needed, and the names are
--- those of the loaded tables and classes. A name is described by the `---` comment above its definition, which
--- debug.getinfo locates. The form of these comments:
---
---     --- Text; an example is a paragraph that is indented by four blanks, its output follows "-->".
---     --- Raises: errors and when.
---     --- Python: the version that introduced the counterpart, or "none".
---     ---@param name type text            a type that ends in "?" is optional
---     ---@return type name text           "#" in place of the name for none
---
--- Constants and other values are described in groups: "--- PREFIX_*: text". `---@internal` excludes a function.

local model = {}

--- The modules that programs load; adapters are added to them.
model.MODULES = { "cleat.ssl", "cleat.socket", "cleat.select", "cleat.errno", "cleat.errors", "cleat.https", "cleat.python", "cleat.selectors",
    "cleat.sessions", "cleat.sessions.memory", "cleat.sessions.redis", "cleat.sessions.nginx", "cleat.luasec", "cleat.luasec.x509", "cleat.luasec.https" }

local NO_ADAPTERS = { methods = true }

-- Classes, by the module on whose page they are: the name in Lua, and the name in the text.
local CLASSES = {
    ["cleat.ssl"] = { { "ssl.SSLContext", "SSLContext" }, { "ssl.SSLSocket", "SSLSocket" }, { "ssl.SSLObject", "SSLObject" },
        { "ssl.MemoryBIO", "MemoryBIO" }, { "ssl.Purpose", "Purpose" },
        { "ssl.SSLSession", "SSLSession" }, { "ssl.Certificate", "CertificateObject" }, { "ssl.ECHKey", "ECHKey" } },
    ["cleat.select"] = { { "select.poll", "Poll" }, { "select.epoll", "Epoll" } },
    ["cleat.selectors"] = { { "selectors.BaseSelector", "Selector" }, { "selectors.SelectorKey", "SelectorKey" } },
    ["cleat.socket"] = { { "socket.socket", "Socket" }, { "socket._fileobject", "File" }, { "cleat.buffer", "Buffer" } },
}

-- The annotations of classes outside of cleat.ssl.
local ANNOTATIONS = {
    Socket = "cleat.Socket", File = "cleat.File", Buffer = "cleat.Buffer", Poll = "cleat.select.Poll",
    Epoll = "cleat.select.Epoll", Selector = "cleat.selectors.Selector", SelectorKey = "cleat.selectors.SelectorKey",
}

-- Tables that functions take or return: classes of annotations only. Their methods are found by their text.
local TABLES = {
    ["cleat.ssl"] = { "cleat.ssl.CipherSuite", "cleat.ssl.Certificate", "cleat.ssl.DefaultVerifyPaths", "cleat.ssl.Sct",
        "cleat.ssl.OcspStatus" },
    ["cleat.adapters.neovim"] = { "cleat.adapters.neovim.Task" },
    ["cleat.sessions"] = { "cleat.sessions.Store" },
    ["cleat.https"] = { "cleat.https.Request" },
    ["cleat.errors"] = { "cleat.Error" },
}

-- Public names that begin with "_", as in Python.
local UNDERSCORED = { _create_unverified_context = true, _create_default_https_context = true, _https_verify_certificates = true,
    _SSLMethod = true, _TLSContentType = true, _TLSMessageType = true, _TLSAlertType = true, _msg_callback = true }

local function fail(where, message, ...)
    error({ message = where .. ": " .. message:format(...) }, 0)
end

local function is_public(name)
    return type(name) == "string" and (name:sub(1, 1) ~= "_" or UNDERSCORED[name])
end

-- Loads the modules without keeping them in package.loaded, and returns them and the classes that they made, by name.
local function load_modules(root, names)
    local path, loaded = package.path, {}
    for name in pairs(package.loaded) do loaded[name] = true end
    package.path = root .. "/lua/?.lua;" .. root .. "/lua/?/init.lua"
    package.loaded["cleat.backend"] = setmetatable({ const = require "cleat.backend.constants", fast_method = false }, { __index = function()
        return function() return 0, "" end
    end })
    local class = require "cleat.class"
    local classes, new = {}, class.new
    function class.new(name, ...)
        classes[name] = new(name, ...)
        return classes[name]
    end
    local modules = {}
    for _, name in ipairs(names) do modules[name] = require(name) end
    package.path = path
    for name in pairs(package.loaded) do
        if not loaded[name] then package.loaded[name] = nil end
    end
    return modules, classes
end

-- The lines of a file, and its `---` blocks.
local function sources(root)
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

-- parse makes a description of the lines of a block.
local function parse(lines, where)
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

-- A type at the beginning of a text: up to a blank outside of brackets; "a|b" and "fun(…): T" go on.
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

local function finish_doc(doc)
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

-- The block that ends right above a line.
local function above(file, line)
    local first = line
    while first > 1 and file[first - 1]:find("^%s*%-%-%-") and not file[first - 1]:find("^%s*%-%-%-%-") do first = first - 1 end
    if first == line then return nil end
    return finish_doc(parse({ table.unpack(file, first, line - 1) }, ("%s:%d"):format(file.name, first)))
end

local function every_block(file, visit)
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

--- Reads the API.
---@param root string of the source tree
---@return table
function model.read(root)
    local names = { table.unpack(model.MODULES) }
    local listing = assert(io.popen(("ls '%s/lua/cleat/adapters'"):format(root)))
    for file in listing:lines() do
        local name = file:match("^([%w_]+)%.lua$")
        if name and not NO_ADAPTERS[name] then names[#names + 1] = "cleat.adapters." .. name end
    end
    listing:close()
    local modules, classes = load_modules(root, names)
    local source = sources(root)

    local function place(f)
        local info = debug.getinfo(f, "S")
        return info.source:match("/(lua/cleat/[^@]*)$"), info.linedefined
    end

    -- Where a function is declared on several lines its comment is above the first.
    local function described(f)
        local name, line = place(f)
        return above(source(name), line), ("%s:%d"):format(name, line)
    end

    local function parameters(f)
        local info, list = debug.getinfo(f, "u"), {}
        for index = 1, info.nparams do list[index] = debug.getlocal(f, index) end
        return list, info.isvararg
    end

    local all = {}
    local function add_function(into, f, name, shown, method)
        local doc, where = described(f)
        if doc and doc.internal then return end
        if not doc then
            fail(where, "%s is public and has no comment; write --- lines above it (form: script/generator/lua_model.lua)", shown)
        end
        local params, vararg = parameters(f)
        if method or params[1] == "_" then table.remove(params, 1) end
        local last = doc.params[#doc.params]
        local spread = last and last.name == "..." -- any number of arguments; in others `...` is for keywords
        local entry = { kind = method and "method" or "function", name = name, shown = shown, doc = doc, where = where,
            params = params, keywords = vararg and #params > 0 and not spread, vararg = spread or vararg and #params == 0 }
        into[#into + 1] = entry
        all[#all + 1] = entry
    end

    local api = { modules = {}, names = all }

    -- Groups of constants: blocks "NAME*: text" in the files of a module.
    local function groups_of(files)
        local groups = {}
        for _, name in ipairs(files) do
            every_block(source(name), function(lines, first)
                local head, text = lines[1]:match("^%s*%-%-%- ([%w_]+%*?): (.*)$")
                if head and head ~= "Python" and head ~= "Raises" then
                    lines[1] = "--- " .. text
                    local group = finish_doc(parse(lines, ("%s:%d"):format(name, first)))
                    group.name, group.members, group.values = head, {}, {}
                    groups[#groups + 1] = group
                end
            end)
        end
        return groups
    end

    local annotated = {} -- the blocks with ---@class, by its name
    local all_files = assert(io.popen(("cd '%s' && find lua/cleat -name '*.lua' | sort"):format(root)))
    for name in all_files:lines() do
        if not name:find("backend/ffi_abi") and not name:find("^lua/cleat/types/") then
            every_block(source(name), function(lines, first)
                local doc = finish_doc(parse(lines, ("%s:%d"):format(name, first)))
                local class, bases = (doc.class or ""):match("^([%w_.]+):?%s*(.*)$")
                if class and #doc.fields + #doc.text > 0 then
                    doc.bases = bases
                    annotated[class] = annotated[class] or doc
                end
                for _, list in ipairs { doc.params, doc.returns, doc.fields } do
                    for _, item in ipairs(list) do
                        if not name:find("/backend[/.]") then api[#api + 1] = { where = doc.where, type = item.type } end
                    end
                end
                if class then api["class " .. class] = true end
            end)
        end
    end
    all_files:close()

    local function class_of(lua_name, called)
        local class = classes[lua_name] or error("no class " .. lua_name)
        local annotation = ANNOTATIONS[called] or "cleat.ssl." .. called
        local doc = annotated[annotation] or fail("lua/cleat", "no ---@class %s with text", annotation)
        local result = { name = called, lua_name = lua_name, doc = doc, methods = {}, fields = {}, inherited = {}, annotation = annotation,
            value = class }
        local make = getmetatable(class).__call
        local constructor = described(make)
        if constructor and (#constructor.params > 0 or constructor.text[1]) and not constructor.class then
            local list = {}
            add_function(list, make, lua_name, lua_name, true)
            result.constructor = list[1]
        elseif lua_name == "ssl.MemoryBIO" then
            result.constructed = true
        end
        local methods, keys = setmetatable({}, { __index = getmetatable(class).__newindex }), {}
        for key, value in pairs(getmetatable(class).__newindex) do
            if is_public(key) and type(value) == "function" then keys[#keys + 1] = key end
        end
        for key, value in pairs(class) do -- functions of the class, not of its objects
            if type(value) == "function" and key ~= "is" then methods[key], keys[#keys + 1] = value, key end
        end
        local order = {}
        for _, key in ipairs(keys) do
            local name, line = place(methods[key])
            order[key] = ("%s %06d %s"):format(name, line, key)
        end
        table.sort(keys, function(a, b) return order[a] < order[b] end)
        for _, key in ipairs(keys) do
            local first = result.seen and result.seen[methods[key]]
            local known = api.methods and api.methods[methods[key]]
            if known or (not described(methods[key]) and api.by_name and api.by_name[key]) then
                result.inherited[#result.inherited + 1] = key
            elseif not first then
                add_function(result.methods, methods[key], key, called .. ":" .. key, true)
                result.methods[#result.methods].of_class = rawget(class, key) ~= nil
                api.methods, api.by_name = api.methods or {}, api.by_name or {}
                api.methods[methods[key]], api.by_name[key] = called, called
            end
        end
        local listed = {}
        for _, field in ipairs(doc.fields) do
            if is_public(field.name) then
                listed[field.name] = true
                result.fields[#result.fields + 1] = field
                all[#all + 1] = { kind = "field", shown = called .. "." .. field.name, where = doc.where }
            end
        end
        for name in pairs(rawget(class, "getters") or {}) do
            local base = called == "SSLSocket" and rawget(classes["socket.socket"], "getters")[name]
            if is_public(name) and not listed[name] and not base then
                fail(doc.where, "%s.%s is public and has no ---@field", called, name)
            end
        end
        return result
    end

    local FILES = {
        ["cleat.ssl"] = { "lua/cleat/ssl.lua", "lua/cleat/ssl/constants.lua", "lua/cleat/ssl/pem.lua", "lua/cleat/errors.lua" },
        ["cleat.socket"] = { "lua/cleat/socket.lua", "lua/cleat/socket/constants.lua", "lua/cleat/errors.lua" },
    }
    -- Socket's methods are described before SSLSocket's, which inherit them.
    local sockets = {}
    for _, each in ipairs(CLASSES["cleat.socket"]) do sockets[each[2]] = class_of(each[1], each[2]) end

    for _, name in ipairs(names) do
        local path = "lua/" .. name:gsub("%.", "/") .. ".lua"
        local file = source(path)
        local last = 1
        while file[last]:find("^%-%-%-") do last = last + 1 end
        local short = name:match("^cleat%.(sessions%..+)$") or name:match("^cleat%.(luasec%..+)$") or name:match("[^.]+$")
        local module = { name = name, short = short, path = path, doc = above(file, last), functions = {}, classes = {}, tables = {},
            value = modules[name] }
        if not module.doc then fail(path, "the file does not begin with a --- comment") end
        local keys = {}
        for key in pairs(modules[name]) do keys[#keys + 1] = is_public(key) and key or nil end
        table.sort(keys)
        module.groups = groups_of(FILES[name] or { path })
        local class_names = {}
        for _, each in ipairs(CLASSES[name] or {}) do
            class_names[classes[each[1]]] = true
            module.classes[#module.classes + 1] = sockets[each[2]] or class_of(each[1], each[2])
        end
        local functions = {}
        for _, key in ipairs(keys) do
            local value = modules[name][key]
            local grouped
            for _, group in ipairs(module.groups) do
                local prefix = group.name:match("^(.*)%*$")
                local by_prefix = prefix and type(value) ~= "function" and key:sub(1, #prefix) == prefix
                if group.name == key or (by_prefix and (name ~= "cleat.errno" or key:find("^E%u"))) then
                    if not grouped or #group.name > #grouped.name then grouped = group end
                end
            end
            if grouped then
                grouped.members[#grouped.members + 1] = key
                grouped.values[key] = value
                all[#all + 1] = { kind = "constant", shown = short .. "." .. key, where = grouped.where, group = grouped }
            elseif type(value) == "function" then
                functions[#functions + 1] = key
            elseif class_names[value] then -- on its own
                all[#all + 1] = { kind = "class", shown = short .. "." .. key, where = path }
            elseif name ~= "cleat.errors" or getmetatable(value) == nil then
                fail(path, "%s.%s is public and no comment describes it; write --- %s: text", short, key, key)
            end
        end
        local order = {}
        for _, key in ipairs(functions) do
            local where, line = place(modules[name][key])
            order[key] = ("%s %06d"):format(where, line)
        end
        table.sort(functions, function(a, b) return order[a] < order[b] end)
        for _, key in ipairs(functions) do
            add_function(module.functions, modules[name][key], key, short .. "." .. key, false)
        end
        for _, each in ipairs(TABLES[name] or {}) do
            local doc, called = annotated[each] or fail(path, "no ---@class %s with text", each), each:match("[^.]+$")
            local result = { name = called, doc = doc, annotation = each, methods = {}, fields = {} }
            for _, field in ipairs(doc.fields) do
                if is_public(field.name) then
                    result.fields[#result.fields + 1] = field
                    all[#all + 1] = { kind = "field", shown = called .. "." .. field.name, where = doc.where }
                end
            end
            local file_of = source(doc.where:match("^[^:]+"))
            for line, code in ipairs(file_of) do
                local key, list = code:match("^function " .. called .. ":([%w_]+)%((.*)%)$")
                local comment = key and is_public(key) and above(file_of, line)
                if key and is_public(key) and not (comment and comment.package) then
                    local where = ("%s:%d"):format(file_of.name, line)
                    local entry = { kind = "method", name = key, shown = called .. ":" .. key, where = where, params = {},
                        doc = comment or fail(where, "%s:%s is public and has no comment", called, key) }
                    for param in list:gmatch("[%w_]+") do entry.params[#entry.params + 1] = param end
                    result.methods[#result.methods + 1] = entry
                    all[#all + 1] = entry
                end
            end
            module.tables[#module.tables + 1] = result
        end
        local kept = {}
        for _, group in ipairs(module.groups) do kept[#kept + 1] = group.members[1] and group or nil end
        module.groups = kept
        api.modules[#api.modules + 1] = module
    end
    return api
end

return model
