-- coverage: every function of the headers is bound on both backends, described, and used: by the Lua layer, which the
-- specs run, or by a spec itself. What is not used stands in spec/checks/coverage_skip.txt with the reason. The Lua
-- layer makes an id with its guard only (CLEAT_NEW_ID).

local root = os.getenv "CLEAT_SOURCE_DIR" or "."

local failures = 0
local function report(place, format, ...)
    failures = failures + 1
    io.stderr:write(place, ": ", format:format(...), "\n")
end

local function read(name)
    local file = assert(io.open(root .. "/" .. name, "rb"))
    local text = file:read "*a"
    file:close()
    return text
end

local function list(command)
    local names = {}
    local pipe = assert(io.popen(("cd '%s' && %s"):format(root, command)))
    for name in pipe:lines() do
        names[#names + 1] = name
    end
    pipe:close()
    return names
end

-- Where each function is declared. The generator reads the headers by a grammar; this one looks for names only, so that
-- what the one overlooks the other does not.
local declared, order = {}, {}
for _, header in ipairs(list "ls include/cleat/*.h") do
    local line = 0
    for text in (read(header) .. "\n"):gmatch "(.-)\n" do
        line = line + 1
        local name = text:match "^CLEAT_API.*%f[%w_]cleat_([%w_]+)%("
        if name then
            declared[name] = ("%s:%d"):format(header, line)
            order[#order + 1] = name
        end
    end
end

local BOUND = {
    { "lua/cleat/backend/cdef.lua", "\nint32_t cleat_%s(" },
    { "lua/cleat/backend/native_abi.c", '\n    {"%s", l_' },
    { "lua/cleat/backend/ffi_abi.lua", "\n        backend.%s = function(" },
    { "core/cleat.map", "\n    cleat_%s;" },
    { "docs/reference.md", "\n### cleat_%s\n" },
}
for _, place in ipairs(BOUND) do
    local name, pattern = place[1], place[2]
    local text = read(name)
    for _, f in ipairs(order) do
        if not text:find(pattern:format(f), 1, true) then
            report(declared[f], "cleat_%s is not in %s: run script/generate", f, name)
        end
    end
end

-- makes_id: the backend's functions that leave a new id without a guard.
local makes_id = {}
for _, header in ipairs(list "ls include/cleat/*.h") do
    for declaration in read(header):gmatch "\nCLEAT_API[^;]*;" do
        local name = declaration:match "%f[%w_]cleat_([%w_]+)%("
        if declaration:find("CLEAT_NEW_ID", 1, true) and not name:find "_guarded$" then
            makes_id[name], makes_id[name .. "_into"] = true, true
        end
    end
end

-- used: by function, the first file that uses it through a local that is cleat.backend.
local used = {}
local sources = list(table.concat({ "find lua spec -name '*.lua' ! -path 'lua/cleat/backend/*' ! -path 'lua/cleat/types/*'",
    "! -name 'garbage_spec.lua' | sort" }, " "))
for _, name in ipairs(sources) do
    local text = "\n" .. read(name)
    for backend in text:gmatch "local ([%w_]+) = require[%s(]*[\"']cleat%.backend[\"']" do
        for member in text:gmatch("%f[%w_]" .. backend .. "%.([%w_]+)") do
            local bare = member:gsub("_guarded$", "")
            for _, f in ipairs { member, bare, (bare:gsub("_into$", "")), (bare:gsub("_from$", "")) } do
                used[f] = used[f] or name
            end
            if name:find "^lua/" and makes_id[member] then
                report(name, "%s.%s: an error could lose the id before it is guarded: use %s_guarded", backend, member, member)
            end
        end
    end
end

local skipped, line = {}, 0
for text in (read "spec/checks/coverage_skip.txt" .. "\n"):gmatch "(.-)\n" do
    line = line + 1
    local place = ("spec/checks/coverage_skip.txt:%d"):format(line)
    if not text:find "^%s*#" and text:find "%S" then
        local name, reason = text:match "^cleat_([%w_]+)%s+(%S.*)$"
        if not name then
            report(place, "not of the form: cleat_NAME reason")
        elseif not declared[name] then
            report(place, "there is no cleat_%s", name)
        elseif used[name] then
            report(place, "cleat_%s is used by %s", name, used[name])
        end
        skipped[name or 0] = reason
    end
end

local uses, skips = 0, 0
for _, f in ipairs(order) do
    if used[f] then
        uses = uses + 1
    elseif skipped[f] then
        skips = skips + 1
    else
        report(declared[f], "cleat_%s is used neither by the Lua layer nor by a spec, and not in spec/checks/coverage_skip.txt", f)
    end
end

-- Functions of a form that one test calls in all states of a connection, or at all steps of a handshake: where, a
-- pattern for their declarations, and the exceptions with the reason.
local TESTED = {
    { "spec/c/test_pairs.c", "^cleat_(connection_[%w_]+)%(int32_t connection%);$",
        connection_feed_eof = "it is no getter: it ends the input" },
    { "spec/c/test_pairs.c", "^cleat_(connection_[%w_]+)%(int32_t connection, char %*output, int32_t output_cap%);$" },
    { "spec/c/test_setters.c", "^cleat_(context_set_[%w_]+)%(" },
}
for _, header in ipairs(list "ls include/cleat/*.h") do
    for declaration in read(header):gmatch "\nCLEAT_API[^;]*(%f[%w_]cleat_[%w_]+%([^;]*;)" do
        declaration = declaration:gsub("CLEAT_%u+ ", ""):gsub("%s+", " ")
        for _, rule in ipairs(TESTED) do
            local name = declaration:match(rule[2])
            if name and not rule[name] and not name:find "_guarded$" and not read(rule[1]):find("cleat_" .. name .. "%f[^%w_]") then
                report(declared[name] or header, "%s does not call cleat_%s", rule[1], name)
            end
        end
    end
end

print(("%d functions in %d files of bindings; %d used in %d Lua files, %d skipped with a reason: %d faults"):format(
    #order, #BOUND, uses, #sources, skips, failures))
os.exit(failures == 0 and #order > 0 and 0 or 1)
