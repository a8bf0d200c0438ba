-- Calls each method of cleat's SSLSocket and SSLObject in each state. Each cell is a call on a connection that was just
-- brought into a state, and the same call again. states.py does the same with Python's ssl.
local errno = require "cleat.errno"
local link = require "support.link"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local states = {}

local function describe(failure)
    if ssl.SSLError:is(failure) then
        local name = failure.class.name:match("[^.]+$")
        -- OpenSSL gives the reason of an SSLEOFError to the first call only.
        return name ~= "SSLEOFError" and failure.reason and name .. " " .. failure.reason or name
    elseif socket.error:is(failure) then
        return errno.errorcode[failure.errno]
    end
    local name = type(failure) == "table" and failure.class and failure.class.name
    return name or error(failure, 0)
end

-- answer returns a call's result or failure as text, and whether it is a result.
local function answer(call, ...)
    local ok, value = pcall(call, ...)
    if not ok then
        return describe(value)
    elseif value == nil then
        return "none"
    elseif type(value) == "boolean" then
        return value and "1" or "0"
    elseif type(value) == "number" then
        return ("%d"):format(value)
    elseif type(value) == "string" and (#value <= 4 or value:find("^[%w.]+$")) then
        return '"' .. value .. '"'
    end
    return "value"
end

local contexts = {}

local function context(version, role)
    local key = version .. role
    if not contexts[key] then
        local options = role == "client" and link.client_options { version = version } or link.server_options { version = version }
        contexts[key] = link.context(options)
    end
    return contexts[key]
end

local Pair = {}
Pair.__index = Pair

local function socket_pair(version)
    return link.pair({ context = context(version, "client") }, { context = context(version, "server") })
end

local function object_pair(version, bios)
    for index = 1, 4 do
        bios[index] = ssl.MemoryBIO()
    end
    return context(version, "client"):wrap_bio(bios[1], bios[2], { server_hostname = "localhost" }),
        context(version, "server"):wrap_bio(bios[3], bios[4], true)
end

local function pair(kind, version, role)
    local self = setmetatable({ bios = kind == "SSLObject" and {} }, Pair)
    local client, server
    if self.bios then
        client, server = object_pair(version, self.bios)
        self.incoming = self.bios[role == "client" and 1 or 3]
    else
        client, server = socket_pair(version)
    end
    self.subject, self.peer = client, server
    if role == "server" then
        self.subject, self.peer = server, client
    end
    return self
end

function Pair:carry()
    if self.bios and not self.ended then
        self.bios[3]:write(self.bios[2]:read())
        self.bios[1]:write(self.bios[4]:read())
    end
end

local function close(object)
    getmetatable(object).__close(object)
end

-- finish ends the subject's transport.
function Pair:finish()
    self.ended = true
    if self.bios then
        self.incoming:write_eof()
    else
        self.peer:close()
    end
end

function Pair:close()
    close(self.subject)
    close(self.peer)
end

function Pair:step(who, name, ...)
    local object = self[who]
    local result = answer(object[name], object, ...)
    self:carry()
    return result
end

function Pair:expect(wanted, who, name, ...)
    local result = self:step(who, name, ...)
    assert(wanted == result or type(wanted) == "table" and (wanted[1] == result or wanted[2] == result),
        ("%s: %s() is %s"):format(who, name, result))
end

local DONE = { "none", "value" } -- of unwrap, of an SSLObject and of an SSLSocket

local reach = {}

reach["fresh"] = function() end

reach["open"] = function(self)
    for _ = 1, 3 do
        self:step("subject", "do_handshake")
        self:step("peer", "do_handshake")
    end
    self:expect("none", "peer", "do_handshake")
    self:expect("none", "subject", "do_handshake")
    for _ = 1, 2 do -- session tickets
        self:expect("SSLWantReadError", "peer", "read", 16)
        self:expect("SSLWantReadError", "subject", "read", 16)
    end
end

reach["open, data"] = function(self)
    reach["open"](self)
    self:expect("4", "peer", "write", "data")
end

reach["own sent"] = function(self)
    reach["open"](self)
    self:expect("SSLWantReadError", "subject", "unwrap")
end

reach["own sent, data"] = function(self)
    reach["own sent"](self)
    self:expect("4", "peer", "write", "data")
end

reach["peer's arrived"] = function(self)
    reach["open"](self)
    self:expect("SSLWantReadError", "peer", "unwrap")
end

reach["peer's received"] = function(self)
    reach["peer's arrived"](self)
    self:expect('""', "subject", "read", 16)
end

reach["own sent, peer's arrived"] = function(self)
    reach["own sent"](self)
    self:expect(DONE, "peer", "unwrap")
end

reach["both"] = function(self)
    reach["own sent, peer's arrived"](self)
    self:expect("SSLZeroReturnError", "subject", "read", 16)
end

reach["unwrapped"] = function(self)
    reach["peer's arrived"](self)
    self:expect(DONE, "subject", "unwrap")
end

reach["ended"] = function(self)
    reach["open"](self)
    self:finish()
end

reach["own sent, ended"] = function(self)
    reach["own sent"](self)
    self:expect('""', "peer", "read", 16)
    self:finish()
end

reach["peer's received, ended"] = function(self)
    reach["peer's received"](self)
    self:finish()
end

reach["shut down"] = function(self)
    reach["open"](self)
    self.subject:shutdown(socket.SHUT_RDWR)
end

reach["closed"] = function(self)
    reach["open"](self)
    close(self.subject)
end

--- The states' titles on the page, in its order.
states.STATES = {
    { "fresh", "before the handshake" },
    { "open", "open" },
    { "open, data", "open, data has arrived" },
    { "own sent", "own close_notify sent" },
    { "own sent, data", "own close_notify sent, data has arrived" },
    { "peer's arrived", "peer's close_notify has arrived" },
    { "peer's received", "peer's close_notify received (by a read)" },
    { "own sent, peer's arrived", "own close_notify sent, peer's has arrived" },
    { "both", "both: own close_notify sent, peer's received (by a read)" },
    { "unwrapped", "unwrapped: both, `unwrap()` has returned" },
    { "ended", "transport ended without close_notify" },
    { "own sent, ended", "own close_notify sent, transport ended" },
    { "peer's received, ended", "peer's close_notify received, transport ended" },
    { "shut down", "shut down: `shutdown(SHUT_RDWR)`" },
    { "closed", "closed" },
}

local function method(name, make)
    return function(object)
        return object[name](object, make())
    end
end

local function size()
    return 16
end

local function byte()
    return "x"
end

local function nothing() end

local function getter(name)
    return method(name, nothing)
end

local function attribute(name)
    return function(object)
        return object[name]
    end
end

--- Name, call, and whether SSLObject has it.
states.CALLS = {
    { "read", method("read", size), true },
    { "read_into", method("read", function()
        return 16, socket.buffer(16)
    end), true },
    { "recv", method("recv", size) },
    { "recv_into", method("recv_into", function()
        return socket.buffer(16)
    end) },
    { "write", method("write", byte), true },
    { "send", method("send", byte) },
    { "sendall", method("sendall", byte) },
    { "do_handshake", method("do_handshake", nothing), true },
    { "unwrap", method("unwrap", nothing), true },
    { "pending", method("pending", nothing), true },
}

--- Getters, which change nothing: they share a connection.
states.GETTERS = {}
for _, name in ipairs { "version", "cipher", "getpeercert", "compression", "selected_alpn_protocol", "shared_ciphers",
    "get_channel_binding" } do
    states.GETTERS[#states.GETTERS + 1] = { name, getter(name) }
end
for _, name in ipairs { "server_side", "server_hostname", "context" } do
    states.GETTERS[#states.GETTERS + 1] = { name, attribute(name) }
end

states.KINDS, states.VERSIONS, states.ROLES = { "SSLSocket", "SSLObject" }, { "TLSv1.2", "TLSv1.3" }, { "client", "server" }

--- Returns whether a kind of connection has a state.
function states.applies(kind, state)
    return kind == "SSLSocket" or state ~= "shut down"
end

local function cell(report, self, call, ...)
    local first = answer(call, self.subject)
    self:carry()
    report(first, answer(call, self.subject), ...)
end

local function count(name)
    return function(object)
        return #object[name](object)
    end
end

--- Getters that Python lacks: the lengths of the chains, and the verify code.
states.CERTIFICATES = {
    { "get_unverified_chain", count "get_unverified_chain" },
    { "get_verified_chain", count "get_verified_chain" },
    { "get_verify_result", function(object)
        local result = object:get_verify_result()
        return result and result.verify_code
    end },
}

local function walk_getters(report, getters, kind, version, role, state)
    local self = pair(kind, version, role)
    reach[state](self)
    for _, call in ipairs(getters) do
        cell(report, self, call[2], kind, version, role, state, call[1])
    end
    self:close()
end

local function walk_state(report, kind, version, role, state)
    for _, call in ipairs(states.CALLS) do
        if kind == "SSLSocket" or call[3] then
            local self = pair(kind, version, role)
            reach[state](self)
            cell(report, self, call[2], kind, version, role, state, call[1])
            self:close()
        end
    end
    walk_getters(report, states.GETTERS, kind, version, role, state)
end

local function walk(report, each)
    for _, kind in ipairs(states.KINDS) do
        for _, version in ipairs(states.VERSIONS) do
            for _, role in ipairs(states.ROLES) do
                for _, state in ipairs(states.STATES) do
                    if states.applies(kind, state[1]) then
                        each(report, kind, version, role, state[1])
                    end
                end
            end
        end
    end
end

--- walk calls report(answer, second answer, kind, version, role, state, call) for each cell.
function states.walk(report)
    walk(report, walk_state)
end

--- walk_certificates does so for the getters that Python lacks.
function states.walk_certificates(report)
    walk(report, function(to, ...)
        walk_getters(to, states.CERTIFICATES, ...)
    end)
end

return states
