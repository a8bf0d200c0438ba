--- Connections that are kept for later requests, of one function like ngx.socket.tcp and one worker.
---
--- nginx keeps the TCP connection, in a separate pool with a name that no other connection has; the TLS state is kept
--- here. So connect gets both or neither: if nginx has closed the connection meanwhile (the peer has closed it or sent
--- something, or the time is over), it makes a new one, and the state is dropped.
---
--- A record has the connections of one host, port and pool name. All of them have the same settings (whether and for
--- which name the peer was verified, and the client certificate): connect returns a kept connection before the program
--- says which settings it wants, and some never say it. After settings have differed a record is `mixed`, and keeps
--- nothing for an hour. A state has the `stamp` of its record if it may be kept.

local backlog = require "cleat.adapters.nginx.backlog"
local tls = require "cleat.adapters.nginx.tls"

local ngx = ngx -- luacheck: ignore 113

---@class cleat.adapters.nginx.Pool
---@field index table<string, table> the records, by pool name, host and port
---@field records table<table, true>
---@field limit integer how many connections a record keeps by default
---@field tick integer how often what has expired was dropped
---@field timer boolean whether that will be done again
local Pool = {}
Pool.__index = Pool

local SWEEP = 10 -- seconds between two searches for what has expired
local TICK = SWEEP * 1000 -- in milliseconds
local HOUR = 3600 / SWEEP

local pool = {
    LONGEST = 86400, -- for how many seconds a connection is kept at most
}

--- new makes a pool.
---@param limit integer
---@return cleat.adapters.nginx.Pool
function pool.new(limit)
    return setmetatable({ index = {}, records = {}, limit = limit, tick = 0, timer = false }, Pool)
end

-- under returns a table's field, which is a table too.
local function under(place, key)
    local found = place[key]
    if not found then
        found = {}
        place[key] = found
    end
    return found
end

--- record returns the record of a host, a port and a pool name, and makes it if there is none.
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
        under(under(self.index, name), host)[port] = record
        self.records[record] = true
    end
    return record
end

--- title: what a record is called in messages.
---@return string
function pool.title(record)
    return record.host .. (record.port ~= "" and ":" .. record.port or "")
end

--- take returns the state that was kept last, or nil.
function pool.take(record)
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
        tls.drop(record[index])
        record[index] = nil
    end
    record.count = 0
end

--- agrees: whether a connection has the settings of its record, so that it may be kept. It is called for each
--- handshake, and when a connection is to be kept.
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
    self:watch()
    return false
end

-- remove forgets a record that has nothing.
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

-- sweep drops what has expired.
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
                tls.drop(state)
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
        self:watch()
    end
end

--- watch lets sweep run in a while.
function Pool:watch()
    if not self.timer then
        self.timer = ngx.timer.at(SWEEP, sweep, self) and true or false
    end
end

--- put keeps a state whose connection nginx has kept. milliseconds: for how long.
function Pool:put(state, record, milliseconds)
    local tick = self.tick
    state.expires = tick + 2 + milliseconds / TICK
    record.used = tick
    local count = record.count + 1
    record.count = count
    record[count] = state
    if not self.timer then
        self:watch()
    end
end

return pool
