--- Reads the public Lua API: the modules are loaded over a fake backend, so that no build is needed, and the names are
--- those of the loaded tables and classes. A name is described by the `---` comment above its definition, which
--- debug.getinfo locates. script/generator/lua_comment.lua describes the form of these comments.

local comment = require "generator.lua_comment"

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

local function place(f)
    local info = debug.getinfo(f, "S")
    return info.source:match("/(lua/cleat/[^@]*)$"), info.linedefined
end

-- Sorts the keys of a table of functions by the place of their definitions.
local function sort_by_place(keys, functions)
    local order = {}
    for _, key in ipairs(keys) do
        local name, line = place(functions[key])
        order[key] = ("%s %06d %s"):format(name, line, key)
    end
    table.sort(keys, function(a, b) return order[a] < order[b] end)
end

local function parameters(f)
    local info, list = debug.getinfo(f, "u"), {}
    for index = 1, info.nparams do list[index] = debug.getlocal(f, index) end
    return list, info.isvararg
end

-- A Reader collects the API. source: see comment.sources; classes: by name; annotated: the blocks with ---@class, by
-- its name; api: the result; inheritable: the names of the described methods, and the methods themselves.
local Reader = {}
Reader.__index = Reader

-- Where a function is declared on several lines its comment is above the first.
function Reader:described(f)
    local name, line = place(f)
    return comment.above(self.source(name), line), ("%s:%d"):format(name, line)
end

