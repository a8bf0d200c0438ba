-- Usage: script/soak connections [--luajit] [--count N] [SECONDS]
--
-- Holds N TLS connections (10,000) in one process for SECONDS (600), while a second process, which has their other
-- ends, kills half of them at random and opens others in their place: without close_notify, with it, by a reset, with
-- garbage in the middle, in the handshake. Data flows on all of them meanwhile, and each byte is compared at both ends.
--
-- It succeeds if the other half has lost nothing, each end of a connection was one of those that were made, and the
-- process holds no more than before: ids, descriptors, and memory, resident and allocated, up to a twentieth of what
-- the connections took.
local common = require "soak.common"
local link = require "support.link"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local count, seconds = tonumber(arg[1]), tonumber(arg[2])

local context = link.context { cert = "server-ec" }
local listener = socket.socket()
listener:bind { "127.0.0.1", 0 }
listener:listen(4096)
listener:settimeout(0)

local watch = common.watch()
local ends = { survivor = {}, victim = {}, handshake = {} }
local totals = { handshakes = 0, bytes = 0, survivor_bytes = 0, open = 0, most = 0 }
local done, killer = false, nil

-- A connection: sock, shaken (its handshake is done), number, got (bytes that came and were right), out (what is to be
-- sent).

local function finish(connection, how)
    local kind = not connection.shaken and "handshake" or (connection.number or count) * 2 <= count and "survivor" or "victim"
    ends[kind][how] = (ends[kind][how] or 0) + 1
    totals.bytes = totals.bytes + connection.got
    if kind == "survivor" then
        totals.survivor_bytes = totals.survivor_bytes + connection.got
        assert(done, "a connection that was not to be killed has ended: " .. how)
    end
    if connection.shaken then
        totals.open = totals.open - 1
    end
    watch:remove(connection)
    connection.sock:close()
end

-- failed: how the peer has ended the connection, by the error that we see.
local function failed(connection, err)
    if ssl.SSLEOFError:is(err) then
        return finish(connection, "cut")
    elseif ssl.SSLError:is(err) and (err.reason == "WRONG_VERSION_NUMBER" or err.reason == "BAD_DECRYPT"
        or err.reason == "DECRYPTION_FAILED_OR_BAD_RECORD_MAC") then
        return finish(connection, "garbage")
    elseif socket.error:is(err) and not ssl.SSLError:is(err) and (err.errno == 104 or err.errno == 32) then
        return finish(connection, "reset")
    end
    error(("connection %s: %s"):format(tostring(connection.number), tostring(err)), 0)
end

