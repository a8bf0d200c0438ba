--- Functions like ngx.socket.tcp, whose cosockets have cleat's TLS: connect, sslhandshake, setkeepalive and close. What
--- moves data is in cleat.adapters.nginx.tls.
---
--- Without TLS the methods are nginx's own. sslhandshake gives the cosocket another metatable.

local handshake = require "cleat.adapters.nginx.handshake"
local learned = require "cleat.adapters.nginx.raw"
local pool = require "cleat.adapters.nginx.pool"
local tls = require "cleat.adapters.nginx.tls"

local ngx, setmetatable, type = ngx, setmetatable, type -- luacheck: ignore 113
local raw = learned.methods

local tcp = {}

-- nginx's function, before a program has put another one in its place.
local ngx_tcp = ngx and ngx.socket.tcp

-- The pool of nginx's for one connection, for its connect, which reads it at once.
local one = { pool = "" }

local names = 0

local function new_name()
    names = names + 1
    return "cleat:" .. names
end

local methods = {}

-- option checks one of connect, as nginx does.
local function option(name, value, kind, least)
    if value ~= nil and (type(value) ~= kind and tonumber(value) == nil) then
        error(("bad argument #4 to 'connect' (bad \"%s\" option type: %s)"):format(name, type(value)), 3)
    elseif least and value and tonumber(value) < least then
        error(("bad argument #4 to 'connect' (bad \"%s\" option value: %d)"):format(name, value), 3)
    end
end

-- open connects to where the state says, to the pool of that name.
local function open(o, state)
    one.pool = state.name
    return raw.connect(o, state.host, state.port, one)
end

local function forget(self, o)
    local state = o.state
    if state then
        o.state = nil
        tls.drop(state)
        setmetatable(o, self.plain)
    end
end

function methods.connect(self, o, host, port, options)
    if type(port) == "table" then
        port, options = nil, port
    end
    local key = port and host .. ":" .. port or tostring(host)
    local size
    if options then
        local name = options.pool
        size = options.pool_size
        option("pool_size", size, "number", 1)
        option("pool", name, "string")
        if options.backlog ~= nil then
            error("connect(): cleat's cosockets have no \"backlog\"", 2)
        elseif name then
            key = name .. "\0" .. key
        end
    end
    forget(self, o)
    local kept = self.pool
    local record = kept:record(key)
    record.size = record.size or size or false
    local state = record.count > 0 and pool.take(record)
    if state then
        local ok, err = open(o, state)
        if ok and raw.getreusedtimes(o) > 0 then
            o.state = state
            state.moved = false
            setmetatable(o, state.kind == "tls" and self.tls or self.plain)
            return ok
        end
        tls.drop(state) -- nginx has closed its connection
        if not ok then
            return nil, err
        end
    end
    local fresh = {
        kind = "plain", name = state and state.name or new_name(), host = host, port = port, record = record, id = 0, guard = false,
        verify = false, server_name = false, certificate = false, rest = "", at = 1, expires = 0, moved = false, unsent = false,
        reading = false, writing = false, dry = true, due = 0, head = "", single = false, dead = false, over = false, ended = false,
    }
    if not state then
        local ok, err = open(o, fresh)
        if not ok then
            return nil, err
        end
    end
    o.state = fresh
    return 1
end

-- Another connection in place of a kept one with other settings.
local function replace(o, state)
    tls.drop(state)
    raw.close(o)
    state.name, state.kind = new_name(), "plain"
    return open(o, state)
end

function methods.sslhandshake(self, o, session, name, verify, _)
    local state = o.state
    if not state then
        return nil, "closed"
    end
    verify = (verify or self.always_verify) and true or false
    if name ~= nil and type(name) ~= "string" then
        error(("bad argument #2 to 'sslhandshake' (string expected, got %s)"):format(type(name)), 2)
    end
    name = name and name ~= "" and name
    local certificate = o.certificate and o.certificate.name or false
    if state.kind == "tls" then
        if state.verify == verify and state.server_name == (name or false) and state.certificate == certificate then
            return session == false or session or self.token
        elseif state.moved then
            return nil, "the connection was made with other settings (verification, server name or client certificate)"
        end
        local ok, err = replace(o, state)
        if not ok then
            forget(self, o)
            return nil, err
        end
    end
    state.kind, state.verify, state.server_name, state.certificate = "tls", verify, name or false, certificate
    setmetatable(o, self.busy)
    local ok, err = handshake.run(o, state, self.contexts)
    if not ok then
        o.state = nil
        setmetatable(o, self.plain)
        return nil, err
    end
    setmetatable(o, self.tls)
    pool.agrees(state)
    return session == false or session or self.token
