--- Keeps spec/abi/lua.txt, the public names of the Lua API and the version that introduced each, and CHANGELOG.md's
--- list of the new ones, between the lines
---
---     <!-- Lua next: script/generate -->
---     <!-- end -->

local text = require "generator.text"

local names = {}

local PLACE = "spec/abi/lua.txt"
local ABOUT = [[
# The Lua API: every public function, method, class, field and constant, behind the version of cleat that introduced it.
# script/generate adds what is new, as "next" until include/cleat/version.h has a version that is not released. A name
# stays once it was released. The releases are named first.]]

local NEXT = "next"

--- Reads the list, adds the names that are new, and gives each its version.
---@param api table
---@param root string
---@return table dated {versions = by name, text = the list}
function names.date(api, root)
    local versions, order, released = {}, {}, {}
    local file = io.open(root .. "/" .. PLACE)
    for line in file and file:lines() or function() end do
        local release = line:match("^release (%S+)$")
        local version, name = line:match("^([%w.]+) (%S+)$")
        if release then
            released[#released + 1] = release
            released[release] = true
        elseif version and not line:find("^#") then
            versions[name] = version
            order[#order + 1] = name
        end
    end
    if file then file:close() end
    local current
    for line in io.lines(root .. "/include/cleat/version.h") do
        current = current or line:match('^#define CLEAT_VERSION_STRING "([%d.]+)"')
    end
    if not current then error({ message = "include/cleat/version.h: CLEAT_VERSION_STRING was not found" }, 0) end
    local new = released[current] and NEXT or current
    local there = {}
    for _, entry in ipairs(api.names) do
        there[entry.shown] = true
        if not versions[entry.shown] then
            order[#order + 1] = entry.shown
            versions[entry.shown] = new
        end
        if versions[entry.shown] == NEXT then versions[entry.shown] = new end
    end
    local lines = { ABOUT }
    for _, release in ipairs(released) do lines[#lines + 1] = "release " .. release end
    table.sort(order)
    for _, name in ipairs(order) do
        if there[name] then
            lines[#lines + 1] = versions[name] .. " " .. name
        elseif released[versions[name]] then
            error({ message = ("%s: %s was released with cleat %s and is gone: public names stay"):format(PLACE, name, versions[name]) }, 0)
        end
    end
    return { versions = versions, text = table.concat(lines, "\n") .. "\n", new = new, released = released }
end

local KINDS = { { "Functions", { ["function"] = true } }, { "Classes", { class = true } }, { "Methods", { method = true } },
    { "Fields", { field = true } }, { "Constants", { constant = true } } }

--- The changelog with its lists of Lua names up to date.
---@param api table
---@param dated table
---@param old string the text as it is
---@return string
function names.changelog(api, dated, old)
    local found = {}
    local changed = old:gsub("(<!%-%- Lua ([%w.]+): script/generate %-%->\n)(.-)(<!%-%- end %-%->)", function(first, version, _, last)
        found[version] = true
        local lines = {}
        for _, kind in ipairs(KINDS) do
            local list, seen = {}, {}
            for _, entry in ipairs(api.names) do
                local label = entry.shown
                if kind[2][entry.kind] and dated.versions[entry.shown] == version and not seen[label] then
                    seen[label] = true
                    list[#list + 1] = "`" .. label .. "`"
                end
            end
            if list[1] then lines[#lines + 1] = text.wrap("* " .. kind[1] .. ": ", list, ".") end
        end
        return first .. table.concat(lines, "\n") .. (lines[1] and "\n" or "") .. last
    end)
    for name, version in pairs(dated.versions) do
        if version == dated.new and not found[version] then
            error({ message = ("CHANGELOG.md has no lines for %s, which is new: write <!-- Lua %s: script/generate --> and <!-- end -->")
                :format(name, version) }, 0)
        end
    end
    return changed
end

return names
