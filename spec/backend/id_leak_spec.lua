-- No error leaks an id, wherever it is raised. A debug hook (as Ctrl-C in Lua uses one) raises at each instruction of
-- each operation that makes ids, and the stack overflows in it.
local backend = require "cleat.backend"
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local polling = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local unpack = table.unpack or unpack
local INTERRUPT = "interrupted"
local BATCH = 100 -- operations between two collections

local function numbers()
    collectgarbage()
    collectgarbage()
    local count = backend.handle_count()
    local sock = socket.socket() -- its descriptor is the lowest free number
    local free = sock:fileno()
    sock:close()
    return count, free
end

-- interrupted calls f(...) with a hook that raises once, at the instruction of that number. It returns whether f was
-- still running then, and what f returned or raised.
local function interrupted(number, f, ...)
    local left, fired = number, false
    local function hook()
        left = left - 1
        if left == 0 then
            fired = true
            debug.sethook()
            error(INTERRUPT, 0)
        end
    end
    local ok, problem = pcall(function(...)
        debug.sethook(hook, "", 1)
        f(...)
        debug.sethook()
    end, ...)
    return fired, ok, problem
end

local function server_context()
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context:load_cert_chain(pki.chain "server-ec")
    return context
end

local function client_context()
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context.verify_mode = ssl.CERT_REQUIRED
    context:load_verify_locations(pki.path "root.pem")
    return context
end

-- connected returns two SSLObjects after their handshake.
local function connected()
    local a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    local client = client_context():wrap_bio(a, b)
    local server = server_context():wrap_bio(b, a, true)
    local done = 0
    while done < 2 do
        done = 0
        for _, object in ipairs { client, server } do
            local ok, problem = pcall(object.do_handshake, object)
            assert(ok or ssl.SSLWantReadError:is(problem), problem)
            done = done + (ok and 1 or 0)
        end
    end
    return client
end

local function waiter(sock, event, timeout)
    local read, write = polling.select({ event == "read" and sock or nil }, { event == "write" and sock or nil }, {}, timeout)
    return #read + #write > 0
end

local function listener()
    local sock = socket.socket()
    sock:bind { "127.0.0.1", 0 }
    sock:listen()
    sock:settimeout(30)
    return sock
end

-- OPERATIONS: name, a function that is called once and returns a value for all turns, one that is called before each
-- turn, and the operation.
local OPERATIONS = {
    { "socket()", nil, nil, function()
        return socket.socket()
    end },
    { "socket(family, type)", nil, nil, function()
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end },
    { "socket{fileno = …}", nil, function()
        return socket.socket():detach()
    end, function(_, fd)
        return socket.socket { fileno = fd }
    end, owned = true },
    { "socketpair()", nil, nil, function()
        return socket.socketpair()
    end },
    { "accept()", nil, function()
        local sock = listener()
        return { sock, socket.create_connection(sock:getsockname(), 30) }
    end, function(_, ends)
        return ends[1]:accept()
    end },
    { "connect()", nil, listener, function(_, sock)
        return socket.create_connection(sock:getsockname(), 30)
    end },
    { "connect() with a waiter", nil, listener, function(_, to)
        local sock = socket.socket()
        sock:setwaiter(waiter)
        sock:connect { "localhost", to:getsockname()[2] }
    end },
    { "getaddrinfo()", nil, nil, function()
        return socket.getaddrinfo("127.0.0.1", 80)
    end },
    { "getaddrinfo() with a waiter", nil, nil, function()
        socket.setdefaultwaiter(waiter)
        return socket.getaddrinfo("localhost", 80)
    end },
    { "recvfrom()", function()
        return { socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) }
    end, function(pair)
        pair[1]:send "x"
    end, function(pair)
        return pair[2]:recvfrom(10)
    end },
    { "recvfrom_into()", function()
        return { socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) }
    end, function(pair)
        pair[1]:send "x"
    end, function(pair)
        return pair[2]:recvfrom_into(socket.buffer(4))
    end },
    { "SSLContext()", nil, nil, function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS)
    end },
    { "load_verify_locations()", function()
        return pki.read "root.pem"
    end, nil, function(pem)
        ssl.SSLContext(ssl.PROTOCOL_TLS):load_verify_locations(pki.path "root.pem", nil, pem)
    end },
    { "wrap_socket()", function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS)
    end, function()
        return { socket.socketpair() }
    end, function(context, pair)
        return context:wrap_socket(pair[1], { do_handshake_on_connect = false })
    end },
    { "wrap_socket() of a descriptor", function()
        return { ssl.SSLContext(ssl.PROTOCOL_TLS), socket.socketpair() }
    end, nil, function(shared)
        local sock = shared[1]:wrap_socket(shared[2]:fileno(), { do_handshake_on_connect = false })
        sock:getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
        return sock
    end },
    { "wrap_bio()", function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS)
    end, nil, function(context)
        return context:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
    end },
    { "getpeercert()", connected, nil, function(object)
        return object:getpeercert()
    end },
    { "getpeercert(true)", connected, nil, function(object)
        return object:getpeercert(true)
    end },
    { "get_ca_certs()", client_context, nil, function(context)
        return context:get_ca_certs()
    end },
    { "close()", nil, function()
        return socket.socket()
    end, function(_, sock)
        sock:close()
    end },
    { "the end of a wrapped socket", function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS)
    end, function(context)
        return context:wrap_socket(socket.socketpair(), { do_handshake_on_connect = false })
    end, function(_, sock)
        sock:close()
    end },
}

