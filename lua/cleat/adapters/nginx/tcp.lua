--- Replacements for ngx.socket.tcp, whose cosockets use cleat's TLS: connect, sslhandshake, setkeepalive and close. The
--- methods that move data are in cleat.adapters.nginx.tls.
---
--- Without TLS the methods are nginx's own. sslhandshake replaces the cosocket's metatable.

local backlog = require "cleat.adapters.nginx.backlog"
local handshake = require "cleat.adapters.nginx.handshake"
local learned = require "cleat.adapters.nginx.raw"
local pool = require "cleat.adapters.nginx.pool"
local tls = require "cleat.adapters.nginx.tls"

local ngx, setmetatable, type, tonumber = ngx, setmetatable, type, tonumber -- luacheck: ignore 113
local raw = learned.methods
local pop = pool.pop

local tcp = {}

-- nginx's function, before a program replaces it.
local ngx_tcp = ngx and ngx.socket.tcp

-- The options for nginx's connect, with the pool of one connection. connect reads them at once.
local one = { pool = "" }

local names = 0

local function new_name()
    names = names + 1
    return "cleat:" .. names
end

-- bad_option raises nginx's error for an option of connect.
local function bad_option(name, value, what)
    return error(("bad argument #4 to 'connect' (bad \"%s\" option %s: %s)"):format(name, what,
        what == "type" and type(value) or tostring(value)), 3)
end

-- number_option checks an option that must be a number or nil.
local function number_option(name, value, least)
    local number = tonumber(value)
    if not number then
        bad_option(name, value, "type")
    elseif number < least then
        bad_option(name, value, "value")
    end
    return number
end

-- open connects to the host and port of the state, or takes a connection from the state's pool.
local function open(o, state)
    one.pool = state.name
    return raw.connect(o, state.host, state.port, one)
end

local function forget(self, o)
    local state = o.state
    if state then
        o.state = nil
        tls.discard(state)
        setmetatable(o, self.plain)
    end
end

-- new_state returns the state of a new connection.
local function new_state(name, host, port, record)
    return {
        kind = "plain", name = name, host = host, port = port, record = record,
        verify = false, server_name = false, certificate = false, stamp = false, expires = 0, moved = false,
        id = 0, guard = false, rest = "", at = 1, unsent = false, reading = false, writing = false,
        drained = true, due = 0, head = "", single = false, dead = false, over = false, ended = false, flush = false, failed = false,
    }
end

-- make_connect makes the method connect; the functions below make the other methods.
local function make_connect(self)
    local kept = self.pool
    return function(o, host, port, options)
        if type(port) == "table" then
            port, options = nil, port
        end
        local name, size, waiting
        if options then
            name, size = options.pool, options.pool_size
            if name ~= nil and type(name) ~= "string" and type(name) ~= "number" then
                bad_option("pool", name, "type")
            end
            size = size and number_option("pool_size", size, 1)
            waiting = options.backlog and number_option("backlog", options.backlog, 0)
        end
        if o.state then
            forget(self, o)
        end
        if type(host) ~= "string" then
            return raw.connect(o, host, port) -- raises
        end
        local record = kept:record(name, host, port)
        if size and not record.size then
            record.size = size
        end
        local ok, err
        if waiting then
            ok, err = backlog.enter(record, o, record.size or kept.limit, waiting)
            if not ok then
                return nil, err
            end
        end
        local state = pop(record)
        if state then
            ok, err = open(o, state)
            if ok and raw.getreusedtimes(o) > 0 then
                o.state = state
                if state.kind == "tls" then
                    setmetatable(o, self.tls)
                end
                if record.users then
                    backlog.connected(record, o, true)
                end
                return ok
            end
            tls.discard(state) -- nginx has closed the connection of this state
            state = new_state(state.name, host, port, record)
        else
            state = new_state(new_name(), host, port, record)
            ok, err = open(o, state)
        end
        if record.users then
            backlog.connected(record, o, ok)
        end
        if not ok then
            return nil, err
        end
        o.state = state
        return ok
    end
end

-- Replaces a kept connection that has other settings by a new one.
local function replace(o, state)
    tls.discard(state)
    raw.close(o)
    state.name, state.kind = new_name(), "plain"
    return open(o, state)
end

local function make_sslhandshake(self)
    return function(o, session, name, verify, _)
        local state = o.state
        if not state then
            return nil, "closed"
        end
        verify = (verify or self.always_verify) and true or false
        if name ~= nil and type(name) ~= "string" then
            error(("bad argument #2 to 'sslhandshake' (string expected, got %s)"):format(type(name)), 2)
        end
        name = name ~= "" and name or false
        local certificate = o.certificate and o.certificate.name or false
        if state.kind == "tls" then
            if state.verify == verify and state.server_name == name and state.certificate == certificate then
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
        state.verify, state.server_name, state.certificate = verify, name, certificate
        local ok, err = handshake.begin(o, state, self.contexts)
        if not ok then
            state.verify, state.server_name, state.certificate = false, false, false
            return nil, err
        end
        state.kind = "tls"
        setmetatable(o, self.busy)
        ok, err = handshake.run(o, state)
        if o.state ~= state then -- another light thread has closed it meanwhile
            return nil, "closed"
        elseif not ok then
            o.state = nil
            setmetatable(o, self.plain)
            if state.record.users then
                backlog.leave(state.record, o)
            end
            return nil, err
        end
        setmetatable(o, self.tls)
        self.pool:agrees(state, state.record)
        return session == false or session or self.token
    end
