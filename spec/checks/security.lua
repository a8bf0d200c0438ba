-- security: docs/security.md promises nothing that is not there. Each file that it names exists, and each test behind
-- one is in it:
-- `spec/ssl/NAME_spec.lua`: "a part of the test's name", "another". Each dangerous switch is called DANGEROUS where it
-- is documented.

local root = os.getenv "CLEAT_SOURCE_DIR" or "."
local PAGE = "docs/security.md"

local failures, files, tests, switches = 0, 0, 0, 0
local number = 0
local function report(format, ...)
    failures = failures + 1
    io.stderr:write(PAGE, ":", number, ": ", format:format(...), "\n")
end

local texts = {}
local function read(name)
    if texts[name] == nil then
        local file = io.open(root .. "/" .. name, "rb")
        texts[name] = file and (file:read "*a" or "") or false -- a folder can be opened, and not read
        if file then
            file:close()
        end
    end
    return texts[name]
end

-- has_test: whether a line that begins a test has the words in it; in C it is the name of a function.
local function has_test(name, words)
    for line in (read(name) .. "\n"):gmatch "(.-)\n" do
        if line:find(words, 1, true) and (name:find "%.c$" or line:find "%f[%w]it[%w_]*%(" or line:find "%f[%w]describe%(") then
            return true
        end
    end
    return false
end

-- is_loud: whether DANGEROUS stands within a few lines of the switch.
local function is_loud(name, switch)
    local lines, near = {}, 4
    for line in (read(name) .. "\n"):gmatch "(.-)\n" do
        lines[#lines + 1] = line
    end
    for at, line in ipairs(lines) do
        if line:find("DANGEROUS", 1, true) then
            for other = math.max(1, at - near), math.min(#lines, at + near) do
                if lines[other]:find(switch, 1, true) then
                    return true
                end
            end
        end
    end
    return false
end

local FOLDERS = { spec = true, script = true, docs = true, lua = true, core = true, include = true, bench = true, examples = true,
    cmake = true }

local heading
for line in (assert(read(PAGE), "no " .. PAGE) .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    heading = line:match "^#+ (.*)" or heading
    -- the backticked path, and what follows up to the next one
    for name, rest in line:gmatch "`([%w_]+/[%w_./-]+)`([^`]*)" do
        if FOLDERS[name:match "^[^/]+"] then
            files = files + 1
            if read(name) == false then
                report("there is no %s", name)
            elseif rest:find "^: " then
                for words in rest:gmatch '"([^"]+)"' do
                    tests = tests + 1
                    if not has_test(name, words) then
                        report("%s has no test %q", name, words)
                    end
                end
            end
        end
    end
    for name in line:gmatch "%]%(([%w_./-]+%.md)[#%w-]*%)" do
        if read("docs/" .. name) == false then
            report("there is no docs/%s", name)
        end
    end
    local switch, place = line:match "^| `([%w_]+)`[^|]*| `([^`]+)` |"
    if heading == "Dangerous switches" and switch then
        switches = switches + 1
        if not read(place) or not is_loud(place, switch) then
            report("%s does not call %s DANGEROUS", place, switch)
        end
    end
end

print(("%d files, %d tests, %d dangerous switches: %d faults"):format(files, tests, switches, failures))
os.exit(failures == 0 and files > 0 and tests > 0 and switches > 0 and 0 or 1)