-- check_unchanged checks that the numbers of ids and descriptors are as before.
local function check_unchanged(name, number, ids, fds)
    local now, now_fds = numbers()
    if now ~= ids then
        error(("%s: %d ids before, %d after errors up to %d"):format(name, ids, now, number), 0)
    elseif now_fds ~= fds then
        error(("%s: %s is the first free descriptor before, %s after"):format(name, tostring(fds), tostring(now_fds)), 0)
    end
end

describe("An error", function()
    handles.watch(before_each, after_each)
    after_each(function()
        socket.setdefaultwaiter(nil)
    end)
    teardown(process.cleanup)
    if jit then
        setup(jit.off) -- compiled code calls no hooks
        teardown(jit.on)
    end

    for _, operation in ipairs(OPERATIONS) do
        local name, make, before, run = operation[1], operation[2], operation[3], operation[4]
        it("at any instruction of " .. name .. " leaks no id", function()
            local shared = make and make()
            local function turn(number)
                local made = before and before(shared)
                local fired, ok, problem = interrupted(number, run, shared, made)
                socket.setdefaultwaiter(nil)
                assert(ok or fired, problem)
                if operation.owned and not ok then
                    pcall(socket.socket, { fileno = made }) -- unless the wrapper owned it and has closed it
                end
                return fired, ok
            end
            turn(0)
            local ids, fds = numbers()
            local number, places = 0, 0
            local fired, ok
            repeat
                number = number + 1
                fired, ok = turn(number)
                places = places + (fired and not ok and 1 or 0)
                if number % BATCH == 0 then
                    check_unchanged(name, number, ids, fds)
                end
            until not fired
            check_unchanged(name, number, ids, fds)
            assert.is_true(places > 5, ("%s: interrupted at %d places only"):format(name, places))
        end)
    end

    -- deep calls f(...) at that depth of Lua's stack. The first calls have many arguments, so that the stack is full
    -- after fewer calls than a million.
    local function narrow(depth, f, ...)
        if depth > 0 then
            local ok, problem = narrow(depth - 1, f, ...)
            return ok, problem -- not a tail call
        end
        return pcall(f, ...)
    end

    local WIDE = 16 -- narrow calls, which together need no more stack than a wide one
    local wide = assert((loadstring or load)(([[
        local narrow = ...
        local wide
        function wide(depth, rest, f, ...)
            local %s
            if depth > 0 then
                local ok, problem = wide(depth - 1, rest, f, ...)
                return ok, problem
            end
            return narrow(rest, f, ...)
        end
        return wide
    ]]):format(("_, "):rep(179) .. "_")))(narrow)

    local function deep(depth, f, ...)
        return wide(math.floor(depth / WIDE), depth % WIDE, f, ...)
    end

    local function deep_in_c(depth, f, ...)
        if depth == 0 then
            return pcall(f, ...)
        end
        local given = { n = select("#", ...), ... }
        local ok, problem
        string.gsub("x", "x", function()
            ok, problem = deep_in_c(depth - 1, f, unpack(given, 1, given.n))
        end)
        return ok, problem
    end

    -- deepest returns the depth at which the stack overflows, with as many arguments as there will be.
    local function deepest(go)
        local low, high = 1, 2 ^ 21
        while high - low > 1 do
            local middle = math.floor((low + high) / 2)
            if pcall(go, middle, type, 1, 2) then
                low = middle
            else
                high = middle
            end
        end
        return low
    end

    local SOME = { ["socket()"] = true, ["accept()"] = true, ["recvfrom()"] = true, ["SSLContext()"] = true, ["wrap_socket()"] = true,
        ["wrap_bio()"] = true, ["getpeercert()"] = true } -- Lua's stack is large, so filling it is slow

    -- At this distance from the deepest call all operations must have enough stack: on Lua 5.1 the margin is larger.
    local margin, every = 48, 2
    if _VERSION == "Lua 5.1" and not jit then
        margin, every = 400, 16
    end
    -- LuaJIT does not check the C stack.
    for _, stack in ipairs { { "Lua's stack", deep, margin, every, SOME }, not jit and { "the C stack", deep_in_c, 10, 1 } or nil } do
        local go, range, step, some = stack[2], stack[3], stack[4], stack[5]
        it("by overflow of " .. stack[1] .. " leaks no id", function()
            local limit, all_failures = deepest(go), 0
            for _, operation in ipairs(OPERATIONS) do
                local name, make, before, run = operation[1], operation[2], operation[3], operation[4]
                if not operation.owned and (not some or some[name]) then
                    local shared = make and make()
                    run(shared, before and before(shared))
                    socket.setdefaultwaiter(nil)
                    local ids, fds = numbers()
                    local tries, failures = 0, 0
                    for depth = limit - range, limit + range, step do
                        local made = before and before(shared)
                        local called, ok = pcall(go, depth, run, shared, made)
                        tries, failures = tries + 1, failures + ((called and ok) and 0 or 1)
                        socket.setdefaultwaiter(nil)
                    end
                    assert.is_true(failures < tries, ("%s: %d of %d failed"):format(name, failures, tries))
                    check_unchanged(name, limit, ids, fds)
                    all_failures = all_failures + failures
                end
            end
            assert.is_true(all_failures > 0)
        end)
    end
end)
