-- Servers of Debian's Prosody, unchanged, over cleat.luasec or Debian's LuaSec, each in a separate directory.
--
--   local servers = prosody.start { { library = "cleat" }, { library = "luasec", backend = "select" } }
--   servers[1].ports.c2s, servers[1].hosts.good
local check_options = require "support.check_options"
local limits = require "support.limits"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"

local prosody = {}

-- The line that moves Prosody to cleat: docs/luasec.md.
prosody.LINE = 'require "cleat.luasec.install"'

-- Prosody runs on the Lua that its first line names, whichever Lua runs the specs.
local BUILD = os.getenv "CLEAT_BUILD_DIR" or "build/release"
if BUILD:sub(1, 1) ~= "/" then
    BUILD = process.root .. "/" .. BUILD -- Prosody ignores relative paths
end

local SERVICES = { "c2s", "c2s_direct_tls", "s2s", "s2s_direct_tls", "https" }

-- run_as_root: without this setting Prosody refuses to run as root, which may be the user that runs the specs.
local CONFIGURATION = [[
run_as_root = true
pidfile = "@DIR/pid"
data_path = "@DIR/data"
log = { @LOG = "*console" }
plugin_paths = { "@ROOT/spec/support/prosody" }
spec_names = "@NAMES"
modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "http", "bosh", "admin_shell", "spec_names" }
network_backend = "@BACKEND"
interfaces = { "127.0.0.1" }
c2s_ports = { @PORT1 }
c2s_direct_tls_ports = { @PORT2 }
s2s_ports = { @PORT3 }
s2s_direct_tls_ports = { @PORT4 }
http_ports = {}
https_ports = { @PORT5 }
c2s_timeout = 1500
s2s_timeout = 1500
network_settings = { connect_timeout = 1500, ssl_handshake_timeout = 1500 }
c2s_require_encryption = true
s2s_secure_auth = true
authentication = "internal_plain"
certificates = "@DIR/certs"
ssl = { cafile = "@CA" }
]]

-- wait_until waits until f() returns a true value, and returns it. After a timeout it raises what().
function prosody.wait_until(f, what)
    local deadline = process.clock() + limits.bound(20)
    while true do
        local result = f()
        if result then
            return result
        elseif process.clock() > deadline then
            error(what(), 2)
        end
        process.sleep(0.02)
    end
end

-- missing returns nil, or why the tests are pending: one of the programs that they need is not installed.
function prosody.missing()
    return optional.program "prosody" or optional.program "go-sendxmpp" or optional.program "curl"
        or optional.file("/usr/lib/python3/dist-packages/slixmpp", "python3-slixmpp")
end

local function shell(text)
    assert(os.execute(text), text)
end

local serial = 0

local function names_file()
    return process.directory() .. "/names"
end

-- The virtual hosts of a server, and their certificates. Prosody finds server-ec by its index of the certificates in a
-- folder; the configuration names the others.
local HOSTS = { good = "server-ec", direct = "server-ec", expired = "expired", other = "other", unknown = "unknown" }

local Server = {}
Server.__index = Server

local HOST = [[
VirtualHost "@HOST"
    http_host = "@HTTP"
]]
local CERTIFICATE = [[
    ssl = { certificate = "@DIR/@CERT.crt"; key = "@DIR/@CERT.key"; cafile = "@CA" }
]]

-- encoded returns the name of Prosody's folder for a host.
local function encoded(host)
    return (host:gsub("[^%w]", function(byte)
        return ("%%%02x"):format(byte:byte())
    end))
end

local function accounts(self, host, users)
    local folder = ("%s/data/%s/accounts"):format(self.directory, encoded(host))
    shell("mkdir -p " .. process.quote(folder))
    for _, user in ipairs(users) do
        process.write_file(("%s/%s.dat"):format(folder, user), 'return { ["password"] = "secret" };\n')
    end
end