-- Adds a name to the list of all names.
function Reader:name(entry)
    self.api.names[#self.api.names + 1] = entry
    return entry
end

function Reader:add_function(into, f, name, shown, method)
    local doc, where = self:described(f)
    if doc and doc.internal then return end
    if not doc then
        fail(where, "%s is public and has no comment; write --- lines above it (form: script/generator/lua_comment.lua)", shown)
    end
    local params, vararg = parameters(f)
    if method or params[1] == "_" then table.remove(params, 1) end
    local last = doc.params[#doc.params]
    local spread = last and last.name == "..." -- any number of arguments; in others `...` is for keywords
    into[#into + 1] = self:name { kind = method and "method" or "function", name = name, shown = shown, doc = doc, where = where,
        params = params, keywords = vararg and #params > 0 and not spread, vararg = spread or vararg and #params == 0 }
end

-- Returns the public fields of a class's comment.
function Reader:fields_of(doc, called)
    local fields = {}
    for _, field in ipairs(doc.fields) do
        if is_public(field.name) then
            fields[#fields + 1] = field
            fields[field.name] = true
            self:name { kind = "field", shown = called .. "." .. field.name, where = doc.where }
        end
    end
    return fields
end

-- Returns the groups of constants: blocks "NAME*: text" in the files of a module.
function Reader:groups_of(files)
    local groups = {}
    for _, name in ipairs(files) do
        comment.every_block(self.source(name), function(lines, first)
            local head, text = lines[1]:match("^%s*%-%-%- ([%w_]+%*?): (.*)$")
            if head and head ~= "Python" and head ~= "Raises" then
                lines[1] = "--- " .. text
                local group = comment.parse(lines, ("%s:%d"):format(name, first))
                group.name, group.members, group.values = head, {}, {}
                groups[#groups + 1] = group
            end
        end)
    end
    return groups
end

-- Records the class of a block, if it has one, and the types that the block names, which lua_types checks.
function Reader:add_block(doc, is_backend)
    local class, bases = (doc.class or ""):match("^([%w_.]+):?%s*(.*)$")
    if class and #doc.fields + #doc.text > 0 then
        doc.bases = bases
        self.annotated[class] = self.annotated[class] or doc
    end
    for _, list in ipairs { doc.params, doc.returns, doc.fields } do
        for _, item in ipairs(list) do
            if not is_backend then self.api[#self.api + 1] = { where = doc.where, type = item.type } end
        end
    end
    if class then self.api["class " .. class] = true end
end

function Reader:read_annotations(root)
    local listing = assert(io.popen(("cd '%s' && find lua/cleat -name '*.lua' | sort"):format(root)))
    for name in listing:lines() do
        if not name:find("backend/ffi_abi") and not name:find("^lua/cleat/types/") then
            comment.every_block(self.source(name), function(lines, first)
                self:add_block(comment.parse(lines, ("%s:%d"):format(name, first)), name:find("/backend[/.]"))
            end)
        end
    end
    listing:close()
end

-- Adds the constructor to the description of a class.
function Reader:add_constructor(result, class)
    local make = getmetatable(class).__call
    local doc = self:described(make)
    if doc and (#doc.params > 0 or doc.text[1]) and not doc.class then
        local list = {}
        self:add_function(list, make, result.lua_name, result.lua_name, true)
        result.constructor = list[1]
    elseif result.lua_name == "ssl.MemoryBIO" then
        result.constructed = true
    end
end

-- Adds the methods to the description of a class; those that another class has described are inherited.
function Reader:add_methods(result, class)
    local own, methods, keys = getmetatable(class).__newindex, {}, {}
    for key, value in pairs(own) do
        if is_public(key) and type(value) == "function" then methods[key], keys[#keys + 1] = value, key end
    end
    for key, value in pairs(class) do -- functions of the class, not of its objects
        if type(value) == "function" and key ~= "is" then methods[key], keys[#keys + 1] = value, key end
    end
    sort_by_place(keys, methods)
    for _, key in ipairs(keys) do
        local method = methods[key]
        if self.inheritable[method] or (not self:described(method) and self.inheritable[key]) then
            result.inherited[#result.inherited + 1] = key
        else
            self:add_function(result.methods, method, key, result.name .. ":" .. key, true)
            result.methods[#result.methods].of_class = rawget(class, key) ~= nil
            self.inheritable[method], self.inheritable[key] = true, true
        end
    end
end

-- Fails if a getter of a class has no ---@field.
function Reader:check_getters(result, class)
    for name in pairs(rawget(class, "getters") or {}) do
        local base = result.name == "SSLSocket" and rawget(self.classes["socket.socket"], "getters")[name]
        if is_public(name) and not result.fields[name] and not base then
            fail(result.doc.where, "%s.%s is public and has no ---@field", result.name, name)
        end
    end
end

function Reader:class_of(lua_name, called)
    local class = self.classes[lua_name] or error("no class " .. lua_name)
    local annotation = ANNOTATIONS[called] or "cleat.ssl." .. called
    local doc = self.annotated[annotation] or fail("lua/cleat", "no ---@class %s with text", annotation)
    local result = { name = called, lua_name = lua_name, doc = doc, methods = {}, inherited = {}, annotation = annotation, value = class }
    self:add_constructor(result, class)
    self:add_methods(result, class)
    result.fields = self:fields_of(doc, called)
    self:check_getters(result, class)
    return result
end

-- Returns the table that functions take or return (see TABLES), with the methods of its file.
function Reader:table_of(annotation, path)
    local doc, called = self.annotated[annotation] or fail(path, "no ---@class %s with text", annotation), annotation:match("[^.]+$")
    local result = { name = called, doc = doc, annotation = annotation, methods = {}, fields = self:fields_of(doc, called) }
    local file = self.source(doc.where:match("^[^:]+"))
    for line, code in ipairs(file) do
        local key, list = code:match("^function " .. called .. ":([%w_]+)%((.*)%)$")
        local about = key and is_public(key) and comment.above(file, line)
        if key and is_public(key) and not (about and about.package) then
            local where = ("%s:%d"):format(file.name, line)
            local entry = self:name { kind = "method", name = key, shown = called .. ":" .. key, where = where, params = {},
                doc = about or fail(where, "%s:%s is public and has no comment", called, key) }
            for param in list:gmatch("[%w_]+") do entry.params[#entry.params + 1] = param end
            result.methods[#result.methods + 1] = entry
        end
    end
    return result
end

-- Returns the group that describes a value of a module: the one with the longest name that matches.
local function group_for(module, key, value)
    local found
    for _, group in ipairs(module.groups) do
        local prefix = group.name:match("^(.*)%*$")
        local by_prefix = prefix and type(value) ~= "function" and key:sub(1, #prefix) == prefix
        if group.name == key or (by_prefix and (module.name ~= "cleat.errno" or key:find("^E%u"))) then
            if not found or #group.name > #found.name then found = group end
        end
    end
    return found
end

-- Adds the public values of a module: constants to their groups, and functions.
function Reader:add_values(module, class_names)
    local functions = {}
    local keys = {}
    for key in pairs(module.value) do keys[#keys + 1] = is_public(key) and key or nil end
    table.sort(keys)
    for _, key in ipairs(keys) do
        local value, shown = module.value[key], module.short .. "." .. key
        local group = group_for(module, key, value)
        if group then
            group.members[#group.members + 1] = key
            group.values[key] = value
            self:name { kind = "constant", shown = shown, where = group.where, group = group }
        elseif type(value) == "function" then
            functions[#functions + 1] = key
        elseif class_names[value] then -- described separately
            self:name { kind = "class", shown = shown, where = module.path }
        elseif module.name ~= "cleat.errors" or getmetatable(value) == nil then
            fail(module.path, "%s is public and no comment describes it; write --- %s: text", shown, key)
        end
    end
    sort_by_place(functions, module.value)
    for _, key in ipairs(functions) do
        self:add_function(module.functions, module.value[key], key, module.short .. "." .. key, false)
    end
    local used = {}
    for _, group in ipairs(module.groups) do used[#used + 1] = group.members[1] and group or nil end
    module.groups = used
end

-- The files with the groups of constants, where they are not in the module's file alone.
local FILES = {
    ["cleat.ssl"] = { "lua/cleat/ssl.lua", "lua/cleat/ssl/constants.lua", "lua/cleat/ssl/pem.lua", "lua/cleat/errors.lua" },
    ["cleat.socket"] = { "lua/cleat/socket.lua", "lua/cleat/socket/constants.lua", "lua/cleat/errors.lua" },
}

-- Returns the comment that a module's file begins with.
local function first_comment(file)
    local last = 1
    while file[last]:find("^%-%-%-") do last = last + 1 end
    return comment.above(file, last)
end

function Reader:module_of(name, value, sockets)
    local path = "lua/" .. name:gsub("%.", "/") .. ".lua"
    local short = name:match("^cleat%.(sessions%..+)$") or name:match("^cleat%.(luasec%..+)$") or name:match("[^.]+$")
    local module = { name = name, short = short, path = path, doc = first_comment(self.source(path)), functions = {}, classes = {},
        tables = {}, value = value }
    if not module.doc then fail(path, "the file does not begin with a --- comment") end
    module.groups = self:groups_of(FILES[name] or { path })
    local class_names = {}
    for _, each in ipairs(CLASSES[name] or {}) do
        class_names[self.classes[each[1]]] = true
        module.classes[#module.classes + 1] = sockets[each[2]] or self:class_of(each[1], each[2])
    end
    self:add_values(module, class_names)
    for _, each in ipairs(TABLES[name] or {}) do module.tables[#module.tables + 1] = self:table_of(each, path) end
    return module
end

-- The names of the modules, with the adapters.
local function module_names(root)
    local names = { table.unpack(model.MODULES) }
    local listing = assert(io.popen(("ls '%s/lua/cleat/adapters'"):format(root)))
    for file in listing:lines() do
        local name = file:match("^([%w_]+)%.lua$")
        if name and not NO_ADAPTERS[name] then names[#names + 1] = "cleat.adapters." .. name end
    end
    listing:close()
    return names
end

--- Reads the API.
---@param root string of the source tree
---@return table
function model.read(root)
    local names = module_names(root)
    local modules, classes = load_modules(root, names)
    local reader = setmetatable({ source = comment.sources(root), classes = classes, annotated = {}, inheritable = {},
        api = { modules = {}, names = {} } }, Reader)
    reader:read_annotations(root)
    -- Socket's methods are described before SSLSocket's, which inherit them.
    local sockets = {}
    for _, each in ipairs(CLASSES["cleat.socket"]) do sockets[each[2]] = reader:class_of(each[1], each[2]) end
    for _, name in ipairs(names) do
        table.insert(reader.api.modules, reader:module_of(name, modules[name], sockets))
    end
    return reader.api
end

return model
