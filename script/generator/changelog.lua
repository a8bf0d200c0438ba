--- Updates the lists in CHANGELOG.md of the additions of each version of the ABI, between the lines
---
---     <!-- ABI 2: script/generate -->
---     <!-- end -->

local text = require "generator.text"

local changelog = {}

local PATTERN = "(<!%-%- ABI (%d+): script/generate %-%->\n)(.-)(<!%-%- end %-%->)"

--- The names of the kind that the version has added, as one paragraph.
---@param model cleat.Model
---@param version integer
---@param kind string
---@return string[]
local function added(model, version, kind)
    local names = {}
    for _, header in ipairs(model.headers) do
        for _, item in ipairs(header.items) do
            for _, one in ipairs(item.type == kind and (item.constants or { item }) or {}) do
                names[#names + 1] = one.since == version and ("`%s`"):format(one.name) or nil
            end
        end
    end
    return names
end

--- The text of CHANGELOG.md with its lists up to date.
---@param model cleat.Model after abi.date
---@param old string? the text as it is
---@return string
function changelog.update(model, old)
    local found = {}
    local new = (old or ""):gsub(PATTERN, function(first, number, _, last)
        local version = math.tointeger(number)
        local lines = {}
        for _, kind in ipairs { { "function", "Functions: " }, { "constants", "Constants: " }, { "macro", "Macros: " } } do
            local names = added(model, version, kind[1])
            if #names > 0 then
                lines[#lines + 1] = text.wrap("* " .. kind[2], names, ".")
            end
        end
        found[version] = true
        return first .. table.concat(lines, "\n") .. (#lines > 0 and "\n" or "") .. last
    end)
    if not model.releases[model.abi_version] and not found[model.abi_version] then
        error({ message = ("CHANGELOG.md has no lines for ABI %d: <!-- ABI %d: script/generate --> and <!-- end -->"):format(
            model.abi_version, model.abi_version) }, 0)
    end
    return new
end

return changelog