-- certificate copies a certificate with its chain, and its key, into a folder of the server.
function Server:certificate(name, as)
    local certfile, keyfile = pki.chain(name)
    for from, to in pairs { [certfile] = as .. ".crt", [keyfile] = as .. ".key" } do
        process.write_file(self.directory .. "/" .. to, process.read_file(from))
    end
end

local function new(options)
    check_options("prosody.start", options, "library backend log")
    serial = serial + 1
    local name = ("%s%d"):format(options.library, serial)
    local self = setmetatable({
        name = name, library = options.library, backend = options.backend or "epoll",
        directory = process.directory() .. "/prosody-" .. name, ports = {}, hosts = {},
    }, Server)
    shell(("mkdir -p %s/data %s/certs"):format(self.directory, self.directory))
    local values = {
        DIR = self.directory, ROOT = process.root, NAMES = names_file(), BACKEND = self.backend,
        CA = pki.path "root.pem", LOG = options.log or "debug",
    }
    for i, service in ipairs(SERVICES) do
        self.ports[service] = process.free_port()
        values["PORT" .. i] = self.ports[service]
    end
    for _, certificate in ipairs { "server-ec", "expired" } do -- the index omits expired ones
        self:certificate(certificate, "certs/" .. certificate)
    end
    local text = { options.library == "cleat" and prosody.LINE .. "\n" or "", CONFIGURATION }
    local function host(name_of_host, http, certificate)
        text[#text + 1] = HOST:gsub("@(%u+)", { HOST = name_of_host, HTTP = http or name_of_host })
        text[#text + 1] = certificate and CERTIFICATE:gsub("@CERT", certificate) or ""
        accounts(self, name_of_host, { "alice", "bob", "carol" })
    end
    for kind, certificate in pairs(HOSTS) do
        self.hosts[kind] = ("%s-%s.wild.cleat.test"):format(kind, name)
        local named = certificate ~= "server-ec" and certificate
        if named then
            self:certificate(certificate, certificate)
        end
        host(self.hosts[kind], kind == "good" and "localhost", named)
    end
    self:certificate("other", "other")
    host "other.example"
    text[#text + 1] = '    certificate = "@DIR/other.crt"\n'
    text = table.concat(text):gsub("@([%u%d]+)", values)
    self.config = process.write_file(self.directory .. "/prosody.cfg.lua", text)
    return self
end

-- environment returns arguments of env(1) that make Prosody find the build's cleat, or not find it.
function Server:environment()
    local words = { "env", "-u", "LUA_PATH_5_4", "-u", "LUA_CPATH_5_4", "-u", "LUA_INIT", "SSL_CERT_FILE=" .. pki.path "root.pem" }
    if self.library == "cleat" then
        words[#words + 1] = ("LUA_PATH=%s/lua/?.lua;;"):format(process.root)
        words[#words + 1] = ("LUA_CPATH=%s/lua/5.4/?.so;;"):format(BUILD)
    else
        words[#words + 1] = "LUA_PATH=;;"
        words[#words + 1] = "LUA_CPATH=;;"
    end
    return words
end

-- maps returns the text of the process's memory map.
function Server:maps()
    return process.read_file(("/proc/%d/maps"):format(self.pid))
end

-- descriptors returns how many file descriptors the process has open.
function Server:descriptors()
    local pipe = assert(io.popen(("ls /proc/%d/fd | wc -l"):format(self.pid)))
    local count = pipe:read "*n"
    pipe:close()
    return count
end

-- reload makes the server read its configuration and certificates again.
function Server:reload()
    shell("kill -HUP " .. self.pid)
end

function Server:start()
    local words = self:environment()
    for _, word in ipairs { "/usr/bin/prosody", "-F", "--config", self.config } do
        words[#words + 1] = word
    end
    words.timeout = 300
    self.process = process.start(words)
end

function Server:log()
    return self.process:output() .. self.process:errors()
end

function Server:wait_for(pattern, timeout)
    return self.process:wait_for(pattern, timeout or 20)
end

-- outcomes returns the results of the connections with other servers, by "out FROM->TO" and "in FROM->TO": arrays of
-- lines such as "TLSv1.3; chain valid; identity valid; complete".
function Server:outcomes()
    local parts, found = {}, {}
    for line in self:log():gmatch "[^\n]+" do
        local id, text = line:match "^(s2s%a+%x+)%s+%a+\t(.*)"
        if id then
            local part = text:match "^Stream encrypted %((%S+)" or text:match "^certificate (.*)"
            local names, outcome = text:match "^%a+ s2s connection (%S+) (complete)$"
            if not names then
                names, outcome = text:match "^%a+ s2s stream (%S+) closed: (.*)"
            end
            parts[id] = parts[id] or {}
            if part then
                table.insert(parts[id], (part:gsub(" validation result:", "")))
            elseif names then
                local key = id:match "^s2s(%l-)%x+$" .. " " .. names
                table.insert(parts[id], outcome)
                found[key] = found[key] or {}
                table.insert(found[key], table.concat(parts[id], "; "))
                parts[id] = nil
            end
        end
    end
    return found
end

-- offline returns the text of the messages that are stored for a user.
function Server:offline(user, kind)
    local name = ("%s/data/%s/offline/%s.list"):format(self.directory, encoded(self.hosts[kind]), user)
    local file = io.open(name)
    local text = file and file:read "*a" or ""
    if file then
        file:close()
    end
    return text
end

-- is_ready returns whether the server serves all its ports, and raises an error if it has failed.
function Server:is_ready()
    local log = self:log()
    if self.process:poll() or log:find("Failed to open server port", 1, true) then
        error("Prosody does not serve:\n" .. log, 0)
    end
    for _, service in ipairs(SERVICES) do
        if not log:find(("Activated service '%s' on [127.0.0.1]:%d"):format(service, self.ports[service]), 1, true) then
            return false
        end
    end
    local file = io.open(self.directory .. "/pid")
    self.pid = file and file:read "*n"
    if file then
        file:close()
    end
    return self.pid ~= nil
end

-- started waits until a server is ready. If another program has taken one of its ports, it starts another server.
local function started(server, options)
    for attempt = 1, 5 do
        local ok, message = pcall(prosody.wait_until, function()
            return server:is_ready()
        end, function()
            return "Prosody is not ready:\n" .. server:log()
        end)
        if ok then
            return server
        end
        server.process:stop()
        if attempt == 5 or not message:find("Failed to open server port", 1, true) then
            error(message, 0)
        end
        server = new(options)
        server:start()
    end
end

-- run runs a command in the server's environment, and returns the result of process.run.
function Server:run(...)
    local words = self:environment()
    for _, word in ipairs { ... } do
        words[#words + 1] = word
    end
    words.timeout = 60
    return process.run(words)
end

-- control returns the output of a prosodyctl command, without its note about lua-unbound.
function Server:control(...)
    local result = self:run("/usr/bin/prosodyctl", "--config", self.config, ...)
    return (result.output:gsub("\n%*%*%*+\nProsody was unable.-\n%*%*%*+\n", ""))
end

-- start starts servers at the same time, and returns them in the order of the list.
function prosody.start(list)
    local servers, names = {}, {}
    process.write_file(names_file(), "")
    for i, options in ipairs(list) do
        servers[i] = new(options)
        servers[i]:start()
    end
    for i, options in ipairs(list) do
        servers[i] = started(servers[i], options)
        for kind, host in pairs(servers[i].hosts) do
            local direct = kind == "direct"
            names[#names + 1] = ("%s %s %d\n"):format(direct and "xmpps-server" or "xmpp-server", host,
                servers[i].ports[direct and "s2s_direct_tls" or "s2s"])
        end
    end
    process.write_file(names_file(), table.concat(names))
    return servers
end

return prosody
