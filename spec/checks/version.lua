-- version: the version and the soname stand in CMakeLists.txt, and every other place that mentions them agrees: the rockspec and its
-- file's name, macros of include/cleat/version.h, README.md, docs/releasing.md, and each libcleat.so.N in any file.

local root = os.getenv "CLEAT_SOURCE_DIR" or "."

local failures, places = 0, 0
local function compare(place, found, wanted)
    places = places + 1
    if found ~= wanted then
        failures = failures + 1
        io.stderr:write(("%s: %s, but CMakeLists.txt has %s\n"):format(place, found or "nothing", wanted))
    end
end

local function read(name)
    local file = assert(io.open(root .. "/" .. name, "rb"))
    local text = file:read "*a"
    file:close()
    return text
end

local cmake = read "CMakeLists.txt"
local version = assert(cmake:match "\nproject%(cleat VERSION (%d+%.%d+%.%d+) ", "CMakeLists.txt has no version")
local soversion = assert(cmake:match "SOVERSION (%d+)", "CMakeLists.txt has no SOVERSION")
local major, minor, patch = version:match "(%d+)%.(%d+)%.(%d+)"

local files = {}
local LISTING = "cd '%s' && (git ls-files --cached --others --exclude-standard 2>/dev/null "
    .. "|| find . -path ./build -prune -o -type f -print | sed 's|^[.]/||')"
local pipe = assert(io.popen(LISTING:format(root)))
for name in pipe:lines() do
    files[#files + 1] = name
end
pipe:close()

local rockspecs = 0
for _, name in ipairs(files) do
    local rock, revision = name:match "^cleat%-([%d.]+)%-(%d+)%.rockspec$"
    if rock then
        rockspecs = rockspecs + 1
        compare(name, rock, version)
        compare(name, read(name):match '\nversion = "([^"]*)"', version .. "-" .. revision)
    elseif not name:find "^spec/abi/" and not name:find "^spec/fuzz/seeds/" then
        local file = io.open(root .. "/" .. name, "rb")
        local text = file and file:read "*a" or ""
        if file then
            file:close()
        end
        for number in text:gmatch "libcleat%.so%.(%d+)" do
            compare(name, "libcleat.so." .. number, "libcleat.so." .. soversion)
        end
    end
end
compare("the rockspecs in the root folder", tostring(rockspecs), "1")

-- Macros, where the header has them.
local header = read "include/cleat/version.h"
for name, wanted in pairs { MAJOR = major, MINOR = minor, PATCH = patch, STRING = '"' .. version .. '"' } do
    local found = header:match("\n#define CLEAT_VERSION_" .. name .. "%s+(%S+)")
    if found then
        compare("include/cleat/version.h: CLEAT_VERSION_" .. name, found, wanted)
    end
end

compare("README.md", read("README.md"):match "\nVersion ([%d.]+)%.", major .. "." .. minor)
local releasing = read "docs/releasing.md"
compare("docs/releasing.md", releasing:match "| the version, ([%d.]+) |", version)
compare("docs/releasing.md", releasing:match "`CLEAT_ABI_VERSION`, now (%d+) |", header:match "\n#define CLEAT_ABI_VERSION (%d+)")

print(("version %s, soname libcleat.so.%s: %d places compared, %d faults"):format(version, soversion, places, failures))
os.exit(failures == 0 and 0 or 1)
