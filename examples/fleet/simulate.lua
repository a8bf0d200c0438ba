-- simulate: which share of a fleet's handshakes resumes a session, and how many sessions a store must hold for that.
--
-- usage: lua simulate.lua [options]        a list as a value gives a line for each combination: --machines 1,10,100
--   --machines N      the number of servers behind the load balancer (10)
--   --clients N       the number of clients (10000)
--   --rate R          connections to the whole fleet, per second (100)
--   --lifetime S      for how many seconds a session can be resumed (7200)
--   --version V       1.3: each handshake makes a new session; 1.2: only full handshakes do (1.3)
--   --affinity A      the share of connections, 0 to 1, that reach the same machine as the client's previous one (0)
--   --skew Z          the k-th client connects with a frequency of 1/k^Z (0: all clients are equal)
--   --tickets N       how many sessions a handshake of TLS 1.3 stores (2)
--   --capacity N      how many sessions the store can hold; the oldest are evicted (no limit)
--   --bytes N         the size of a session in the store, with its key and overhead (400)
--   --connections N   how many connections are counted for each line, after a warm-up of the lifetime (100000)
--   --seed N          the seed of the random numbers: the same seed gives the same result (1)
--
-- The columns: the share of handshakes that resume a session
--   own      if each machine has its own ticket keys, or its own store
--   shared   if all machines have the same ticket keys, or a store without a limit
--   store    with a store of --capacity
-- and for that store: the number of sessions at the end, their memory in MB, and the operations per second. A "~" after
-- a number means that the real number is larger, because the warm-up is at most ten times --connections. Clients, rate
-- and capacity may be divided by the same number without a change of the shares.

local DEFAULTS = { machines = 10, clients = 10000, rate = 100, lifetime = 7200, version = 1.3, affinity = 0, skew = 0, tickets = 2,
    capacity = math.huge, bytes = 400, connections = 100000, seed = 1 }
local LISTS = { "machines", "clients", "rate", "lifetime", "capacity" }
local POSITIVE = { "machines", "clients", "rate", "lifetime", "tickets", "bytes", "connections", "seed" }

local function stop(message)
    io.stderr:write("simulate: ", message, " (see --help)\n")
    os.exit(2)
end

local function usage()
    for line in io.lines(arg[0]) do
        local text = line:match "^%-%- ?(.*)$"
        if not text then
            return
        end
        print(text)
    end
end

-- Park and Miller's generator: the same numbers on every Lua.
local function generator(seed)
    local state = seed % 2147483647
    state = state > 0 and state or 1
    return function()
        state = state * 16807 % 2147483647
        return state / 2147483647
    end
end

-- choice returns a function that selects a client.
local function choice(count, skew, random)
    if skew == 0 then
        return function()
            return math.floor(random() * count) + 1
        end
    end
    local sums, sum = {}, 0
    for index = 1, count do
        sum = sum + index ^ -skew
        sums[index] = sum
    end
    return function()
        local wanted, low, high = random() * sum, 1, count
        while low < high do
            local middle = math.floor((low + high) / 2)
            if sums[middle] < wanted then
                low = middle + 1
            else
                high = middle
            end
        end
        return low
    end
end

-- A store: sessions by client, in the order of their creation. A session of TLS 1.3 is removed when it is resumed.
local Store = {}
Store.__index = Store

local function new_store(capacity)
    return setmetatable({ capacity = capacity, first = 1, last = 0, live = 0, of = {}, calls = 0 }, Store)
end

function Store:remove(entry)
    if entry.live then
        entry.live, self.live = false, self.live - 1
    end
end

-- trim removes expired sessions, and the oldest ones beyond the capacity.
function Store:trim(now)
    while self.first <= self.last do
        local entry = self[self.first]
        if entry.live and entry.ends > now and self.live <= self.capacity then
            return
        end
        self:remove(entry)
        self[self.first] = nil
        self.first = self.first + 1
    end
end

function Store:put(client, ends, count, now)
    local newest
    for _ = 1, count do
        newest = { live = true, ends = ends }
        self.last, self.live, self.calls = self.last + 1, self.live + 1, self.calls + 1
        self[self.last] = newest
    end
    self.of[client] = newest -- the client offers the session that it has received last
    self:trim(now)
end

