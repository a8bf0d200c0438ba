--- LuaSocket's objects (tcp and unix) as sockets for wrap_socket.
---
--- The wrapper takes the descriptor out of the object, which cannot be used meanwhile; unwrap() puts it back. The
--- wrapper first reads the bytes that LuaSocket has buffered. Its timeout is the smaller of the object's block and
--- total timeout, if LuaSocket (3.1) reports them. LuaSocket itself can only block: to wait in an event loop, set a
--- waiter on the wrapper.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local methods = require "cleat.adapters.methods"
local object = require "cleat.socket.object"
local probe = require "cleat.socket.probe"

local luasocket = {}

local NOTHING = -1

--- Returns whether a value is a TCP or Unix socket of LuaSocket. SSLContext:wrap_socket calls it.
---
---     print(require("cleat.adapters.luasocket").accepts(1)) --> false
---
--- Python: none.
---@param value any
---@return boolean
function luasocket.accepts(value)
    return methods.has(value, "getfd", "setfd", "dirty", "settimeout")
end

---@class cleat.adapters.luasocket.Owner
---@field sock any LuaSocket's object
local Owner = {}
Owner.__index = Owner

function Owner:restore(plain)
    C.socket_set_blocking(plain._id, 0) -- LuaSocket's descriptors are non-blocking
    self.sock:setfd(plain:detach())
    return self.sock
end

-- The wrapper closes the descriptor itself.
function Owner:close()
    self.sock:close()
end

-- read_ahead returns the bytes in the object's buffer.
local function read_ahead(sock, timeout)
    local parts = {}
    sock:settimeout(0)
    while sock:dirty() do
        local data, _, partial = sock:receive(1)
        parts[#parts + 1] = data or partial
    end
    sock:settimeout(timeout)
    return table.concat(parts)
end

-- smaller returns the smaller one of a block and a total timeout, false if there is neither. Both limit a single call,
-- and a cleat socket has one timeout only.
local function smaller(block, total)
    block, total = block and block >= 0 and block or nil, total and total >= 0 and total or nil
    return block and total and math.min(block, total) or block or total or false
end

--- Prepares a TCP or Unix socket of LuaSocket for SSLContext:wrap_socket, which calls this function itself: programs
--- call `wrap_socket(value)`.
---
--- Raises: socket.error if the socket is closed.
--- Python: none.
---@param sock any
---@return table # internal: see cleat.ssl.wrappable
function luasocket.take(sock)
    local fd = sock:getfd()
    if type(fd) ~= "number" or fd < 0 then
        errors.raise(errors.error, C.const.EBADF, "LuaSocket's object has no descriptor: it is closed, or not connected or bound yet")
    end
    probe.stream(fd)
    local block, total
    if sock.gettimeout then
        block, total = sock:gettimeout()
    end
    local ahead = read_ahead(sock, block)
    local plain = object.Socket { fileno = fd }
    sock:setfd(NOTHING)
    return { plain = plain, timeout = smaller(block, total), owner = setmetatable({ sock = sock }, Owner), ahead = ahead }
end

return luasocket
