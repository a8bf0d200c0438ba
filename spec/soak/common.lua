-- What the soaks share: what a process holds, waiting for thousands of sockets, and the bytes that flow.
local backend = require "cleat.backend"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local const = backend.const

local common = { clock = process.clock }

-- heap_used: the bytes that C has allocated, after giving unused memory back to the system.
local heap_used
if jit then
    local ffi = require "ffi"
    ffi.cdef [[
        struct mallinfo2 {
            size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
        };
        struct mallinfo2 mallinfo2(void);
        int malloc_trim(size_t pad);
    ]]
    function heap_used()
        ffi.C.malloc_trim(0)
        local info = ffi.C.mallinfo2()
        return tonumber(info.uordblks + info.hblkhd)
    end
else
    heap_used = require("soak.heap").used
end

-- descriptors: how many are open. (A pipe for the answer would be counted, or not.)
local function descriptors()
    local name = os.tmpname()
    os.execute("ls /proc/$PPID/fd | wc -l >" .. process.quote(name))
    local number = tonumber((process.read_file(name):match("%d+")))
    os.remove(name)
    return number
end

function common.resident()
    return tonumber((process.read_file("/proc/self/statm"):match("^%d+ (%d+)"))) * 4096
end

-- held: what this process holds after a full collection: resident bytes, those allocated by C and by Lua (on Lua 5.4
-- the first count the second as well), ids and descriptors.
function common.held()
    if jit then -- a compiled trace keeps what it was made for
        jit.flush()
    end
    collectgarbage()
    collectgarbage()
    return {
        ids = backend.handle_count(), descriptors = descriptors(), lua = math.floor(collectgarbage("count") * 1024),
        heap = heap_used(), resident = common.resident(),
    }
end

function common.mb(bytes)
    return ("%.1f MB"):format(bytes / 1048576)
end

-- say: a line of progress.
function common.say(format, ...)
    io.stderr:write(os.date "%H:%M:%S  ", format:format(...), "\n")
end

-- every(seconds) returns a function that is true once in so many seconds.
function common.every(seconds)
    local due = common.clock() + seconds
    return function()
        local now = common.clock()
        if now < due then
            return false
        end
        due = now + seconds
        return true
    end
end

-- The bytes of a connection: each has its own, and determines the byte at any position.
local block = {}
do
    local seed = 12345
    for index = 1, 65536 do
        seed = (seed * 1103515245 % 2147483648 + 12345) % 2147483648
        block[index] = string.char(math.floor(seed / 65536) % 256)
    end
    block = table.concat(block)
    block = block .. block
end

-- bytes: those of connection number, length of them (65536 at most) from position (0 is the first) on.
function common.bytes(number, position, length)
    local offset = (number * 7919 + position) % 65536
    return block:sub(offset + 1, offset + length)
end

-- Watch: many sockets at once. Each has a number by which it is asked for; what waits to be written to is asked for as
-- well.
local Watch = {}
Watch.__index = Watch

function common.watch()
    return setmetatable({ fds = {}, events = {}, owners = {}, places = {}, count = 0 }, Watch)
end

-- set: an owner (a table) with its socket waits to be read, and with writes to be written.
function Watch:set(owner, sock, writes)
    local place = self.places[owner]
    if not place then
        place = self.count + 1
        self.count, self.places[owner], self.owners[place] = place, place, owner
        self.fds[place] = sock:fileno()
    end
    self.events[place] = writes and const.POLLIN + const.POLLOUT or const.POLLIN
end

function Watch:remove(owner)
    local place, last = self.places[owner], self.count
    if not place then
        return
    end
    local moved = self.owners[last]
    self.fds[place], self.events[place], self.owners[place] = self.fds[last], self.events[last], moved
    self.places[moved] = place
    self.fds[last], self.events[last], self.owners[last], self.places[owner] = nil, nil, nil, nil
    self.count = last - 1
end

-- ready: the owners whose sockets can go on, after at most timeout seconds.
function Watch:ready(timeout)
    local found = {}
    local status, revents = backend.poll(self.fds, self.events, self.count, timeout)
    assert(status >= 0, "poll")
    for place = 1, self.count do
        if revents[place] ~= 0 then
            found[#found + 1] = self.owners[place]
        end
    end
    return found
end

-- attempt: a call of a socket that does not block. It returns true and what the call returns; false and "read" or
-- "write" if it would have to wait; nil and the error otherwise.
function common.attempt(sock, method, ...)
    local ok, result = pcall(sock[method], sock, ...)
    if ok then
        return true, result
    elseif ssl.SSLWantReadError:is(result) then
        return false, "read"
    elseif ssl.SSLWantWriteError:is(result) then
        return false, "write"
    elseif socket.error:is(result) and not ssl.SSLError:is(result) and result.errno == const.EAGAIN then
        return false, "read"
    end
    return nil, result
end

-- table: a figure a line, for the page that shows them.
function common.figures(list)
    for _, figure in ipairs(list) do
        print(("%-44s %s"):format(figure[1], tostring(figure[2])))
    end
    io.stdout:flush()
end

return common
