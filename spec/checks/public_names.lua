-- public_names: what the new names of the Lua layer need, which are those of spec/abi/lua.txt (written by
-- script/generate, which also asks for a paragraph and writes the changelog's list) that no release has:
--
--   allocation   spec/allocation/operations.lua calls each function and method, so that it runs with each of its
--                allocations failing, unless EXEMPT says why not
--   changelog    CHANGELOG.md says below Unreleased what users can do with each function, method and setting of
--                contexts: it names it, or its class or module if that is new too

local root = os.getenv "CLEAT_SOURCE_DIR" or "."

-- Functions and methods that need no operation in spec/allocation/operations.lua, with the reason.
local EXEMPT = {
    ["sessions.nginx.new"] = "it needs nginx", ["Task:cancel"] = "it needs Neovim", ["python.pprint"] = "it prints what pformat returns",
    ["luasec.https.request"] = "it needs LuaSocket", ["luasec.https.tcp"] = "it needs LuaSocket",
    ["luasec.wrap"] = "it needs LuaSocket", ["luasec.install"] = "it only fills package.preload",
    ["luasec.newcontext"] = "it calls SSLContext's methods, which are there", ["luasec.loadcertificate"] = "it is luasec.x509.load",
    ["SSLContext:set_ciphersuites"] = "it only raises", ["SSLSocket:verify_client_post_handshake"] = "it only raises",
}

local function read(name)
    local file = assert(io.open(root .. "/" .. name, "rb"))
    local text = file:read "*a"
    file:close()
    return text
end

-- The functions of modules, as the files for editors have them; those of adapters need an event loop.
local functions, of_adapter = {}, {}
local listing = assert(io.popen(("cd '%s/lua/cleat/types' && find . -name '*.lua'"):format(root)))
for file in listing:lines() do
    local module = file:match("^%./(.*)%.lua$"):gsub("/", ".")
    local short = module:gsub("^adapters%.", "")
    for name in read("lua/cleat/types/" .. file):gmatch "\nfunction module%.([%w_]+)%(" do
        functions[short .. "." .. name] = true
        of_adapter[short .. "." .. name] = short ~= module
    end
end
listing:close()

local function is_function(name)
    return name:find(":", 1, true) ~= nil or functions[name] == true
end

local faults, new = 0, 0
local function report(format, ...)
    faults = faults + 1
    print(format:format(...))
end

local operations, names = read "spec/allocation/operations.lua", read "spec/abi/lua.txt"
local written = read("CHANGELOG.md"):match "\n## Unreleased\n(.-)\n### Lua API\n"
if not written and names:find "\nnext " then report "CHANGELOG.md: no text between ## Unreleased and ### Lua API" end
written = (written or ""):lower()

-- Whether the changelog has a word; a class may have a shorter name in the API's list or in Lua: CertificateObject is
-- ssl.Certificate, Selector is selectors.DefaultSelector.
local function has(word)
    word = word:lower():gsub("object$", ""):gsub("^selector$", "defaultselector")
    return written:find("%f[%w_]" .. word:gsub("%.", "%%.") .. "%f[^%w_]") ~= nil
end

local released = {} -- the classes and modules that a release has
for name in names:gmatch "\n[%d.]+ (%S+)" do released[name:match "^(.*)[.:]"] = true end

for name in names:gmatch "\nnext (%S+)" do
    local owner, member = name:match "^(.*)[.:]([%w_]+)$"
    local new_owner = not released[owner] and (has(owner) or has("cleat." .. owner) or has("cleat.adapters." .. owner))
    if (is_function(name) or owner == "SSLContext") and not has(member) and not new_owner then
        report("%s: write a line that names it into CHANGELOG.md, below Unreleased", name)
    end
    if is_function(name) and not of_adapter[name] then
        new = new + 1
        local last = name:match "[%w_]+$"
        if not EXEMPT[name] and not operations:find("[.:]" .. last .. "%f[^%w_]") then
            report("%s: add an operation that calls it to spec/allocation/operations.lua, or a reason to EXEMPT in "
                .. "spec/checks/public_names.lua", name)
        end
    end
end
for name in pairs(EXEMPT) do
    if not names:find((" %s\n"):format(name), 1, true) then
        report("spec/checks/public_names.lua: there is no %s, which is exempt", name)
    end
end

print(("%d new functions of the Lua API: %d faults"):format(new, faults))
os.exit(faults == 0)
