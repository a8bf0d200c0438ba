--- The option `backlog` of a cosocket's connect: there are no more than pool_size connections to one host, port and
--- pool name, and no more than `backlog` calls wait for one.
---
--- nginx does not report that a request has ended without close(). So when there are too many connections, each
--- cosocket is tested, and those whose request has ended are not counted any more.

local raw = require("cleat.adapters.nginx.raw").methods
local timeouts = require("cleat.adapters.nginx.raw").timeouts

local ngx = ngx -- luacheck: ignore 113

local backlog = {}

local PATIENCE = 0.1 -- the interval of the tests by a call that waits, in seconds
local DEFAULT = 60000 -- how long a call without a timeout waits, in milliseconds

-- count returns the number of connections in use, without those that were closed.
local function count(record)
    local users, now, used = record.users, ngx.now(), 0
    for cosocket, connecting in pairs(users) do
        if raw.getreusedtimes(cosocket) == nil and (not connecting or now > connecting) then
            users[cosocket] = nil
        else
            used = used + 1
        end
    end
    return used
end

--- is_used: whether a record has connections that count, or calls that wait for one.
function backlog.is_used(record)
    return record.users and (record.waiting > 0 or count(record) > 0)
end

--- enter waits until there may be one connection more, and returns true; or nil and the error.
---@param record table
---@param o table the cosocket to connect
---@param size integer
---@param most integer the maximum number of calls that wait
function backlog.enter(record, o, size, most)
    local milliseconds = timeouts(o)
    local patience = (milliseconds > 0 and milliseconds or DEFAULT) / 1000
    local deadline = ngx.now() + patience
    record.users = record.users or {}
    while count(record) >= size do
        local left = deadline - ngx.now()
        if left < 0.001 then -- a shorter wait returns at once, and ngx.now() would stay the same
            return nil, "timeout"
        elseif record.waiting >= most then
            return nil, "too many waiting connect operations"
        end
        record.event = record.event or require("ngx.semaphore").new()
        record.waiting = record.waiting + 1
        record.event:wait(math.min(left, PATIENCE))
        record.waiting = record.waiting - 1
    end
    record.users[o] = ngx.now() + patience + 1
    return true
end

--- connected records whether a cosocket has connected after enter.
function backlog.connected(record, o, ok)
    if ok then
        record.users[o] = false
    else
        backlog.leave(record, o)
    end
end

--- leave records that a cosocket was closed, or that its connection is kept alive.
function backlog.leave(record, o)
    record.users[o] = nil
    if record.waiting > 0 then
        record.event:post(1)
    end
end

return backlog