end

-- may_keep returns whether a connection may be kept alive for other callers.
local function may_keep(self, state)
    if state.kind ~= "tls" or state.verify or self.keep_unverified then
        return true
    elseif not self.warned then
        self.warned = true
        ngx.log(ngx.WARN, "cleat: the TLS connection to ", pool.title(state.record), " was not verified, so it is closed and not kept: ",
            "verify it (the third argument of sslhandshake), or set keep_unverified of make_tcp")
    end
    return false
end

local function make_close(self)
    return function(o)
        local state = o.state
        if state and state.kind == "tls" then
            tls.send_close_notify(o, state)
        end
        local ok, err = raw.close(o)
        if ok or err == "closed" then
            if state and state.record.users then
                backlog.leave(state.record, o)
            end
            forget(self, o)
        end
        if ok then
            return ok
        end
        return nil, err
    end
end

-- may_pool returns whether a connection is kept alive. If so, the state gets its record's stamp, which is valid until
-- connections with other settings appear.
local function may_pool(self, state, record, size)
    if record.gone then
        record = self.pool:record(record.name, record.host, record.port)
        state.record = record
    end
    if not record.size then
        record.size = size and number_option("pool_size", size, 1) or self.pool.limit
    end
    if not may_keep(self, state) or not self.pool:agrees(state, record) then
        return nil
    end
    state.stamp = record.stamp
    return record
end

-- is_idle returns whether nothing is left to read or send.
local function is_idle(state)
    return state.drained and state.due == 0 and state.at > #state.rest and state.head == "" and not state.unsent and not state.over
        and not state.dead
end

local function make_setkeepalive(self, close)
    local kept = self.pool
    local usual, longest = self.keepalive_timeout * 1000, pool.LONGEST * 1000
    return function(o, timeout, size)
        local state = o.state
        if not state then
            return raw.setkeepalive(o, timeout, size)
        end
        local idle = timeout == nil and usual or tonumber(timeout)
        if not idle then
            error(("bad argument #1 to 'setkeepalive' (number expected, got %s)"):format(type(timeout)), 2)
        elseif not (idle > 0 and idle <= longest) then
            idle = longest
        end
        if state.kind == "tls" and not is_idle(state) then
            local ok, err = tls.idle(o, state)
            if not ok then
                return nil, err
            end
        end
        local record = state.record
        if state.stamp ~= record.stamp then
            record = may_pool(self, state, record, size)
        end
        if not record or record.count >= record.size then
            return close(o)
        end
        local ok, err = raw.setkeepalive(o, idle, 1)
        if ok then
            o.state = nil
            setmetatable(o, self.plain)
            state.moved = false
            kept:put(state, record, idle)
            if record.users then
                backlog.leave(record, o)
            end
            return ok
        elseif err ~= "unread data in buffer" and err:sub(1, 11) ~= "socket busy" then
            forget(self, o)
        end
        return nil, err
    end
end

local function busy()
    return nil, "socket busy connecting"
end

-- nginx's methods that a cosocket with TLS shares.
local SHARED = { "getreusedtimes", "getoption", "setoption", "settimeout", "settimeouts", "bind" }

-- prepare makes the metatables, after nginx's methods were read from the first cosocket.
local function prepare(self, cosocket)
    learned.learn(cosocket)
    local close = make_close(self)
    local own = {
        connect = make_connect(self), sslhandshake = make_sslhandshake(self), setclientcert = handshake.set_certificate,
        setkeepalive = make_setkeepalive(self, close), close = close,
    }
    local plain, over_tls, shaking = {}, {}, {}
    for name, method in pairs(raw) do
        plain[name] = method
    end
    for _, name in ipairs(SHARED) do
        over_tls[name], shaking[name] = raw[name], raw[name]
    end
    for _, name in ipairs { "receive", "receiveany", "receiveuntil", "send" } do
        over_tls[name], shaking[name] = tls[name], busy
    end
    for name, method in pairs(own) do
        plain[name], over_tls[name], shaking[name] = method, method, method
    end
    shaking.sslhandshake, shaking.setkeepalive, shaking.connect = busy, busy, busy
    function shaking.close(o)
        local ok, err = close(o) -- which may, if the handshake's light thread was killed
        if not ok and err:sub(1, 11) == "socket busy" then
            return busy()
        end
        return ok, err
    end
    self.plain, self.tls, self.busy = { __index = plain }, { __index = over_tls }, { __index = shaking }
end

--- make returns a replacement for ngx.socket.tcp. options: see make_tcp of cleat.adapters.nginx.
---@param options table
---@return function
function tcp.make(options)
    local self = {
        contexts = handshake.contexts(options), pool = pool.new(options.pool_size), plain = false, tls = false, busy = false,
        always_verify = options.always_verify, keep_unverified = options.keep_unverified, warned = false,
        keepalive_timeout = options.keepalive_timeout,
        token = {}, -- the session that sslhandshake returns
    }
    return function()
        local cosocket = ngx_tcp()
        if not self.plain then
            prepare(self, cosocket)
        end
        return setmetatable(cosocket, self.plain)
    end
end

return tcp
