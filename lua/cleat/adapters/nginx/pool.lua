--- The TLS connections that one replacement for ngx.socket.tcp keeps alive in one worker.
---
--- nginx keeps the TCP connection, in a pool whose name is used for this connection only; the TLS state is kept here.
--- So connect gets both or neither. If nginx has closed the connection meanwhile (because the peer has closed it or
--- sent something, or it has expired), connect makes a new one, and the state is discarded.
---
--- A record holds the connections to one host and port under one pool name. They must have the same settings (whether
--- and for which name the peer was verified, and the client certificate), because connect returns a kept connection
--- before the program says which settings it wants, and some programs never say it. After connections with different
--- settings, a record is `mixed`, and keeps no connection for an hour. A state has the `stamp` of its record if it may
--- be kept.

local backlog = require "cleat.adapters.nginx.backlog"
local tls = require "cleat.adapters.nginx.tls"

local ngx = ngx -- luacheck: ignore 113

---@class cleat.adapters.nginx.Pool
---@field index table<string, table> the records, by pool name, host and port
---@field records table<table, true>
---@field limit integer how many connections a record keeps by default
---@field tick integer the number of sweeps so far: the clock for expiry
---@field timer boolean whether the next sweep is scheduled
local Pool = {}
Pool.__index = Pool

local SWEEP = 10 -- seconds between two sweeps, which discard expired connections
local TICK = SWEEP * 1000 -- in milliseconds
local HOUR = 3600 / SWEEP

local pool = {
    LONGEST = 86400, -- the maximum time for which a connection is kept, in seconds
}

--- new makes a pool.
---@param limit integer
---@return cleat.adapters.nginx.Pool
function pool.new(limit)
    return setmetatable({ index = {}, records = {}, limit = limit, tick = 0, timer = false }, Pool)
end

-- subtable returns a field that is a table, and creates it if it is nil.
local function subtable(place, key)
    local found = place[key]
    if not found then
        found = {}
        place[key] = found
    end
    return found
end

--- record returns the record of a host, a port and a pool name, and creates it if necessary.
---@param name string|number|nil
---@param host string
---@param port integer|string|nil
---@return table
function Pool:record(name, host, port)
    name, port = name or "", port or ""
    local place = self.index[name]
    place = place and place[host]
    local record = place and place[port]
    if not record then
        record = { name = name, host = host, port = port, count = 0, mixed = false, kind = false, size = false, used = self.tick,
            stamp = {}, gone = false, users = false, waiting = 0, event = false }
        subtable(subtable(self.index, name), host)[port] = record
        self.records[record] = true
    end
    return record
end

--- title returns the name of a record for messages.
---@return string
function pool.title(record)
    return record.host .. (record.port ~= "" and ":" .. record.port or "")
end

--- pop removes the state that was kept last, and returns it; nil if there is none.
function pool.pop(record)
    local count = record.count
    if count > 0 then
        local state = record[count]
        record[count] = nil
        record.count = count - 1
        return state
    end
end

local function empty(record)
    for index = 1, record.count do
        tls.discard(record[index])
        record[index] = nil
    end
    record.count = 0
end

--- agrees returns whether a connection has the settings of its record, so that it may be kept. It is called for each
--- handshake, and by setkeepalive.
function Pool:agrees(state, record)
    if record.verify == state.verify and record.server_name == state.server_name and record.certificate == state.certificate and
        record.kind == state.kind then
        return not record.mixed
    end
    local first = not record.kind
    record.kind, record.verify = state.kind, state.verify
    record.server_name, record.certificate = state.server_name, state.certificate
    record.stamp = {}
    if first then
        return true
    elseif not record.mixed then
        ngx.log(ngx.WARN, "cleat: connections to ", pool.title(record), " have different settings (TLS, verification, server ",
            "name or client certificate), so none is kept: give each its own pool name")
    end
    record.mixed = self.tick + HOUR
    empty(record)
    self:schedule()
    return false
end

-- remove removes an empty record.
local function remove(self, record)
    record.gone, record.stamp = true, {}
    self.records[record] = nil
    local by_host = self.index[record.name]
    local by_port = by_host[record.host]
    by_port[record.port] = nil
    if not next(by_port) then
        by_host[record.host] = nil
        if not next(by_host) then
            self.index[record.name] = nil
        end
    end
end

-- sweep discards expired connections and records.
local function sweep(premature, self)
    self.timer = false
    if premature then
        return
    end
    local tick = self.tick + 1
    self.tick = tick
    for record in pairs(self.records) do
        local kept = 0
        for index = 1, record.count do
            local state = record[index]
            record[index] = nil
            if state.expires > tick then
                kept = kept + 1
                record[kept] = state
            else
                tls.discard(state)
            end
        end
        record.count = kept
        if record.mixed and tick >= record.mixed then
            record.mixed = false
        end
        if kept == 0 and not record.mixed and tick > record.used + 6 and not backlog.is_used(record) then
            remove(self, record)
        end
    end
    if next(self.records) then
        self:schedule()
    end
end

--- schedule schedules the next sweep.
function Pool:schedule()
    if not self.timer then
        self.timer = ngx.timer.at(SWEEP, sweep, self) and true or false
    end
end

--- put keeps the state of a connection that nginx keeps alive. milliseconds: for how long.
function Pool:put(state, record, milliseconds)
    local tick = self.tick
    state.expires = tick + 2 + milliseconds / TICK
    record.used = tick
    local count = record.count + 1
    record.count = count
    record[count] = state
    if not self.timer then
        self:schedule()
    end
end

return pool
