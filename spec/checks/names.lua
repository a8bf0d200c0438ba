-- names: what the prose names is there. In the documentation, and in the comments of the headers and sources:
--
--   paths              core/…, docs/…, include/…, lua/… and so on are files or folders of the repository. * is any
--                      text, and so is a word in capitals (spec/c/test_NAME.c). docs/decisions/07 is the decision of
--                      that number.
--   cleat_…            is a function of the headers or another name of the core's; cleat_error_* if one begins so
--   files by name      transport.c, trust_spec.lua are files of that name, in whatever folder
--   require "cleat.…"  is a module of the Lua layer
--   [words](link)      in the documentation leads to a file, and #section to a heading in it
--   c.NAME, check.NAME in the documentation are tests; so is what script/busted is given
--
-- And each page of docs/ is found: another page links to it. If it has Lua code, a spec names it, which runs the code.
--
-- Code is left to the compilers.

local root = os.getenv "CLEAT_SOURCE_DIR" or "."

-- What is written like a name and is none, with the reason. An entry that matches nothing is an error.
local EXEMPT = {
    ["a_b.c"] = "a host name, in spec/ssl/idna_spec.lua",
    cleat_name = "stands for any function, in docs/ffi.md",
    cleat_connection_peer_signature = "the example of CONTRIBUTING.md",
    cleat_static = "the CMake target of libcleat.a, in docs/building.md",
    ["program.c"] = "the reader's program, in docs/building.md",
    ["lua/*.lua"] = "a pattern for git, in spec/coverage/report.lua",
    ["lua.h"] = "of the interpreters, in docs/lua-versions.md",
    ["include/openssl"] = "of BoringSSL's prefix, in script/boringssl",
}

local failures, names = 0, 0
local used = {}
local function report(place, name, format, ...)
    if EXEMPT[name] then
        used[name] = true
        return
    end
    failures = failures + 1
    io.stderr:write(place, ": ", format:format(...), "\n")
end

local function read(name)
    local file = assert(io.open(root .. "/" .. name, "rb"))
    local text = file:read "*a"
    file:close()
    return text
end

-- Files of the repository, and its folders.
local files, there, bases = {}, {}, {}
local LISTING = "cd '%s' && (git ls-files --cached --others --exclude-standard 2>/dev/null "
    .. "|| find . -path ./build -prune -o -type f -print | sed 's|^[.]/||')"
