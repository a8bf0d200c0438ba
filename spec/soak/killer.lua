-- killer.lua PORT COUNT SECONDS FILE: the second process of connections.lua. It opens COUNT connections, sends and
-- compares on all of them, and kills those of the second half at random, a hundred in a second. Each is replaced by
-- another.
local common = require "soak.common"
local link = require "support.link"
local socket = require "cleat.socket"

local port, count, seconds = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
local half = math.floor(count / 2)

local KILLS = math.min(100, half / 5) -- in a second; those whose ports are in TIME_WAIT must not become too many
local MESSAGES = 2000 -- in a second
local SHAKING = 200 -- at once

local context = link.context(link.client_options())
local watch = common.watch()
local connections, shaking, number, killed = {}, 0, 0, 0

-- A connection: sock, number, place (in connections), shaken, sent, got, hello (not sent yet), out (length of what is
-- being sent).

local function open(place)
    number = number + 1
    local plain = socket.socket()
    plain:connect { "127.0.0.1", port }
    plain:settimeout(0)
    local connection = { place = place, number = number, sent = 0, got = 0, out = 0, hello = ("%08d"):format(number) }
    connection.plain = plain
    connection.sock = context:wrap_socket(plain, { server_hostname = "localhost", do_handshake_on_connect = false,
        suppress_ragged_eofs = false })
    connections[place] = connection
    shaking = shaking + 1
    return connection
end

local function wrong(connection, what)
    error(("connection %d: %s"):format(connection.number, tostring(what)), 0)
end

-- send sends what is to be sent; it returns whether all was.
local function send(connection)
    while connection.hello or connection.out > 0 do
        local data = connection.hello or common.bytes(connection.number, connection.sent, connection.out)
        local ok, sent = common.attempt(connection.sock, "send", data)
        if ok == nil then
            wrong(connection, sent)
        elseif not ok then
            return false
        elseif connection.hello then
            connection.hello = connection.hello:sub(sent + 1)
            connection.hello = connection.hello ~= "" and connection.hello or nil
        else
            connection.sent, connection.out = connection.sent + sent, connection.out - sent
        end
    end
    return true
end

local function go_on(connection)
    if not connection.shaken then
        local ok, what = common.attempt(connection.sock, "do_handshake")
        if ok == nil then
            wrong(connection, what)
        elseif not ok then
            return watch:set(connection, connection.sock, what == "write")
        end
        connection.shaken = true
        shaking = shaking - 1
    end
    while true do
        local ok, data = common.attempt(connection.sock, "recv", 65536)
        if ok == nil then
            wrong(connection, data)
        elseif not ok then
            break
        elseif data == "" or data ~= common.bytes(connection.number, connection.got, #data) then
            wrong(connection, data == "" and "ended by the peer" or "other bytes than were sent")
        end
        connection.got = connection.got + #data
    end
    watch:set(connection, connection.sock, not send(connection))
end

local RESET = "\1\0\0\0\0\0\0\0" -- struct linger: on, 0 seconds

local WAYS = {
    function(connection) -- without a word
        connection.sock:close()
    end,
    function(connection) -- with close_notify
        common.attempt(connection.sock, "unwrap")
        connection.sock:close()
    end,
    function(connection) -- by a reset
        connection.sock:setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.sock:close()
    end,
    function(connection) -- with garbage in place of a record
        common.attempt(connection.plain, "send", ("garbage "):rep(10))
        connection.sock:close()
    end,
}

local function kill(connection)
    watch:remove(connection)
    WAYS[math.random(#WAYS)](connection)
    killed = killed + 1
    if killed % 10 == 0 then -- and one in the handshake
        local plain = socket.socket()
        plain:connect { "127.0.0.1", port }
        plain:send("\22\3\1\2\0\1")
        plain:close()
    end
    go_on(open(connection.place))
end

local function turn(timeout)
    for _, connection in ipairs(watch:ready(timeout)) do
        if watch.places[connection] then
            go_on(connection)
        end
    end
end

-- idle: whether all that was sent has come back, on all connections.
local function idle()
    for _, connection in ipairs(connections) do
        if not connection.shaken or connection.out > 0 or connection.got ~= connection.sent then
            return false
        end
    end
    return true
end

local function wait_until_idle(limit)
    local deadline = common.clock() + limit
    while not idle() do
        assert(common.clock() < deadline, "not all that was sent has come back")
        turn(0.05)
    end
end

for place = 1, count do
    go_on(open(place))
    while shaking >= SHAKING do
        turn(0.05)
    end
end
wait_until_idle(300)
print("holding " .. count)
io.stdout:flush()

local start = common.clock()
local messages, kills = 0, 0
while true do
    local elapsed = common.clock() - start
    if elapsed >= seconds then
        break
    end
    turn(0.005)
    for _ = 1, math.min(200, elapsed * MESSAGES - messages) do
        messages = messages + 1
        local connection = connections[math.random(count)]
        if connection.shaken and connection.got == connection.sent and connection.out == 0 then
            connection.out = math.random(20) == 1 and math.random(60000) or math.random(2000)
            watch:set(connection, connection.sock, not send(connection))
        end
    end
    for _ = 1, elapsed * KILLS - kills do
        kills = kills + 1
        local connection = connections[half + math.random(count - half)]
        if connection.shaken then
            kill(connection)
        end
    end
    messages, kills = math.max(messages, elapsed * MESSAGES - 1000), math.max(kills, elapsed * KILLS - 100)
end
wait_until_idle(120)
print("closing")
io.stdout:flush()

-- The first process writes the file when it has read that: no connection may end before.
repeat
    turn(0.1)
    local seen = io.open(arg[4])
until seen
local bytes = 0
for place, connection in ipairs(connections) do
    if place <= half then
        bytes = bytes + connection.got
    end
    watch:remove(connection)
    common.attempt(connection.sock, "unwrap")
    connection.sock:close()
end
print(("survivors %d, bytes %d, killed %d"):format(half, bytes, killed))
