-- public_names: what a new public name of the Lua layer needs. spec/abi/lua.txt lists every public name (modules'
-- functions, classes and constants; classes' methods and properties) after the version that introduced it. The check
-- reports
--
--   a name that is not in the list, or a name of the list that is gone;
--   a name without a release that the section Unreleased of CHANGELOG.md does not mention;
--   a function without a release that spec/allocation/operations.lua does not call, unless ALLOCATES says why.
--
-- script/lua spec/checks/public_names.lua --update adds new names to the list, as unreleased. script/abi --release
-- dates them.

local root = os.getenv "CLEAT_SOURCE_DIR" or "."
local LIST = root .. "/spec/abi/lua.txt"

-- Functions and methods that need no operation in spec/allocation/operations.lua, with the reason.
local ALLOCATES = {
    ["ssl.SSLSocket:setkeepalive"] = "raises NotImplementedError",
}

local function read(name)
    local file = assert(io.open(name, "rb"))
    local text = file:read "*a"
    file:close()
    return text
end

-- Every public name, and whether it is called.
local names, order = {}, {}
local function add(name, is_called)
    if names[name] == nil then
        order[#order + 1] = name
        names[name] = is_called
    end
end

local function is_public(key)
    return type(key) == "string" and not key:find "^_"
end

local seen = {}
local function add_class(class)
    if seen[class] then return end
    seen[class] = true
    local methods = getmetatable(class).__index
    for key, method in pairs(type(methods) == "table" and methods or {}) do
        if is_public(key) then add(class.name .. ":" .. key, type(method) == "function") end
    end
    for key in pairs(rawget(class, "getters") or {}) do
        if is_public(key) then add(class.name .. "." .. key, false) end
    end
end

for _, module in ipairs { "cleat.ssl", "cleat.socket", "cleat.select", "cleat.https", "cleat.errors" } do
    local short = module:match "%.(.*)"
    for key, value in pairs(require(module)) do
        if is_public(key) and not (module == "cleat.errors" and type(value) == "function") then
            add(short .. "." .. key, type(value) == "function")
            if type(value) == "table" and rawget(value, "lineage") then add_class(value) end
        end
    end
end
table.sort(order)

-- The list.
local since, listed = {}, {}
for line in (io.open(LIST, "rb") and read(LIST) or ""):gmatch "[^\n]+" do
    local version, name = line:match "^([%w.]+) (%S+)$"
    if version then
        since[name] = version
        listed[#listed + 1] = name
    end
end

if arg[1] == "--update" then
    local file = assert(io.open(LIST, "wb"))
    file:write "# The public names of the Lua layer, after the version that introduced them: spec/checks/public_names.lua\n"
    for _, name in ipairs(order) do file:write(since[name] or arg[2] or "unreleased", " ", name, "\n") end
    file:close()
    print(("%d names in spec/abi/lua.txt"):format(#order))
    return
end

local failures = 0
local function report(format, ...)
    failures = failures + 1
    io.stderr:write(format:format(...), "\n")
end

local unreleased = read(root .. "/CHANGELOG.md"):match "\n## Unreleased\n(.-)\n## " or ""
local operations = read(root .. "/spec/allocation/operations.lua")
local new, exempted = 0, {}
for _, name in ipairs(order) do
    local last = name:match "[^.:]+$"
    if not since[name] then
        report("%s is not in spec/abi/lua.txt: script/lua spec/checks/public_names.lua --update", name)
    elseif since[name] == "unreleased" then
        new = new + 1
        if not unreleased:find("%f[%w_]" .. last .. "%f[^%w_]") then
            report("%s: CHANGELOG.md does not mention it below Unreleased", name)
        end
        if names[name] and not operations:find("[.:]" .. last .. "%f[^%w_]") then
            if ALLOCATES[name] then
                exempted[name] = true
            else
                report("%s: spec/allocation/operations.lua does not call it, and ALLOCATES has no reason", name)
            end
        end
    end
end
for _, name in ipairs(listed) do
    if names[name] == nil then report("%s is in spec/abi/lua.txt, but does not exist", name) end
end
for name in pairs(ALLOCATES) do
    if not exempted[name] then report("spec/checks/public_names.lua: the exemption of %s exempts nothing", name) end
end

print(("%d public names, %d of them new since the last release: %d faults"):format(#order, new, failures))
os.exit(failures == 0 and 0 or 1)
