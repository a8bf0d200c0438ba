--- Writes spec/abi/symbols.txt: the functions, types and constants of the ABI, each with the version that introduced
--- it. The contents of a release never change; later additions are listed with the version of the headers.

local text = require "generator.text"

local abi = {}

-- Constants whose value differs in each release.
local CHANGES = {
    CLEAT_ABI = true, CLEAT_ABI_VERSION = true, CLEAT_VERSION_MAJOR = true, CLEAT_VERSION_MINOR = true,
    CLEAT_VERSION_PATCH = true, CLEAT_VERSION_STRING = true,
}

local PLACE = "spec/abi/symbols.txt"
local ABOUT = [[
# The ABI: every function, constant and macro of the headers, behind the version of the ABI (CLEAT_ABI) that
# introduced it. script/generate adds what is new. What a release has is fixed: the releases are named first.]]

--- An item of the headers as a line of the list: its name, and all that a compiled program relies on.
---@param item table
---@return string name, string declaration
local function described(item)
    if item.type == "function" then
        local list = #item.declarations > 0 and table.concat(item.declarations, ", ") or "void"
        return item.name, ("int32_t %s(%s)"):format(item.name, list)
    elseif item.type == "macro" then
        return item.name, (item.text:gsub("^#%s*define%s+", ""))
    end
    return item.name, ("%s = %d"):format(item.name, item.number)
end

---@param model cleat.Model
---@return table[] items in the order of the headers
local function all(model)
    local list = {}
    for _, header in ipairs(model.headers) do
        for _, item in ipairs(header.items) do
            for _, one in ipairs(item.constants or { item }) do
                -- the ABI does not include values that differ in each release
                list[#list + 1] = not CHANGES[one.name] and one or nil
            end
        end
    end
    return list
end

---@class cleat.Listed a line of the list
---@field since integer
---@field name string
---@field declaration string
---@field where string

---@param root string
---@return cleat.Listed[] entries, table<integer, string> releases
local function read(root)
    local entries, releases, number = {}, {}, 0
    local file = io.open(root .. "/" .. PLACE, "rb")
    if not file then
        return entries, releases
    end
    for line in file:lines() do
        number = number + 1
        local where = ("%s:%d"):format(PLACE, number)
        local version, release = line:match("^release (%d+) is cleat (%S+)$")
        local since, declaration = line:match("^(%d+) (.+)$")
        if release then
            releases[math.tointeger(version)] = release
        elseif since then
            local name = declaration:match("cleat_[%w_]+") or declaration:match("CLEAT_[%w_]+")
            entries[#entries + 1] = {
                since = math.tointeger(since), name = name, declaration = declaration, where = where,
            }
        elseif line ~= "" and line:sub(1, 1) ~= "#" then
            error({ message = where .. ': neither "release N is cleat VERSION" nor "N DECLARATION"' }, 0)
        end
    end
    file:close()
    return entries, releases
end

--- A function's declaration without the names of its parameters, on which no compiled program depends.
---@param declaration string
---@return string
local function types(declaration)
    return declaration:find "^int32_t cleat_" and (declaration:gsub("[%w_]+([,)])", "%1")) or declaration
end

--- Sets the version that introduced each item (item.since), and raises an error if the headers change a release.
---@param model cleat.Model
---@param root string
function abi.date(model, root)
    local entries, releases = read(root)
    local newest = 0
    for version in pairs(releases) do
        newest = math.max(newest, version)
    end
    local current
    for _, constant in ipairs(model.constants) do
        -- the release 0.1.0 has the older name only
        current = (constant.name == "CLEAT_ABI" or constant.name == "CLEAT_ABI_VERSION") and constant.number or current
    end

    local items, present, listed, problems = all(model), {}, {}, {}
    local function problem(format, ...)
        problems[#problems + 1] = format:format(...)
    end
    for _, item in ipairs(items) do
        present[item.name] = item
    end
    for _, entry in ipairs(entries) do
        if entry.since <= newest then
            local item = present[entry.name]
            local declaration = item and select(2, described(item))
            listed[entry.name] = entry.since
            if not item then
                problem("%s: the headers have no %s any more, which programs may use since ABI %d (cleat %s):\n"
                    .. "    put it back; it may answer CLEAT_UNSUPPORTED", entry.where, entry.name, entry.since,
                    releases[entry.since])
            elseif types(declaration) ~= types(entry.declaration) then
                problem("%s: was   %s\n    and is now   %s\n    Programs are compiled against what it was in ABI %d (cleat %s): put that "
                    .. "back, and give what is new another\n    name.", item.where or entry.where, entry.declaration, declaration,
                    entry.since, releases[entry.since])
            end
        end
    end
    for _, item in ipairs(items) do
        item.since = listed[item.name] or current
        if item.since <= newest and not listed[item.name] then
            problem("%s is new, but ABI %d was released with cleat %s:\n    raise CLEAT_ABI in "
                .. "include/cleat/version.h to %d", item.name, current, releases[current] or "?", newest + 1)
        end
    end
    if current < newest then
        problem("CLEAT_ABI is %d, but ABI %d was released with cleat %s", current, newest, releases[newest])
    end
    if #problems > 0 then
        error({ message = "the ABI\n" .. table.concat(problems, "\n") }, 0)
    end
    model.releases, model.abi_version = releases, current
end

---@param model cleat.Model
---@return string
function abi.list(model)
    local out = text.writer()
    out(ABOUT)
    for version = 1, model.abi_version do
        if model.releases[version] then
            out("release %d is cleat %s", version, model.releases[version])
        end
    end
    for version = 1, model.abi_version do
        for _, item in ipairs(all(model)) do
            if item.since == version then
                out("%d %s", version, (select(2, described(item))))
            end
        end
    end
    return tostring(out)
end

--- The functions and constants for FFIs of other languages: one declaration a line.
---@param model cleat.Model
---@return string
function abi.cdef(model)
    local out = text.writer()
    out(text.banner("//", nil, "the C ABI for FFIs, one declaration a line; see docs/ffi.md"))
    for _, constant in ipairs(model.constants) do
        out("static const int32_t %s = %d;", constant.name, constant.number)
    end
    for _, f in ipairs(model.functions) do
        out("%s;", (select(2, described(f))))
    end
    return tostring(out)
end

return abi