end

function methods.setkeepalive(self, o, timeout, size)
    local state = o.state
    if not state then
        return raw.setkeepalive(o, timeout, size)
    end
    local kept = self.pool
    local is_tls = state.kind == "tls"
    if is_tls then
        local ok, err = tls.idle(o, state)
        if not ok then
            return nil, err
        end
    end
    local record = kept:record(state.record.key)
    state.record = record
    record.size = record.size or size or kept.limit
    if not self.may_keep(state) or not pool.agrees(state) or record.count >= record.size then
        return methods.close(self, o)
    end
    local seconds = timeout == nil and self.keepalive_timeout or timeout / 1000
    if seconds <= 0 or seconds > pool.DAY then
        seconds = pool.DAY
    end
    local ok, err = raw.setkeepalive(o, seconds * 1000, 1)
    if not ok and (err == "unread data in buffer" or err:sub(1, 11) == "socket busy") then
        return nil, err
    end
    o.state = nil
    setmetatable(o, self.plain)
    if ok then
        kept:put(state, seconds)
        return ok
    end
    tls.drop(state)
    return nil, err
end

function methods.close(self, o)
    local state = o.state
    if state and state.kind == "tls" then
        tls.farewell(o, state)
    end
    local ok, err = raw.close(o)
    if ok or err == "closed" then
        forget(self, o)
    end
    if ok then
        return ok
    end
    return nil, err
end

local function settimeout(o, timeout)
    o.timeouts = timeout
    return raw.settimeout(o, timeout)
end

local function settimeouts(o, connect, send, read)
    o.timeouts = { connect, send, read }
    return raw.settimeouts(o, connect, send, read)
end

local function busy()
    return nil, "socket busy connecting"
end

-- What a cosocket with TLS has of nginx's methods.
local SHARED = { "getreusedtimes", "getoption", "setoption", "bind" }

-- prepare makes the metatables, once nginx's methods are known.
local function prepare(self, cosocket)
    learned.learn(cosocket)
    local own = { settimeout = settimeout, settimeouts = settimeouts, setclientcert = handshake.set_certificate }
    for name, method in pairs(methods) do
        own[name] = function(o, a, b, c, d)
            return method(self, o, a, b, c, d)
        end
    end
    local plain, over_tls, shaking = {}, {}, {}
    for name, method in pairs(raw) do
        plain[name] = method
    end
    for _, name in ipairs(SHARED) do
        over_tls[name] = raw[name]
    end
    for _, name in ipairs { "receive", "receiveany", "receiveuntil", "send" } do
        over_tls[name], shaking[name] = tls[name], busy
    end
    for name, method in pairs(own) do
        plain[name], over_tls[name], shaking[name] = method, method, method
    end
    shaking.sslhandshake, shaking.setkeepalive, shaking.connect = busy, busy, busy
    self.plain, self.tls, self.busy = { __index = plain }, { __index = over_tls }, { __index = shaking }
end

--- make returns a function like ngx.socket.tcp. options: see make_tcp of cleat.adapters.nginx.
---@param options table
---@return function
function tcp.make(options)
    local warned = false
    local self = {
        contexts = handshake.contexts(options), pool = pool.new(options.pool_size or 30), plain = false, tls = false, busy = false,
        always_verify = options.always_verify or false, keepalive_timeout = options.keepalive_timeout or 60,
        token = {}, -- what sslhandshake returns as the session
    }
    function self.may_keep(state)
        if state.kind ~= "tls" or state.verify or options.keep_unverified then
            return true
        elseif not warned then
            warned = true
            ngx.log(ngx.WARN, "cleat: the TLS connection to ", state.record.key, " was not verified, so it is closed and not kept: ",
                "verify it (the third argument of sslhandshake), or set keep_unverified of make_tcp")
        end
        return false
    end
    return function()
        local cosocket = ngx_tcp()
        if not self.plain then
            prepare(self, cosocket)
        end
        return setmetatable(cosocket, self.plain)
    end
end

return tcp
