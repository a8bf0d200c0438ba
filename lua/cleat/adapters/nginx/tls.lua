--- The methods of a cosocket with TLS. They have the results and errors of nginx's methods, and use a TLS connection in
--- memory.
---
--- The object is nginx's cosocket with another metatable. Its field `state` is a table with
---   id, guard        the ABI's connection
---   rest, at         decrypted bytes; those before `at` were returned already
---   unsent           whether encrypted bytes (the end of the handshake) wait for the next send
---   reading, writing whether a call of the cosocket is in progress
---   moved            whether data was sent or received since connect
---   over             whether the peer has closed the connection
---   dead             whether TLS or the cosocket has failed
--- and the fields of cleat.adapters.nginx.record_reader and .pool.

local C = require "cleat.backend"
local delimited = require "cleat.adapters.nginx.delimited"
local errors = require "cleat.errors"
local raw = require("cleat.adapters.nginx.raw").methods
local timeouts = require("cleat.adapters.nginx.raw").timeouts
local reader = require "cleat.adapters.nginx.record_reader"
local texts = require "cleat.adapters.nginx.texts"

local connection_write, connection_drain, connection_read = C.connection_write, C.connection_drain, C.connection_read
local more = reader.more
local find, gsub, sub = string.find, string.gsub, string.sub
local type, tonumber = type, tonumber

local tls = {}

local ROOM = 65536 -- the size of one read of encrypted bytes from the connection
local MANY, MOST = 16384, 1048576 -- the range of sizes that are received into a buffer
local PIECE = 131072 -- how many bytes are encrypted before they are sent

local function bad_argument(method, what)
    return error(("bad argument #1 to '%s' (%s)"):format(method, what), 3)
end

-- flush sends the encrypted bytes.
local function flush(o, s)
    s.unsent = false
    while true do
        local size, bytes = connection_drain(s.id, ROOM)
        if size > 0 then
            s.writing = true
            local sent, err = raw.send(o, bytes)
            s.writing = false
            if not sent then
                s.dead, s.drained = true, true
                return nil, err
            end
        end
        if size < ROOM then
            return true
        end
    end
end

-- failed handles a failure of TLS, after a malformed record or an alert. The reason is written to nginx's log.
local function failed(o, s, result)
    local err = errors.from_connection(result, "read")
    ngx.log(ngx.ERR, "cleat: TLS with ", s.host, " has failed: ", tostring(err)) -- luacheck: ignore 113
    if not s.dead and not s.writing then
        flush(o, s) -- the alert
    end
    s.dead, s.drained = true, true
    return "error"
end

-- without_cr removes all carriage returns of a line, as nginx's cosockets do.
local function without_cr(line)
    return find(line, "\r", 1, true) and (gsub(line, "\r", "")) or line
end

-- partial returns the results of a failed call.
local function partial(err, refused, bytes)
    if refused and bytes == "" then
        return nil, err
    end
    return nil, err, bytes
end

local function line(o, s)
    local rest, at = s.rest, s.at
    local stop = find(rest, "\n", at, true)
    if stop then
        s.at = stop + 1
        if find(rest, "\r", at, true) == stop - 1 then
            return sub(rest, at, stop - 2)
        end
        return without_cr(sub(rest, at, stop - 1))
    end
    local parts, count = {}, 0
    if at <= #rest then
        parts[1], count = sub(rest, at), 1
    end
    s.rest, s.at = "", 1
    while true do
        local data, err, refused = more(o, s, 1)
        if not data then
            return partial(err, refused, without_cr(table.concat(parts)))
        end
        stop = find(data, "\n", 1, true)
        if stop then
            s.rest, s.at = data, stop + 1
            local last = sub(data, 1, stop - 1)
            if count > 0 then
                parts[count + 1] = last
                last = table.concat(parts)
            end
            return without_cr(last)
        end
        count = count + 1
        parts[count] = data
    end
end

-- The buffer of large(), while no call uses it. It avoids garbage from many pieces.
local spare