function Store:resume(client, now, once)
    local entry = self.of[client]
    if not entry then
        return false
    end
    self.calls = self.calls + 1
    local found = entry.live and entry.ends > now
    if found and once then
        self:remove(entry)
        self.calls = self.calls + 1
    end
    return found
end

local function simulate(options)
    local random = generator(options.seed)
    local pick = choice(options.clients, options.skew, random)
    local renews, tickets = options.version == 1.3, options.version == 1.3 and options.tickets or 1
    local store = new_store(options.capacity)
    local machine, own_ends, shared_ends = {}, {}, {}
    local now, own, shared, stored = 0, 0, 0, 0
    local calls_before, started = 0, 0
    local count = options.connections
    local warm = math.floor(math.min(math.max(options.rate * options.lifetime, count), 10 * count))
    for number = 1 - warm, count do
        if number == 1 then
            own, shared, stored, calls_before, started = 0, 0, 0, store.calls, now
        end
        now = now - math.log(1 - random()) / options.rate
        local client = pick()
        local at = machine[client]
        if not at or random() >= options.affinity then
            at = math.floor(random() * options.machines) + 1
        end
        local ends = now + options.lifetime

        local resumed = machine[client] == at and own_ends[client] > now
        own = own + (resumed and 1 or 0)
        if renews or not resumed then
            own_ends[client] = ends
        end
        machine[client] = at

        resumed = (shared_ends[client] or 0) > now
        shared = shared + (resumed and 1 or 0)
        if renews or not resumed then
            shared_ends[client] = ends
        end

        resumed = store:resume(client, now, renews)
        stored = stored + (resumed and 1 or 0)
        if renews or not resumed then
            store:put(client, ends, tickets, now)
        end
    end
    store:trim(now)
    return { cold = warm < options.rate * options.lifetime, own = own / count, shared = shared / count, store = stored / count,
        live = store.live, calls = (store.calls - calls_before) / (now - started) }
end

local function parse(words)
    local options = {}
    for name, value in pairs(DEFAULTS) do
        options[name] = { value }
    end
    local index = 1
    while words[index] do
        local name, value = words[index]:match "^%-%-(%l+)$", words[index + 1]
        if words[index] == "--help" or words[index] == "-h" then
            usage()
            os.exit(0)
        elseif not name or not DEFAULTS[name] then
            stop("unknown option " .. words[index])
        elseif not value then
            stop(words[index] .. " needs a value")
        end
        local values = {}
        for text in value:gmatch "[^,]+" do
            values[#values + 1] = tonumber(text) or stop(("--%s: %s is not a number"):format(name, text))
        end
        options[name] = values
        index = index + 2
    end
    for name, values in pairs(options) do
        local is_list = false
        for _, each in ipairs(LISTS) do
            is_list = is_list or each == name
        end
        if #values ~= 1 and not (is_list and #values > 0) then
            stop(("--%s takes one value"):format(name))
        end
    end
    for _, name in ipairs(POSITIVE) do
        for _, value in ipairs(options[name]) do
            if value <= 0 or value ~= value then
                stop(("--%s must be above 0"):format(name))
            end
        end
    end
    if options.version[1] ~= 1.2 and options.version[1] ~= 1.3 then
        stop "--version must be 1.2 or 1.3"
    elseif options.affinity[1] < 0 or options.affinity[1] > 1 then
        stop "--affinity must be 0 to 1"
    end
    return options
end

-- combinations calls f with each combination of the values in lists.
local function combinations(options, index, chosen, f)
    local name = LISTS[index]
    if not name then
        return f(chosen)
    end
    for _, value in ipairs(options[name]) do
        chosen[name] = value
        combinations(options, index + 1, chosen, f)
    end
end

local options = parse(arg)
local single = {}
for name, values in pairs(options) do
    single[name] = values[1]
end
print "machines  clients     rate  lifetime  capacity |   own  shared   store | sessions       MB    ops/s"
combinations(options, 1, single, function(chosen)
    local result = simulate(chosen)
    print(("%8d %8d %8g %9g %9s | %4.1f%%  %5.1f%%  %5.1f%% | %8d%s %7.1f %8.1f"):format(chosen.machines, chosen.clients, chosen.rate,
        chosen.lifetime, chosen.capacity == math.huge and "-" or ("%d"):format(chosen.capacity), result.own * 100,
        result.shared * 100, result.store * 100, result.live, result.cold and "~" or " ", result.live * chosen.bytes / 1e6, result.calls))
end)
