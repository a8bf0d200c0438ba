-- The common part of the clients and servers in Lua. `harness(peer)` runs the operation that the command line names,
-- OPERATION PORT COUNT, with the functions of peer, and prints the lines that bench/README.md describes. A peer omits
-- functions that it does not support.
--
--   peer.handshake()          a connection to the server, verified; peer.close(conn) closes it without close_notify
--   peer.send(conn, data)     sends all of data; peer.receive(conn, n) returns 1 to n bytes
--   peer.context()            an empty context; peer.bundle() one with the system's CA certificates
--   peer.accepter(verifies)   a port, and a function that accepts, does the handshake and returns the connection;
--                             verifies: the client must show a certificate
--   peer.resume()             the same as handshake, from the newest session that keep(conn) has been given
--   peer.resumed(conn)        whether conn was resumed
--   peer.send_early(data)     the same as resume, and sends data with it, as early data
--   peer.known()              how many handshakes found their chain verified before, and how many did not
local clock = os.clock -- user and system time of the process

local COMMAND, RECORD, PIECE, MESSAGE = "%s%015d", 16384, 65536, 64

return function(peer)
    local operation, count = arg[1], tonumber(arg[3] or arg[2]) -- a server has no port to connect to
    peer.port = tonumber(arg[2])

    local function setting(name)
        return assert(os.getenv(name), name .. " is not set: see bench/README.md")
    end
    peer.name, peer.cafile, peer.system_bundle = setting "BENCH_NAME", setting "BENCH_CA", setting "BENCH_BUNDLE"
    peer.certificate, peer.key, peer.group = setting "BENCH_CERT", setting "BENCH_KEY", setting "BENCH_GROUPS"
    peer.version, peer.allows_early_data = setting "BENCH_VERSION", setting "BENCH_EARLY_DATA" == "1"
    peer.grease = setting "BENCH_GREASE" == "1"
    local renewed = setting "BENCH_NEW_CHAINS" -- which end shows another certificate each time

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

    local function resident_after_collection()
        collectgarbage()
        collectgarbage()
        return resident()
    end

    local run = {}

    function run.verify()
        print(peer.verify())
    end

    -- check_known raises an error if chains were verified before and the row is about others, or the reverse.
    local function check_known(done, by)
        if peer.known then
            local hits, misses = peer.known()
            local known = renewed ~= by
            assert(hits == (known and done - 1 or 0) and misses == (known and 1 or done),
                ("%d chains were known and %d were not"):format(hits, misses))
        end
    end

    function run.handshake()
        local done = 0
        local function work()
            peer.close(peer.handshake())
            done = done + 1
        end
        timed(repeated(count / 10, work), repeated(count, work))
        check_known(done, "server")
    end

    run.resume = peer.resume and function()
        local first = true
        local function work()
            local conn = peer.resume()
            assert(peer.resumed(conn) ~= first, "not resumed")
            first = false
            peer.send(conn, COMMAND:format("T", 0))
            expect_dot(conn)
            peer.keep(conn)
            peer.close(conn)
        end
        timed(repeated(count / 10 + 1, work), repeated(count, work))
    end

    run["early-data"] = peer.send_early and function()
        local first = peer.resume()
        peer.send(first, COMMAND:format("T", 0))
        expect_dot(first)
        peer.keep(first)
        peer.close(first)
        local function work()
            local conn = peer.send_early(COMMAND:format("T", 0))
            expect_dot(conn)
            assert(peer.early_data_accepted(conn), "early data was not accepted")
            peer.keep(conn)
            peer.close(conn)
        end
        timed(repeated(count / 10 + 1, work), repeated(count, work))
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

    -- wanting measures make(conn), a function that reads when nothing has arrived.
    local function wanting(make)
        local conn = open("T", 0)
        expect_dot(conn)
        local step = make(conn)
        repeated(count / 10, step)()
        collectgarbage()
        collectgarbage "stop"
        local before = collectgarbage "count"
        timed(function() end, repeated(count, step))
        -- the line that timed prints is a separate string
        print(("allocated %.1f"):format(math.floor((collectgarbage "count" - before) * 1024 / count * 10) / 10))
    end

    run["want-read"] = peer.want_read and function()
        wanting(peer.want_read)
    end

    run["try-recv"] = peer.try_recv and function()
        wanting(peer.try_recv)
    end

    function run.idle()
        local held = {}
        local function hold()
            local conn = open("I", 0)
            expect_dot(conn)
            held[#held + 1] = conn
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

    -- accept calls step(conn) with each accepted connection.
    local function accept(verifies, warm_up, step)
        local port, accept_one = peer.accepter(verifies)
        print("port " .. port)
        io.stdout:flush()
        local function work()
            local conn = accept_one()
            step(conn)
            peer.close(conn)
        end
        timed(repeated(warm_up, work), repeated(count, work))
    end

    local function nothing() end

    run["idle-server"] = peer.accepter and function()
        local port, accept_one = peer.accepter(false)
        print("port " .. port)
        io.stdout:flush()
        local held = {}
        local function hold()
            local conn = accept_one()
            local got = 0
            while got < 16 do
                got = got + #peer.receive(conn, 16 - got)
            end
            peer.send(conn, ".")
            held[#held + 1] = conn
        end
        repeated(count / 10 + 1, hold)()
        local before = resident_after_collection()
        repeated(count, hold)()
        print(("bytes %.1f"):format((resident_after_collection() - before) / count))
    end

    run.accept = peer.accepter and function()
        accept(false, count / 10 + 1, nothing)
    end

    run["accept-client"] = peer.accepter and function()
        local done = 0
        accept(true, count / 10 + 1, function()
            done = done + 1
        end)
        check_known(done, "client")
    end

    run["accept-again"] = peer.accepter and peer.resumed and function()
        local first = true
        accept(false, count / 10 + 1, function(conn)
            assert(peer.resumed(conn) ~= first, "not resumed")
            first = false
            peer.send(conn, ".")
        end)
    end

    local chosen = assert(run[operation], "unknown operation")
    chosen()
    io.stdout:flush()
    os.exit(0, false)
end