-- large does the work of exactly() for MANY bytes and more: it decrypts into a buffer.
local function large(o, s, size)
    local have = #s.rest - s.at + 1
    local buffer = spare
    spare = nil
    if not buffer or C.buffer_size(buffer) < size then
        buffer = C.buffer_new(size < MOST / 4 and MOST / 4 or MOST)
    end
    if have > 0 then
        C.buffer_set(buffer, 0, sub(s.rest, s.at))
    end
    s.rest, s.at = "", 1
    while have < size do
        local count, err, refused = more(o, s, size - have, buffer, have)
        if not count then
            local bytes = C.buffer_get(buffer, 0, have)
            spare = buffer
            return partial(err, refused, bytes)
        end
        have = have + count
    end
    local bytes = C.buffer_get(buffer, 0, size)
    spare = buffer
    return bytes
end

local function exactly(o, s, size)
    local rest, at = s.rest, s.at
    local have = #rest - at + 1
    if have >= size then
        s.at = at + size
        return sub(rest, at, at + size - 1)
    elseif size >= MANY and size <= MOST then
        return large(o, s, size)
    end
    local parts, count = {}, 0
    if have > 0 then
        parts[1], count = sub(rest, at), 1
    end
    s.rest, s.at = "", 1
    while true do
        local missing = size - have
        local data, err, refused = more(o, s, missing)
        if not data then
            return partial(err, refused, table.concat(parts))
        end
        local length = #data
        if length >= missing then
            if length > missing then
                s.rest, s.at = data, missing + 1
                data = sub(data, 1, missing)
            end
            if count == 0 then
                return data
            end
            parts[count + 1] = data
            return table.concat(parts)
        end
        count = count + 1
        parts[count] = data
        have = have + length
    end
end

