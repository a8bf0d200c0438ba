--- The connections of `cleat inspect` to a server: the one that is described, and those that test what the server
--- accepts.

local base64 = require "cleat.base64"
local compat = require "cleat.compat"
local failure = require "cleat.cli.failure"
local loop = require "cleat.cli.loop"
local ssl = require "cleat.ssl"
local target = require "cleat.cli.target"
local tls = require "cleat.cli.tls"

local pcall = compat.pcall

local probe = {}

--- The versions to test, the newest first.
probe.VERSIONS = { "1.3", "1.2", "1.1", "1.0" }

local TICKET_WAIT = 1 -- seconds

---@class cleat.cli.Probe
---@field to cleat.cli.Target
---@field options table
---@field limit number the deadline of the inspection, on the clock of loop.now()
local Probe = {}
Probe.__index = Probe

---@param to cleat.cli.Target
---@param options table
---@return cleat.cli.Probe
function probe.new(to, options)
    return setmetatable({ to = to, options = options, limit = loop.now() + options.limit }, Probe)
end

function Probe:context()
    local context = tls.context(self.options, 3)
    context.session_cache_size = 0
    context.enforce_verification = false
    return context
end

--- open makes a TLS connection. It raises errors of sockets and TLS, and failures.
---@param context cleat.ssl.SSLContext
---@param session cleat.ssl.SSLSession?
---@param ech_configs string?
---@return cleat.ssl.SSLSocket
---@return table times in seconds: connect, handshake
function Probe:open(context, session, ech_configs)
    local start = loop.now()
    local deadline = math.min(start + self.options.timeout, self.limit)
    if start >= self.limit then
        failure.raise(3, "the inspection has exceeded the time of --limit")
    end
    local name = self.options.servername or self.to.host
    local sock = target.connect(self.to, deadline, self.options.starttls, name)
    local connected = loop.now()
    sock:settimeout(math.max(deadline - connected, 0.001))
    local conn = context:wrap_socket(sock, { server_hostname = name, session = session, ech_configs = ech_configs,
        suppress_ragged_eofs = false })
    return conn, { connect = connected - start, handshake = loop.now() - connected }
end

-- session_of returns the session of a connection. With TLS 1.3 the server sends it after the handshake.
local function session_of(conn)
    local session, deadline = conn.session, loop.now() + TICKET_WAIT
    conn:settimeout(0)
    while not session and conn:version() == "TLSv1.3" do
        local ok, data = pcall(conn.recv, conn, 16384)
        session = conn.session
        local waits = not ok and ssl.SSLWantReadError:is(data)
        if session or not ok and not waits or ok and data == "" or loop.now() > deadline then
            break
        elseif waits and not loop.wait({ [conn:fileno()] = "read" }, math.max(deadline - loop.now(), 0)) then
            break
        end
    end
    return session
end

-- finish sends close_notify, and does not wait for the server's: otherwise servers may log a truncated connection.
local function finish(conn)
    conn:settimeout(0)
    pcall(conn.unwrap, conn)
    conn:close()
end

--- resumes returns whether the server resumes the session of a connection, and closes the connection.
---@param context cleat.ssl.SSLContext the connection's
---@param conn cleat.ssl.SSLSocket
---@return boolean? # nil if it is unknown
function Probe:resumes(context, conn)
    local session = session_of(conn)
    finish(conn)
    if not session or not session.has_ticket and #session.id == 0 then
        return false
    end
    local ok, second = pcall(self.open, self, context, session)
    if not ok then
        return nil
    end
    local resumed = second.session_reused
    finish(second)
    return resumed
end

-- Returns whether an error is the server's refusal of a version or a group, and not a failure of the network.
local function is_refusal(err)
    if ssl.SSLCertVerificationError:is(err) then
        return false
    elseif ssl.SSLEOFError:is(err) then
        return true -- some servers close the connection instead
    end
    return ssl.SSLError:is(err) and err.reason ~= nil
end

-- An alert about the client's certificate comes after all else was negotiated.
local function wants_certificate(err)
    return ssl.SSLError:is(err) and tostring(err.reason):find "CERTIFICATE" ~= nil
end

--- accepts tries a handshake with a changed context. Returns true or false, or nil if the network has failed.
---@param change fun(context: cleat.ssl.SSLContext)
---@return boolean?
---@return string? version
function Probe:accepts(change)
    local context = self:context()
    context.check_hostname = false
    context.verify_mode = ssl.CERT_NONE
    change(context)
    local ok, conn = pcall(self.open, self, context)
    if ok then
        local version = conn:version()
        finish(conn)
        return true, version
    elseif wants_certificate(conn) then
        return true
    end
    return not is_refusal(conn) and nil or false
end

--- versions returns which versions of TLS the server accepts.
---@return table<string, boolean>
function Probe:versions()
    local found = {}
    for _, version in ipairs(probe.VERSIONS) do
        found["TLSv" .. version:gsub("^1%.0$", "1")] = self:accepts(function(context)
            tls.only(context, version)
        end)
    end
    return found
end

--- groups returns which groups of BoringSSL the server accepts for the key exchange.
---@return table<string, boolean>
function Probe:groups()
    local found = {}
    for _, group in ipairs(self:context():get_groups()) do
        found[group] = self:accepts(function(context)
            context:set_groups(group)
        end)
    end
    return found
end

--- ech returns whether the server supports Encrypted ClientHello, and its configurations. It sends a ClientHello that
--- is encrypted for another key: a server that supports ECH responds under the public name, here the inspected name,
--- and sends its configurations.
---@return table? # nil if it is unknown
function Probe:ech()
    local known, key = pcall(ssl.ECHKey, { public_name = self.options.servername or self.to.labels })
    if not known then
        return nil -- ECH needs a host name
    end
    local context = self:context()
    context.enforce_verification = true
    local ok, conn = pcall(self.open, self, context, nil, ssl.ech_config_list { key })
    if ok then
        finish(conn)
    elseif ssl.SSLECHRejectedError:is(conn) then
        local configs = conn.ech_retry_configs
        return { supported = configs ~= nil, configs = configs and base64.encode(configs) }
    end
    return nil
end

return probe
