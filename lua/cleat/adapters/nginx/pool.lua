--- Connections that are kept for later requests, of one function like ngx.socket.tcp and one worker.
---
--- nginx keeps the TCP connection, in a pool of its own with a name that no other connection has; the TLS state is kept
--- here. So connect gets both or neither: if nginx has closed the connection meanwhile (the peer has closed it or sent
--- something, or the time is over), it makes a new one, and the state is dropped.
---
--- A record has the connections of one host, port and pool name. All of them have the same settings (whether and for
--- which name the peer was verified, and the client certificate): connect returns a kept connection before the program
--- says which settings it wants, and some never say it. After settings have differed a record is `mixed`, and keeps
--- nothing for an hour.

local tls = require "cleat.adapters.nginx.tls"

---@class cleat.adapters.nginx.Pool
---@field records table<string, table>
---@field limit integer how many connections a record keeps by default
---@field swept number when what has expired was last removed
local Pool = {}
Pool.__index = Pool

local DAY, HOUR, MINUTE = 86400, 3600, 60 -- no state is kept longer than a day
local SWEEP = 10 -- seconds between two searches for what has expired

local pool = { DAY = DAY }

--- new makes a pool.
---@param limit integer
---@return cleat.adapters.nginx.Pool
function pool.new(limit)
    return setmetatable({ records = {}, limit = limit, swept = 0 }, Pool)
end

--- record returns the record of a host, a port and a pool name, and makes it if there is none.
---@param key string
---@return table
function Pool:record(key)
    local record = self.records[key]
    if not record then
        record = { key = key, count = 0, mixed = false, kind = false, size = false, used = ngx.now() } -- luacheck: ignore 113
        self.records[key] = record
    end
    return record
end

--- take returns the state that was kept last, or nil.
function pool.take(record)
    local count = record.count
    while count > 0 do
        local state = record[count]
        record[count] = nil
        count = count - 1
        record.count = count
        if state.expires > ngx.now() then -- luacheck: ignore 113
            return state
        end
        tls.drop(state)
    end
end

local function empty(record)
    for index = 1, record.count do
        tls.drop(record[index])
        record[index] = nil
    end
    record.count = 0
end

--- agrees: whether a connection has the settings of its record, so that it may be kept. It is called for each handshake,
--- and when a connection is to be kept.
function pool.agrees(state)
    local record, now = state.record, ngx.now() -- luacheck: ignore 113
    if record.verify == state.verify and record.server_name == state.server_name and record.certificate == state.certificate and
        record.kind == state.kind then
        if record.mixed and now >= record.mixed then
            record.mixed = false
        end
        return not record.mixed
    end
    local first = not record.kind
    record.kind, record.verify = state.kind, state.verify
    record.server_name, record.certificate = state.server_name, state.certificate
    if first then
        return true
    elseif not record.mixed then
        ngx.log(ngx.WARN, "cleat: connections to ", record.key, " have different settings (TLS, verification, server name ", -- luacheck: ignore 113
            "or client certificate), so none is kept: give each its own pool name")
    end
    record.mixed = now + HOUR
    empty(record)
    return false
end

--- sweep drops what has expired, now and then.
function Pool:sweep(now)
    if now - self.swept < SWEEP then
        return
    end
    self.swept = now
    for key, record in pairs(self.records) do
        local kept = 0
        for index = 1, record.count do
            local state = record[index]
            record[index] = nil
            if state.expires > now then
                kept = kept + 1
                record[kept] = state
            else
                tls.drop(state)
            end
        end
        record.count = kept
        if kept == 0 and now - record.used > (record.mixed and HOUR or MINUTE) then
            self.records[key] = nil
        end
    end
end

--- put keeps a state whose connection nginx has kept. seconds: for how long.
function Pool:put(state, seconds)
    local record, now = state.record, ngx.now() -- luacheck: ignore 113
    state.expires = now + seconds
    record.used = now
    record.count = record.count + 1
    record[record.count] = state
    self:sweep(now)
end

return pool
