-- What script/generate asks of a change to the Lua API: each kind of forgetting is tried on a copy of the tree.
local process = require "support.process"

if _VERSION ~= "Lua 5.4" then
    return -- script/generate is the same, whatever runs this file
end

-- changed copies the tree, replaces text in a file, and returns what script/generate says, and how it ends.
local copies = 0
local function changed(file, old, new, options)
    copies = copies + 1
    local copy = ("%s/tree-%d"):format(process.directory(), copies)
    local parts = "CHANGELOG.md CMakeLists.txt core docs examples include lua script spec/abi spec/c spec/support/signatures.lua"
    local command = ("mkdir '%s' && cd '%s' && tar c %s | tar x -C '%s'"):format(copy, process.root, parts, copy)
    local made = process.run { "sh", "-c", command }
    assert.are.equal(0, made.status, made.errors)
    local path = copy .. "/" .. file
    local text = process.read_file(path)
    local first, last = text:find(old, 1, true)
    assert.is_truthy(first, old)
    process.write_file(path, text:sub(1, first - 1) .. new .. text:sub(last + 1))
    local result = process.run { "lua5.4", copy .. "/script/generate", options }
    return result.output .. result.errors, result.status, copy
end

local NEW = "--- Does nothing.\n---\n---     ssl.idle()\n---\n--- Python: none.\n%sfunction ssl.idle(%s) end\n\n"
local BEFORE = "local parse_fetch"

local function with_function(tags, parameters, options)
    return changed("lua/cleat/ssl.lua", BEFORE, NEW:format(tags, parameters) .. BEFORE, options)
end

describe("script/generate and the Lua API:", function()
    teardown(process.cleanup)

    it("a tree that is up to date passes", function()
        local said, status = changed("lua/cleat/ssl.lua", BEFORE, BEFORE, "--check")
        assert.are.equal(0, status, said)
    end)

    it("a new function without a comment is an error that says where to write it", function()
        local said, status = changed("lua/cleat/ssl.lua", BEFORE, "function ssl.idle() end\n\n" .. BEFORE)
        assert.are.equal(1, status)
        assert.is_truthy(said:find("lua/cleat/ssl.lua:%d+: ssl.idle is public and has no comment; write ---"), said)
    end)

    it("a new method without a comment, and a new property without ---@field", function()
        local said, status = changed("lua/cleat/ssl/context.lua", "local parse_wrap =",
            "function SSLContext:idle() end\n\nlocal parse_wrap =")
        assert.are.equal(1, status)
        assert.is_truthy(said:find("SSLContext:idle is public and has no comment", 1, true), said)
        said, status = changed("lua/cleat/ssl/context.lua", "function getters:protocol()",
            "function getters:idle() end\n\nfunction getters:protocol()")
        assert.are.equal(1, status)
        assert.is_truthy(said:find("SSLContext.idle is public and has no ---@field", 1, true), said)
    end)

    it("a new constant that no comment describes", function()
        local said, status = changed("lua/cleat/ssl/constants.lua", "    HAS_ALPN = true,", "    IDLE = 1,\n    HAS_ALPN = true,")
        assert.are.equal(1, status)
        assert.is_truthy(said:find("ssl.IDLE is public and no comment describes it; write --- IDLE: text", 1, true), said)
    end)

    it("a comment without an example, and one without Python's version", function()
        for wanted, comment in pairs {
            ["the comment of ssl.idle has no example"] = "--- Does nothing.\n--- Python: none.\n",
            ["the comment of ssl.idle has no line --- Python:"] = "--- Does nothing.\n---\n---     ssl.idle()\n",
        } do
            local said, status = changed("lua/cleat/ssl.lua", BEFORE, comment .. "function ssl.idle() end\n\n" .. BEFORE)
            assert.are.equal(1, status)
            assert.is_truthy(said:find(wanted, 1, true), said)
        end
    end)

    it("annotations that do not fit the parameters, and classes that do not exist", function()
        local said, status = with_function("---@param a integer\n", "a, b")
        assert.are.equal(1, status)
        assert.is_truthy(said:find("ssl.idle takes (a, b), but its ---@param lines describe (a)", 1, true), said)
        said, status = with_function("---@param a cleat.Idle\n", "a")
        assert.are.equal(1, status)
        assert.is_truthy(said:find("there is no ---@class cleat.Idle", 1, true), said)
        said, status = with_function("---@return cleat.ssl.Connection\n", "")
        assert.are.equal(1, status)
        assert.is_truthy(said:find("ssl.idle mentions cleat.ssl.Connection, which no page describes", 1, true), said)
    end)

    it("editors are given a function's arguments, by position and by name", function()
        local said, status, copy = with_function("---@param a integer how often\n---@param b string?\n---@return integer?\n", "a, b, ...")
        assert.are.equal(0, status, said)
        local types = process.read_file(copy .. "/lua/cleat/types/ssl.lua")
        for _, text in ipairs {
            "---@class cleat.keywords.ssl.idle\n---@field a integer how often\n---@field b? string\n",
            "---@param a integer how often\n---@param b? string\n---@return integer?\n"
                .. "---@overload fun(keywords: cleat.keywords.ssl.idle): integer?\n"
                .. "---@overload fun(a: integer, keywords: cleat.keywords.ssl.idle.optional): integer?\n"
                .. "function module.idle(a, b) end\n",
        } do
            assert.is_truthy(types:find(text, 1, true), text)
        end
    end)

    it("a described function makes the reference, the list of names and the changelog stale, and is then in all three", function()
        local said, status = with_function("", "", "--check")
        assert.are.equal(1, status)
        for _, file in ipairs { "docs/lua/cleat.ssl.md", "spec/abi/lua.txt", "CHANGELOG.md" } do
            assert.is_truthy(said:find("stale: " .. file, 1, true), said)
        end
        local copy
        said, status, copy = with_function("", "")
        assert.are.equal(0, status, said)
        assert.is_truthy(process.read_file(copy .. "/docs/lua/cleat.ssl.md"):find("\n### ssl.idle\n", 1, true))
        assert.is_truthy(process.read_file(copy .. "/CHANGELOG.md"):find("`ssl.idle`", 1, true))
        assert.is_truthy(process.read_file(copy .. "/spec/abi/lua.txt"):find("\nnext ssl.idle\n", 1, true))
    end)

    it("a name that was released stays", function()
        local said, status = changed("lua/cleat/ssl/random.lua", "function random.RAND_status(", "function random.RAND_idle(")
        assert.are.equal(1, status)
        assert.is_truthy(said:find("ssl.RAND_status was released with cleat 0.1.0 and is gone: public names stay", 1, true), said)
    end)
end)