local function all(o, s)
    local parts = { sub(s.rest, s.at) }
    s.rest, s.at = "", 1
    while true do
        local data, err, refused = more(o, s, 1)
        if not data then
            if err == "closed" and not refused then
                s.over = false -- the next call reports the end again
                return table.concat(parts)
            end
            return partial(err, refused, table.concat(parts))
        end
        parts[#parts + 1] = data
    end
end

-- is_over returns whether nothing more can be read.
local function is_over(s)
    return (s.over or s.dead) and s.at > #s.rest
end

--- receive of the cosocket.
function tls.receive(o, pattern)
    local s = o.state
    if is_over(s) then
        return nil, "closed"
    end
    s.moved = true
    if pattern == nil or pattern == "*l" then
        return line(o, s)
    elseif pattern == "*a" then
        return all(o, s)
    end
    local size = tonumber(pattern)
    if size and size >= 0 and size < math.huge then
        if size < 1 then
            return ""
        end
        return exactly(o, s, size - size % 1)
    elseif type(pattern) == "string" and not size and (#pattern ~= 2 or sub(pattern, 1, 1) ~= "*") then
        return bad_argument("receive", "bad pattern argument: " .. pattern)
    end
    return bad_argument("receive", "bad pattern argument")
end

--- receiveany of the cosocket.
function tls.receiveany(o, max)
    local s = o.state
    local size = tonumber(max)
    if not (size and size >= 1 and size < math.huge) then
        return bad_argument("receiveany", "bad max argument")
    elseif is_over(s) then
        return nil, "closed"
    end
    s.moved = true
    size = size - size % 1
    local rest, at = s.rest, s.at
    if at > #rest then
        local data, err, refused = more(o, s, 1)
        if not data then
            return partial(err, refused, "")
        elseif #data <= size then
            s.rest, s.at = "", 1
            return data
        end
        rest, at = data, 1
        s.rest = rest
    end
    s.at = at + size
    return sub(rest, at, at + size - 1)
end

--- receiveuntil of the cosocket.
function tls.receiveuntil(o, pattern, options)
    if type(pattern) ~= "string" and type(pattern) ~= "number" then
        return bad_argument("receiveuntil", "string expected, got " .. type(pattern))
    end
    pattern = tostring(pattern)
    local inclusive = false
    if options ~= nil then
        if type(options) ~= "table" then
            return bad_argument("receiveuntil", "table expected, got " .. type(options))
        end
        inclusive = options.inclusive
        if inclusive ~= nil and type(inclusive) ~= "boolean" then
            error(('bad "inclusive" option value type: %s'):format(type(inclusive)), 2)
        end
    end
    if pattern == "" then
        return nil, "pattern is empty"
    end
    local s = o.state
    local matcher = { pattern = pattern, inclusive = inclusive, state = 0, done = false }
    return function(size)
        if o.state ~= s or is_over(s) then
            return nil, "closed"
        elseif matcher.done then
            matcher.done = false
            return nil, nil, nil
        elseif size ~= nil and type(tonumber(size)) ~= "number" then
            error(("bad argument #1 to '?' (number expected, got %s)"):format(type(size)), 2)
        end
        size = math.floor(tonumber(size) or 0)
        s.moved = true
        return delimited.read(o, s, matcher, size)
    end
end

-- send_text encrypts a string, and sends it.
local function send_text(o, s, text)
    local result = connection_write(s.id, text, 0)
    if result < 0 then
        s.dead = true
        return nil, "closed"
    end
    return flush(o, s)
end

--- send of the cosocket.
function tls.send(o, data)
    local s = o.state
    if type(data) ~= "string" then
        data = texts.of(data)
    end
    local size = #data
    if s.writing then
        -- another light thread is sending, or was killed while it did
        local ok, err = raw.send(o, "")
        return nil, ok and "closed" or err
    elseif s.dead then
        return nil, "closed"
    elseif size == 0 then
        return 0
    end
    s.moved = true
    local ok, err
    if size <= PIECE then
        ok, err = send_text(o, s, data)
    else
        for first = 1, size, PIECE do
            ok, err = send_text(o, s, sub(data, first, first + PIECE - 1))
            if not ok then
                break
            end
        end
    end
    if ok then
        return size
    end
    return nil, err
end

--- idle returns true if nothing is left to read, so that the connection can be kept alive; otherwise nil and the error.
function tls.idle(o, s)
    if s.at <= #s.rest then
        return nil, "unread data in buffer"
    elseif s.over or s.dead then
        return nil, "closed"
    elseif s.reading or s.writing then
        return true -- the cosocket refuses setkeepalive itself
    elseif not s.drained then
        local result, data = connection_read(s.id, 16384, 0)
        if result > 0 then
            s.rest, s.at = data, 1
            return nil, "unread data in buffer"
        elseif result ~= require("cleat.status").WANT_READ then
            s.over = true
            return nil, "closed"
        end
        s.drained = true
    end
    if s.due > 0 or s.head ~= "" then
        return nil, "unread data in buffer"
    elseif s.unsent then
        return flush(o, s)
    end
    return true
end

--- send_close_notify sends close_notify if that needs no waiting.
function tls.send_close_notify(o, s)
    if not (s.dead or s.reading or s.writing) then
        C.connection_shutdown(s.id, 0)
        local connect, send, read = timeouts(o)
        raw.settimeouts(o, 1, 1, 1)
        flush(o, s)
        raw.settimeouts(o, connect, send, read)
    end
end

--- discard ends TLS.
function tls.discard(s)
    if s.guard then
        C.guard_close(s.guard)
        s.id, s.guard, s.dead, s.rest, s.at = 0, false, true, "", 1
    end
end

--- start adds the TLS connection to a state.
function tls.start(s, id, guard)
    s.id, s.guard, s.rest, s.at, s.drained, s.due, s.head, s.single = id, guard, "", 1, true, 0, "", false
    s.unsent, s.reading, s.writing, s.dead, s.over, s.ended = false, false, false, false, false, false
    s.flush, s.failed = flush, failed
end

tls.flush = flush

return tls