local function take(connection, data)
    if not connection.number then
        connection.hello = (connection.hello or "") .. data
        if #connection.hello < 8 then
            return
        end
        connection.number = tonumber(connection.hello:sub(1, 8))
        data, connection.hello = connection.hello:sub(9), nil
    end
    if data ~= common.bytes(connection.number, connection.got, #data) then
        error(("connection %d: other bytes than were sent, at %d"):format(connection.number, connection.got), 0)
    end
    connection.got = connection.got + #data
    connection.out = connection.out .. data
end

local function go_on(connection)
    local sock = connection.sock
    if not connection.shaken then
        local ok, what = common.attempt(sock, "do_handshake")
        if ok == nil then
            return failed(connection, what)
        elseif not ok then
            return watch:set(connection, sock, what == "write")
        end
        connection.shaken = true
        totals.handshakes, totals.open = totals.handshakes + 1, totals.open + 1
        totals.most = math.max(totals.most, totals.open)
    end
    while true do
        local ok, data = common.attempt(sock, "recv", 65536)
        if ok == nil then
            return failed(connection, data)
        elseif not ok then
            break
        elseif data == "" then
            return finish(connection, "close_notify")
        end
        take(connection, data)
    end
    while connection.out ~= "" do
        local ok, sent = common.attempt(sock, "send", connection.out)
        if ok == nil then
            return failed(connection, sent)
        elseif not ok then
            break
        end
        connection.out = connection.out:sub(sent + 1)
    end
    watch:set(connection, sock, connection.out ~= "")
end

local function accept()
    for _ = 1, 64 do
        local ok, plain = common.attempt(listener, "accept")
        if not ok then
            return
        end
        plain:settimeout(0)
        local connection = { got = 0, out = "", shaken = false }
        connection.sock = context:wrap_socket(plain,
            { server_side = true, do_handshake_on_connect = false, suppress_ragged_eofs = false })
        watch:set(connection, connection.sock)
    end
end

local function text(list)
    local parts = {}
    for name, number in pairs(list) do
        parts[#parts + 1] = ("%s %d"):format(name, number)
    end
    table.sort(parts)
    return table.concat(parts, ", ")
end

local function run()
    -- what is made once is there before the start: a connection, the second process, an answer of it
    local client, server = link.open()
    client:close()
    server:close()
    local seen = process.directory() .. "/closing"
    killer = process.start(process.lua {
        "spec/soak/killer.lua", tostring(listener:getsockname()[2]), tostring(count), tostring(seconds), seen,
        timeout = seconds + 900,
    })
    local door = {}
    watch:set(door, listener)
    local start, peak = common.held(), 0
    local due, look = common.every(10), common.every(0.5)
    common.say("%d connections, %d seconds; %s before the first", count, seconds, common.mb(start.resident))
    while not done or watch.count > 1 do
        for _, owner in ipairs(watch:ready(0.1)) do
            if owner == door then
                accept()
            else
                go_on(owner)
            end
        end
        if look() then
            peak = math.max(peak, common.resident())
            if not done and killer:output():find("closing", 1, true) then
                done = true
                process.write_file(seen, "")
            end
            local status = killer:poll()
            if status and (status ~= 0 or not done) then
                error("the second process ended with " .. status, 0)
            end
        end
        if due() then
            common.say("%d open, %d handshakes, ended: %s; %s", totals.open, totals.handshakes, text(ends.victim),
                common.mb(common.resident()))
        end
    end
    killer:wait(60)
    listener:close()
    watch = nil -- its tables have room for all
    local final = common.held()
    local survivors, their_bytes, killed = killer:output():match("survivors (%d+), bytes (%d+), killed (%d+)")

    local grown, taken = final.resident - start.resident, peak - start.resident
    common.figures {
        { "connections at once", totals.most }, { "seconds", seconds }, { "handshakes", totals.handshakes },
        { "killed by the second process", killed }, { "as the first has seen it", text(ends.victim) },
        { "ended in the handshake", text(ends.handshake) },
        { "never killed", text(ends.survivor) }, { "bytes on those, sent and echoed", their_bytes },
        { "bytes on all, compared", totals.bytes },
        { "memory at the start", common.mb(start.resident) }, { "at the most", common.mb(peak) },
        { "a connection", ("%.0f bytes"):format(taken / totals.most) }, { "afterwards", common.mb(final.resident) },
        { "ids at the start, afterwards", start.ids - 1 .. ", " .. final.ids },
        { "descriptors", start.descriptors - 1 .. ", " .. final.descriptors },
        { "allocated by C", common.mb(start.heap) .. ", " .. common.mb(final.heap) },
        { "allocated by Lua", common.mb(start.lua) .. ", " .. common.mb(final.lua) },
    }
    local half = math.floor(count / 2)
    assert(tonumber(survivors) == half and ends.survivor.close_notify == half, "not all connections that were to live have lived")
    assert(tonumber(their_bytes) == totals.survivor_bytes, "bytes were lost")
    assert(totals.most >= count, "there were never all at once")
    assert(final.ids == start.ids - 1 and final.descriptors == start.descriptors - 1, "something was not closed")
    local allowed = math.max(taken / 20, 1048576)
    assert(final.heap - start.heap <= allowed and final.lua - start.lua <= allowed, "not all memory was freed")
    assert(jit or grown <= allowed, "memory is not back") -- LuaJIT's own allocator keeps what it had once
end

local ok, failure = pcall(run)
if not ok then
    io.stderr:write(tostring(failure), "\n", killer and killer:output() .. killer:errors() or "")
end
process.cleanup()
os.exit(ok, true)
