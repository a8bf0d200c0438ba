-- public_names: each new function or method of the Lua layer runs with each of its allocations failing. The new names
-- are those of spec/abi/lua.txt (written by script/generate, which also asks for a paragraph and writes the changelog's
-- list) that no release has. Reports one that spec/allocation/operations.lua does not call, unless EXEMPT says why.

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

local function is_function(name)
    if name:find(":", 1, true) then return true end
    local module, last = name:match "^([%w_.]+)%.([%w_]+)$"
    local found, loaded = pcall(require, "cleat." .. (module or ""))
    return found and type(loaded) == "table" and type(rawget(loaded, last)) == "function"
end

local faults, new, exempted = 0, 0, {}
local function report(format, ...)
    faults = faults + 1
    print(format:format(...))
end

local operations = read "spec/allocation/operations.lua"
for name in read("spec/abi/lua.txt"):gmatch "\nnext (%S+)" do
    if is_function(name) then
        new = new + 1
        local last = name:match "[%w_]+$"
        if EXEMPT[name] then
            exempted[name] = true
        elseif not operations:find("[.:]" .. last .. "%f[^%w_]") then
            report("%s: add an operation that calls it to spec/allocation/operations.lua, or a reason to EXEMPT in "
                .. "spec/checks/public_names.lua", name)
        end
    end
end
for name in pairs(EXEMPT) do
    if not exempted[name] then report("spec/checks/public_names.lua: the exemption of %s exempts nothing", name) end
end

print(("%d new functions of the Lua API: %d faults"):format(new, faults))
os.exit(faults == 0)
