--- What is generated from lua/: the reference in docs/lua/, the list of public names, the changelog's lists of new
--- ones, and the annotations for editors. On the way the comments and annotations are checked.

local lua_model = require "generator.lua_model"
local names = require "generator.lua_names"
local reference = require "generator.lua_reference"
local types = require "generator.lua_types"

local lua_api = {}

local function read_file(name)
    local file = assert(io.open(name, "rb"))
    local content = file:read("a")
    file:close()
    return content
end

-- The comment of each public function names its counterpart in Python, and has an example.
local function check(api)
    for _, entry in ipairs(api.names) do
        local doc = entry.doc
        if doc then
            local example
            for _, line in ipairs(doc.text) do example = example or line:find("^    ") ~= nil end
            local missing = not doc.text[1] and "text" or not doc.python and "line --- Python: (a version, or none)"
                or not example and not entry.shown:find("%.take$") and "example: a paragraph indented by four blanks" or nil
            if missing then error({ message = ("%s: the comment of %s has no %s"):format(doc.where, entry.shown, missing) }, 0) end
        end
    end
end

--- Reads the API, and returns the files that are generated from it.
---@param root string
---@return table api with a field files: {name, function} each
function lua_api.read(root)
    local api = lua_model.read(root)
    check(api)
    types.check(api)
    local dated = names.date(api, root)
    local function since(name)
        local version = dated.versions[name]
        return version == "next" and "" or version
    end
    api.files = {
        { "CHANGELOG.md", function() return names.changelog(api, dated, read_file(root .. "/CHANGELOG.md")) end },
        { "spec/abi/lua.txt", function() return dated.text end },
        { "docs/lua/README.md", function() return reference.index(api, since) end },
    }
    for _, module in ipairs(api.modules) do
        api.files[#api.files + 1] = { "docs/lua/" .. module.name .. ".md", function()
            return reference.page(api, module, since)
        end }
        local place = "lua/cleat/types/" .. module.name:gsub("^cleat%.", ""):gsub("%.", "/") .. ".lua"
        api.files[#api.files + 1] = { place, function() return types.page(api, module) end }
    end
    return api
end

return lua_api
