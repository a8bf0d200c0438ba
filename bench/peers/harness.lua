-- What the clients and servers written in Lua have in common. `harness(peer)` runs the operation that the command line
-- names, OPERATION PORT COUNT, with the functions of peer, and prints what bench/README.md says. A peer leaves out what
-- it cannot do.
--
--   peer.handshake()          a connection to the server, verified; peer.close(conn) closes it without close_notify
--   peer.send(conn, data)     sends all of data; peer.receive(conn, n) returns 1 to n bytes
--   peer.context()            an empty context; peer.bundle() one with the system's CA certificates
--   peer.accepter()           a port, and a function that accepts, does the handshake and closes
local clock = os.clock -- user and system time of the process

local COMMAND, RECORD, PIECE, MESSAGE = "%s%015d", 16384, 65536, 64

return function(peer)
    local operation, count = arg[1], tonumber(arg[3])
    peer.port = tonumber(arg[2])

    local function setting(name)
        return assert(os.getenv(name), name .. " is not set: see bench/README.md")
    end
    peer.name, peer.cafile, peer.system_bundle = setting "BENCH_NAME", setting "BENCH_CA", setting "BENCH_BUNDLE"
    peer.certificate, peer.key, peer.group = setting "BENCH_CERT", setting "BENCH_KEY", setting "BENCH_GROUPS"

    local function timed(warm_up, work)
        warm_up()
        local start = clock()
        work()
        print(("cpu %.9f"):format(clock() - start))
    end

    local function repeated(n, work)
        return function()
            for _ = 1, n do
                work()
            end
        end
    end

    local function expect_dot(conn)
        assert(peer.receive(conn, 1) == ".", "no answer")
    end

    -- open: a connection, after the command to the server.
    local function open(letter, number)
        local conn = peer.handshake()
        peer.send(conn, COMMAND:format(letter, number))
        return conn
    end

    local function resident()
        local file = assert(io.open "/proc/self/statm")
        local pages = file:read("a"):match "^%d+ (%d+)"
        file:close()
        return pages * 4096
    end

    local run = {}

    function run.verify()
        print(peer.verify())
    end

    function run.handshake()
        local function work()
            peer.close(peer.handshake())
        end
        timed(repeated(count / 10, work), repeated(count, work))
    end

    -- receiver(step): step(conn) receives once and returns how many bytes.
    local function receiver(step)
        local bytes = count * 1048576
        local conn = open("S", bytes + bytes / 8)
        local function receive(left)
            return function()
                while left > 0 do
                    left = left - step(conn)
                end
            end
        end
        timed(receive(bytes / 8), receive(bytes))
    end

    function run.receive()
        local receive = peer.receive
        receiver(function(conn)
            return #receive(conn, RECORD)
        end)
    end

    run["receive-into"] = peer.receiver_into and function()
        receiver(peer.receiver_into(RECORD))
    end

    local function sender(piece)
        local bytes = count * 1048576
        local conn = open("D", bytes + bytes / 8)
        local data = ("\0"):rep(piece)
        local function step()
            peer.send(conn, data)
        end
        timed(repeated(bytes / 8 / piece, step), function()
            repeated(bytes / piece, step)()
            expect_dot(conn)
        end)
    end

    function run.send()
        sender(PIECE)
    end

    function run.sendall()
        sender(count * 1048576 / 8)
    end

    function run.echo()
        local conn = open("E", count + count / 10)
        local message = ("\0"):rep(MESSAGE)
        local send, receive = peer.send, peer.receive
        local function step()
            send(conn, message)
            local got = #receive(conn, MESSAGE)
            while got < MESSAGE do
                got = got + #receive(conn, MESSAGE - got)
            end
        end
        timed(repeated(count / 10, step), repeated(count, step))
    end

    run["want-read"] = peer.want_read and function()
        local conn = open("T", 0)
        expect_dot(conn)
        local step = peer.want_read(conn)
        repeated(count / 10, step)()
        collectgarbage()
        collectgarbage "stop"
        local before = collectgarbage "count"
        timed(function() end, repeated(count, step))
        -- the line that timed prints is a separate string
        print(("allocated %.1f"):format(math.floor((collectgarbage "count" - before) * 1024 / count * 10) / 10))
    end

    function run.idle()
        local held = {}
        local function hold()
            local conn = open("I", 0)
            expect_dot(conn)
            held[#held + 1] = conn
        end
        local function resident_after_collection()
            collectgarbage()
            collectgarbage()
            return resident()
        end
        hold()
        local before = resident_after_collection()
        repeated(count, hold)()
        print(("bytes %.1f"):format((resident_after_collection() - before) / count))
    end

    function run.context()
        timed(repeated(count / 10, peer.context), function()
            repeated(count, peer.context)()
            collectgarbage()
        end)
    end

    run["bundle-first"] = function()
        timed(function() end, peer.bundle)
    end

    run["bundle-again"] = function()
        timed(peer.bundle, function()
            repeated(count, peer.bundle)()
            collectgarbage()
        end)
    end

    function run.accept()
        local port, accept = peer.accepter()
        print("port " .. port)
        io.stdout:flush()
        count = tonumber(arg[2])
        timed(repeated(count / 10, accept), repeated(count, accept))
    end

    local chosen = assert(run[operation], "unknown operation")
    chosen()
    io.stdout:flush()
    os.exit(0, false)
end