local pipe = assert(io.popen(LISTING:format(root)))
for name in pipe:lines() do
    files[#files + 1] = name
    there[name] = true
    bases[name:match "[^/]+$"] = true
    local folder = name:match "^(.*)/"
    while folder do
        there[folder] = true
        folder = folder:match "^(.*)/"
    end
end
pipe:close()

local FOLDERS = {}
for name in pairs(there) do
    FOLDERS[name:match "^[^/]+" ] = name:find "/" and true or FOLDERS[name:match "^[^/]+"]
end

-- Every identifier of the core and the headers.
local identifiers = {}
for _, name in ipairs(files) do
    if name:find "^core/.*%.[ch]$" or name:find "^include/.*%.h$" then
        local code = read(name):gsub("/%*.-%*/", " ")
        for word in code:gmatch "%f[%w_]cleat_[%w_]+" do
            identifiers[word] = true
        end
    end
end

-- matched: whether something of the set matches a name in which * is any text without a slash.
local function matched(set, name)
    local pattern = "^" .. name:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", "[^/]*") .. "$"
    for key in pairs(set) do
        if key:find(pattern) then
            return true
        end
    end
    return false
end

local function check_path(place, path)
    local name = path:gsub("[.,:;/-]+$", "")
    local pattern = name:gsub("%f[%a]%u+%f[%A]", "*"):gsub("^docs/decisions/%d%d$", "%0-*")
    names = names + 1
    if not there[name] and not (pattern:find("*", 1, true) and matched(there, pattern)) then
        report(place, name, "there is no %s", name)
    end
end

local function check_function(place, word, star)
    if word:find "%u" then
        return -- any function: cleat_NAME
    end
    names = names + 1
    if not identifiers[word] and not (star == "*" and matched(identifiers, word .. "*")) then
        report(place, word, "there is no %s%s", word, star)
    end
end

local function check_line(place, line)
    for before, path in line:gmatch "(.?)%f[%w_.-]([%w_]+/[%w_./*-]+)" do
        if FOLDERS[path:match "^[^/]+"] and not before:find "[/%w.$~}]" then
            check_path(place, path)
        end
    end
    for word, star in line:gmatch "%f[%w_](cleat_[%w_]+)(%*?)" do
        check_function(place, word, star)
    end
    for before, name in line:gmatch "(.?)%f[%w_]([%w_]+%.%l+)%f[^%w_.]" do
        local source = name:find "%.[ch]$" or name:find "_spec%.lua$"
        if source and not before:find "[/.<*-]" and not name:find "^%u+%." then
            names = names + 1
            if not bases[name] then
                report(place, name, "there is no file %s", name)
            end
        end
    end
    for module in line:gmatch "require[%s(]*[\"'](cleat[%w_.]*)[\"']" do
        local path = "lua/" .. module:gsub("%.", "/")
        names = names + 1
        if not there[path .. ".lua"] then
            report(place, module, "there is no module %s", module)
        end
    end
end

-- headings: the anchors of a page, as forges make them.
local anchors = {}
local function headings(name)
    if not anchors[name] then
        local list, fenced = {}, false
        for line in (read(name) .. "\n"):gmatch "(.-)\n" do
            fenced = fenced ~= (line:find "^```" ~= nil)
            local words = not fenced and line:match "^#+ +(.*)$"
            if words then
                list[words:lower():gsub("%[([^%]]*)%]%b()", "%1"):gsub("[^%w _\128-\255-]", ""):gsub(" ", "-")] = true
            end
        end
        anchors[name] = list
    end
    return anchors[name]
end

-- resolved: a link from a file, as a path from the root.
local function resolved(from, link)
    local path = (from:match "^(.*/)" or "") .. link
    local count
    repeat
        path, count = path:gsub("[^/]+/%.%./", "", 1)
    until count == 0
    return (path:gsub("/$", ""))
end

local linked = {} -- pages to which another one links
local function check_links(place, from, line)
    for link in line:gmatch "%]%(([^)%s]+)%)" do
        local target, section = link:match "^([^#]*)#?(.*)$"
        if not link:find "^%a+:" then
            local path = target == "" and from or resolved(from, target)
            names = names + 1
            linked[path] = linked[path] or path ~= from
            if not there[path] then
                report(place, link, "the link leads to %s, which is not there", path)
            elseif section ~= "" and path:find "%.md$" and not headings(path)[section] then
                report(place, link, "there is no section %s in %s", section, path)
            end
        end
    end
end

-- check_tests: c.NAME, check.NAME and the specs that script/busted is given, in the documentation.
local function check_tests(place, line)
    local function check_test(test, ...)
        names = names + 1
        for _, pattern in ipairs { ... } do
            if matched(there, pattern) then
                return
            end
        end
        report(place, test, "there is no test %s", test)
    end
    for name in line:gmatch "%f[%w_./]check%.(%l[%w_]*)" do
        check_test("check." .. name, ("spec/checks/%s.*"):format(name), ("cmake/check-%s.sh"):format(name),
            name:find "^guard_" and "bench/guards/run.lua" or "no")
    end
    for name in line:gmatch "%f[%w_./]c%.(%l[%w_]*)" do
        check_test("c." .. name, ("spec/c/test_%s.c"):format(name), ("spec/%s/*.c"):format(name))
    end
    for name in line:gmatch "script/busted ([%l_]+%.[%l_]+)" do
        check_test(name, ("spec/%s_spec.lua"):format((name:gsub("%.", "/"))))
    end
end

-- What of a file is prose, by its name: all of it, or its comments; nil if none is. Lines stay where they are.
local function comments_of_c(text)
    local parts, position = {}, 1
    for start, comment, after in text:gmatch "()(/%*.-%*/)()" do
        parts[#parts + 1] = text:sub(position, start - 1):gsub("[^\n]", "")
        parts[#parts + 1] = comment
        position = after
    end
    return table.concat(parts)
end

local function comments_of_lines(marker)
    return function(text)
        return (text:gsub("[^\n]+", function(line)
            return line:match(marker) or ""
        end))
    end
end

local PROSE = {
    { "%.md$", function(text) return text end },
    { "^core/.*%.[ch]$", comments_of_c }, { "^include/.*%.h$", comments_of_c }, { "^spec/.*%.[ch]$", comments_of_c },
    { "^lua/.*%.[ch]$", comments_of_c }, { "^bench/.*%.[ch]$", comments_of_c }, { "%.lua$", comments_of_lines "%-%-.*$" },
    { "^script/[%l_]+$", comments_of_lines "^%s*#.*$" }, { "%.sh$", comments_of_lines "^%s*#.*$" },
}

-- Prose of other times: what a release was.
local OLD = { "^spec/abi/%d", "^CHANGELOG%.md$" }

local function prose(name)
    for _, pattern in ipairs(OLD) do
        if name:find(pattern) then
            return nil
        end
    end
    for _, kind in ipairs(PROSE) do
        if name:find(kind[1]) then
            return kind[2](read(name))
        end
    end
end

local count = 0
for _, name in ipairs(files) do
    local text = prose(name)
    if text then
        count = count + 1
        local number = 0
        for line in (text .. "\n"):gmatch "(.-)\n" do
            number = number + 1
            local place = ("%s:%d"):format(name, number)
            local markdown = name:find "%.md$"
            check_line(place, markdown and line:gsub("%]%b()", "]") or line) -- links are relative to their page
            if markdown then
                check_links(place, name, line)
                check_tests(place, line)
            end
        end
    end
end

local specs = {}
for _, name in ipairs(files) do
    if name:find "^spec/.*%.lua$" and not name:find "^spec/checks/" then
        specs[#specs + 1] = read(name)
    end
end
specs = table.concat(specs)
for _, name in ipairs(files) do
    if name:find "^docs/.*%.md$" then
        if not linked[name] then
            report(name, name, "no other page links to it")
        elseif not name:find "^docs/lua/" and not specs:find(name, 1, true) and ("\n" .. read(name)):find "\n```lua\n" then
            report(name, name, "it has Lua code, and no spec runs it: see RUN in spec/docs/pages_spec.lua")
        end
    end
end

for name, reason in pairs(EXEMPT) do
    if not used[name] then
        report("spec/checks/names.lua", "", "the exemption of %s (%s) matches nothing", name, reason)
    end
end

print(("%d files read, %d names: %d faults"):format(count, names, failures))
os.exit(failures == 0 and count > 0 and names > 0 and 0 or 1)
