-- Usage: script/soak handshakes [--luajit] [COUNT]
--
-- COUNT handshakes (1,000,000) in one process, both ends, each with a socket pair, a connection verified in full, a
-- byte sent and all of it closed. One in ten is of TLS 1.2, and to each ten there are a client that refuses the
-- server's name and a handshake that is dropped in the middle.
--
-- It succeeds if after the first tenth nothing grows any more: ids, descriptors, what C and Lua have allocated and what
-- is resident.
-- It prints the time of a handshake for each tenth.
local common = require "soak.common"
local link = require "support.link"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local GROWTH = { heap = 32768, lua = 32768, resident = 524288 } -- bytes, for whatever the count

local count = tonumber(arg[1])

local client_context = link.context(link.client_options { version = "TLSv1.2" })
local newest = link.context(link.client_options())
local server_context = link.context { cert = "server-ec", version = false }

local function pair(context, name)
    local first, second = socket.socketpair()
    first:settimeout(0)
    second:settimeout(0)
    return context:wrap_socket(first, { server_hostname = name, do_handshake_on_connect = false }),
        server_context:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
end

local attempt = common.attempt

local function close(client, server)
    client:close()
    server:close()
end

local function complete(context)
    local client, server = pair(context, "localhost")
    local client_done, server_done
    for _ = 1, 4 do
        client_done = client_done or attempt(client, "do_handshake")
        server_done = server_done or attempt(server, "do_handshake")
    end
    assert(client_done and server_done, "a handshake was not completed")
    server:sendall("x")
    assert(client:recv(1) == "x")
    close(client, server)
end

local function refused()
    local client, server = pair(newest, "another.example")
    attempt(client, "do_handshake")
    attempt(server, "do_handshake")
    local ok, failure = attempt(client, "do_handshake")
    assert(ok == nil and ssl.SSLCertVerificationError:is(failure), "another name was not refused")
    assert(attempt(server, "do_handshake") == nil, "the alert was not seen")
    close(client, server)
end

local function dropped()
    local client, server = pair(newest, "localhost")
    attempt(client, "do_handshake")
    attempt(server, "do_handshake")
    close(client, server)
end

local function work(number)
    if number % 10 == 0 then
        complete(client_context)
        refused()
        dropped()
    else
        complete(newest)
    end
end

common.say("%d handshakes", count)
local due = common.every(10)
local base, final
for tenth = 1, 10 do
    local cpu, first, last = os.clock(), math.floor(count * (tenth - 1) / 10) + 1, math.floor(count * tenth / 10)
    for number = first, last do
        work(number)
        if due() then
            common.say("%d of %d", number, count)
        end
    end
    local time = (os.clock() - cpu) / (last - first + 1)
    final = common.held()
    base = base or final
    print(("%9d handshakes: %.0f us CPU each, resident %s, allocated by C %.0f KB, by Lua %.0f KB"):format(last, time * 1e6,
        common.mb(final.resident), final.heap / 1024, final.lua / 1024))
    io.stdout:flush()
end
local lost = (final.heap - base.heap) / (count * 0.9)
common.figures {
    { "handshakes completed", count }, { "refused, and dropped", math.floor(count / 10) .. ", " .. math.floor(count / 10) },
    { "growth after the first tenth, allocated by C", ("%d bytes (%.3f each)"):format(final.heap - base.heap, lost) },
    { "allocated by Lua", final.lua - base.lua .. " bytes" }, { "resident", final.resident - base.resident .. " bytes" },
    { "ids", base.ids .. ", " .. final.ids }, { "descriptors", base.descriptors .. ", " .. final.descriptors },
}
assert(final.ids == base.ids and final.descriptors == base.descriptors, "something was not closed")
for what, allowed in pairs(GROWTH) do
    assert(final[what] - base[what] <= allowed, "it grows: " .. what)
end
