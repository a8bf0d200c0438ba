--- The socket class socket.socket, and the base class of ssl.SSLSocket. recv, recv_into, send and sendall allocate no
--- tables or closures.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local address = require "cleat.socket.address"
local calls = require "cleat.socket.calls"
local class = require "cleat.class"
local check = require "cleat.check"
local errors = require "cleat.errors"
local file = require "cleat.socket.file"
local keywords = require "cleat.keywords"
local place = require "cleat.socket.place"
local resolution = require "cleat.socket.resolution"
local status = require "cleat.status"
local suspend = require "cleat.suspend"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall
local rawget = rawget

local select = select -- see keywords.lua
local const = C.const
local INET, STREAM = const.AF_INET, const.SOCK_STREAM
local socket_recv, socket_recv_into = C.socket_recv, C.socket_recv_into
local socket_send, socket_send_from = C.socket_send, C.socket_send_from
local complete, expect, fail, finish, first = calls.complete, calls.expect, calls.fail, calls.finish, calls.first
local READ, WRITE = calls.READ, calls.WRITE
local FOREVER = waiting.FOREVER
local HANDLE = status.HANDLE
local INT_MAX = check.INT_MAX
local busy = turns.busy

local object = {}

--- The default timeout, which new sockets have, in seconds; nil for no limit.
---@type number?
object.default_timeout = nil

--- A socket, made by socket.socket, socket.create_connection, socket.socketpair and Socket:accept.
---
---     local sock = socket.create_connection({ "127.0.0.1", port })
---     print(sock.family == socket.AF_INET, sock.timeout) --> true	nil
---     sock:close()
---
--- Several coroutines may use one socket at the same time. Calls that read run one after the other, and so do calls
--- that write.
---
--- Python: 1.4; section 17.2.1. `family`, `type`, `proto` 2.5.
---@class cleat.Socket
---@field family integer `AF_*`; read-only, like the next three
---@field type integer `SOCK_*`
---@field proto integer `IPPROTO_*`
---@field timeout number? in seconds, as gettimeout() returns it
---@field _id integer the ABI's id, 0 once closed
---@field _guard any closes the id when it is collected
---@field _timeout number the timeout that the user set, waiting.FOREVER for nil
---@field _wait number the same for the ABI: 0 if there is a waiter
---@overload fun(family?: integer, type?: integer, proto?: integer, fileno?: integer): cleat.Socket
local Socket

--- Defaults of the fields that most sockets do not store.
object.defaults = {
    _borrowed = false, -- whether a wrapper owns the id, and closes it: see Socket:_borrow
    _foreign = false, -- whether the program has another descriptor of the connection: cleat must not shut it down
    _shared = false, -- what the socket and its files share: cleat.socket.Shared
    _turns = false, -- the queues of waiting calls: cleat.socket.turns
    _waiter = false, -- a function that waits; false: the core waits
    _events = "r", -- the event that the last suspended call needs
}

local function adopt(id, guard, family, kind, proto)
    return setmetatable({ _id = id, _guard = guard, _family = family, _type = kind, _proto = proto, _timeout = FOREVER,
        _wait = FOREVER }, Socket.instance)
end

-- open returns a socket for a new id and its guard, with the default timeout and waiter.
local function open(id, guard, family, kind, proto)
    local self = adopt(id, guard, family, kind, proto)
    if waiting.default then
        self:setwaiter(waiting.default)
    end
    if object.default_timeout then
        self:settimeout(object.default_timeout)
    end
    return self
end

object.adopt, object.open = adopt, open

local parse_socket = keywords.parser("socket", { "family", "type", "proto", "fileno" })

--- Creates a socket. With `fileno` it takes ownership of an existing descriptor: close() closes the descriptor, and the
--- other three arguments are ignored, because the kernel reports the descriptor's family, type and protocol.
---
---     local sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
---     print(sock.family == socket.AF_INET) --> true
---     sock:close()
---
--- Raises: socket.error; TypeError.
--- Python: 1.4; `fileno` 3.
---@param family integer? `AF_*`; `AF_INET` by default
---@param type integer? `SOCK_*`; `SOCK_STREAM` by default
---@param proto integer? 0 by default
---@param fileno integer? a descriptor of a socket
---@return cleat.Socket
Socket = class.new("socket.socket", function(_, family, type, proto, fileno, ...)
    if family == nil and type == nil and proto == nil and fileno == nil and select("#", ...) == 0 then
        local id, guard = errors.check(C.socket_new_guarded(INET, STREAM, 0))
        return open(id, guard, INET, STREAM, 0)
    end
    local kind
    family, kind, proto, fileno = parse_socket(family, type, proto, fileno, ...)
    local id, guard
    if fileno ~= nil then
        id, guard = errors.check(C.socket_from_fd_guarded(check.integer("socket", "fileno", fileno, 0)))
        family, kind, proto = C.socket_family(id), C.socket_type(id), C.socket_protocol(id)
    else
        family = check.optional_integer("socket", "family", family, const.AF_INET)
        kind = check.optional_integer("socket", "type", kind, const.SOCK_STREAM)
        proto = check.optional_integer("socket", "proto", proto, 0)
        id, guard = errors.check(C.socket_new_guarded(family, kind, proto))
    end
    return open(id, guard, family, kind, proto)
end)
object.Socket = Socket

--- Accepts a connection on a listening socket, and waits for one if there is none.
---
---     local listener = socket.socket()
---     listener:bind { "127.0.0.1", 0 }
---     listener:listen()
---     local client = socket.create_connection(listener:getsockname())
---     local connection, address = listener:accept()
---     print(address[1], connection:getpeername()[2] == client:getsockname()[2]) --> 127.0.0.1	true
---
--- Raises: socket.error, with EAGAIN from a non-blocking socket; socket.timeout.
--- Python: 1.4.
---@return cleat.Socket connection the new socket, with the default timeout and this socket's waiter
---@return string|[string, integer]|[string, integer, integer, integer] address the peer's
function Socket:accept()
    local id, guard = complete(self, READ, "accept", C.socket_accept_guarded)
    local family, waiter = self._family, self._waiter
    local connection = open(id, guard, family, self._type, self._proto)
    if waiter ~= waiting.default then
        connection:setwaiter(waiter or nil)
    end
    local length, host, port, flowinfo, scope = C.socket_getpeername(id)
    if length < 0 then -- the peer has disconnected already: the first recv reports it
        host, port, flowinfo, scope = "", 0, 0, 0
    end
    return connection, address.unpack(family, host, port, flowinfo, scope)
end

--- Binds the socket to a local address.
---
---     local sock = socket.socket()
---     sock:bind { "127.0.0.1", 0 } -- 0: any free port
---     print(sock:getsockname()[1]) --> 127.0.0.1
---
--- Raises: socket.error, for example with EADDRINUSE; TypeError, ValueError for a malformed address.
--- Python: 1.4.
---@param to string|[string, integer]|[string, integer, integer, integer] {host, port} for IPv4, {host, port, flowinfo,
--- scopeid} for IPv6, where the last two default to 0, or a path for AF_UNIX
function Socket:bind(to)
    local host, port = address.pack("bind", self._family, to) -- the system ignores flow information here
    expect("bind", C.socket_bind(self._id, host, port))
end

-- The kind of the call connect, see cleat.suspend. It returns a status instead of raising.
local CONNECT = {
    turn = "writer", field = "_id", event = status.WANT_WRITE,
    fail = function(_, result)
        return result
    end,
    closed = function()
        return HANDLE
    end,
}

local function connect_call(id, wait, host, port, flowinfo)
    return C.socket_connect_flow(id, host, port, flowinfo, wait)
end

-- connect_by_waiter resolves the host's name and connects; the waiter waits for both.
local function connect_by_waiter(claim, how, self, method, timeout, deadline, host, port, flowinfo)
    if self._family ~= const.AF_UNIX and (how == "first" or how == "waited") then
        host = resolution.numeric(host, self._family, function(name)
            return suspend.wait(self, claim, name, "read", deadline)
        end)
        if claim.closed then
            return HANDLE
        end
    end
    return suspend.repeat_call(claim, how, self, CONNECT, method, timeout, deadline, nil, connect_call, host, port,
        flowinfo)
end

-- connect returns a status.
local function connect(self, method, to)
    local host, port, flowinfo = address.pack(method, self._family, to)
    local timeout = self._timeout
    if self._id == 0 or timeout == 0 or not rawget(self, "_waiter") then
        return C.socket_connect_flow(self._id, host, port, flowinfo, self._wait)
    end
    local deadline = waiting.deadline(timeout)
    return turns.run(self, "writer", deadline, connect_by_waiter, self, method, timeout, deadline, host, port,
        flowinfo)
end

--- Connects to an address. For a host name it tries the first address only; socket.create_connection tries all of them.
---
---     local sock = socket.socket()
---     sock:connect { "localhost", port }
---     sock:close()
---
--- Raises: socket.error, for example with ECONNREFUSED, and with EINPROGRESS from a non-blocking socket;
--- socket.gaierror if the host is unknown; socket.timeout; TypeError and ValueError for a malformed address.
--- Python: 1.4.
---@param to string|[string, integer]|[string, integer, integer, integer] {host, port} for IPv4, {host, port, flowinfo,
--- scopeid} for IPv6, where the last two default to 0, or a path for AF_UNIX
function Socket:connect(to)
    expect("connect", connect(self, "connect", to))
end

-- errno_of returns the result of connect_ex for an error that was raised while it waited.
local function errno_of(err)
    if errors.timeout:is(err) then
        return const.EAGAIN
    elseif errors.error:is(err) and not errors.gaierror:is(err) and err.errno then
        return err.errno
    end
    return error(err, 0)
end

--- Connects as connect does, but returns the error number instead of raising socket.error.
---
---     local sock = socket.socket()
---     print(sock:connect_ex { "127.0.0.1", port }) --> 0
---     sock:close()
---
--- Raises: socket.gaierror if the host is unknown; TypeError and ValueError for a malformed address.
--- Python: 1.4.
---@param to string|[string, integer]|[string, integer, integer, integer] see connect
---@return integer # 0 for success, or an error number of cleat.errno: EINPROGRESS from a non-blocking socket, EAGAIN
--- after a timeout
function Socket:connect_ex(to)
    local ok, result = pcall(connect, self, "connect_ex", to)
    if not ok then
        return errno_of(result)
    elseif result >= 0 then
        return 0
    elseif result == status.WANT_WRITE or result == status.WANT_READ then
        return const.EINPROGRESS
    elseif result == status.TIMEOUT then
        return const.EAGAIN
    elseif result == status.HANDLE or result == status.CLOSED then
        return const.EBADF
    elseif status.class(result) == const.SYS then
        return status.value(result)
    end
    return fail(result, "connect")
end

--- Makes the socket listen, so that accept() can return connections.
---
---     local listener = socket.socket()
---     listener:bind { "127.0.0.1", 0 }
---     listener:listen(5)
---
--- Raises: socket.error; TypeError.
--- Python: 1.4.
---@param backlog integer? how many connections the kernel queues until accept() is called; 128 by default
function Socket:listen(backlog)
    backlog = check.optional_integer("listen", "backlog", backlog, 128)
    expect("listen", C.socket_listen(self._id, math.max(0, backlog)))
end

-- recv_nothing handles invalid sizes, and reads of 0 bytes, which must not wait.
local function recv_nothing(self, method, size)
    check.integer(method, "bufsize", size)
    if size < 0 then
        errors.raise(errors.ValueError, "negative buffersize in " .. method)
    end
    expect(method, C.socket_fileno(self._id))
end

local function recv_call(id, wait, size, flags)
    return socket_recv(id, size, flags, wait)
end

local function recv_into_call(id, wait, contents, size, flags)
    return socket_recv_into(id, contents, 0, size, flags, wait)
end

local function send_call(id, wait, data, flags)
    return socket_send_from(id, data, 0, flags, wait)
end

local function second(_, data)
    return data
end

-- sendall_call sends the rest of the data. work is {data, length, number of bytes sent}.
local function sendall_call(id, wait, work, flags)
    local result = socket_send_from(id, work[1], work[3], flags, wait)
    if result < 0 then
        return result
    end
    work[3] = work[3] + result
    return work[3] >= work[2] and work[3] or nil
end

--- Receives at least one byte, and waits until there is one. Arguments cannot be given by name.
---
---     local one, two = socket.socketpair()
---     one:sendall("hello")
---     print(two:recv(1024)) --> hello
---
--- Raises: socket.error, with EAGAIN from a non-blocking socket that has received nothing; socket.timeout; ValueError
--- if `bufsize` is negative; TypeError.
--- Python: 1.4.
---@param bufsize integer the maximum number of bytes
---@param flags integer? `MSG_*`; 0 by default
---@return string # "" once the peer has shut down its sending direction
function Socket:recv(bufsize, flags)
    flags = flags == nil and 0 or check.integer("recv", "flags", flags)
    if type(bufsize) ~= "number" or bufsize % 1 ~= 0 or bufsize <= 0 or bufsize > INT_MAX then
        recv_nothing(self, "recv", bufsize)
        return ""
    end
    local result, data = first(self, READ, recv_call, bufsize, flags)
    if result >= 0 then
        return data
    end
    return second(finish(self, READ, "recv", result, recv_call, bufsize, flags))
end

--- Receives bytes that have arrived already, and never waits, whatever the timeout and the waiter are. If there are
--- none it returns nil, where recv of a non-blocking socket raises EAGAIN: loops that poll many sockets save the cost
--- of raising and catching an error. Other errors are raised.
---
---     local one, two = socket.socketpair()
---     print(two:try_recv(1024)) --> nil	want_read
---     one:sendall("hello")
---     print(two:try_recv(1024)) --> hello
---
--- Raises: as recv, but neither EAGAIN nor socket.timeout.
--- Python: none.
---@param bufsize integer the maximum number of bytes
---@return string? # "" once the peer has shut down its sending direction; nil if nothing has arrived yet
---@return "want_read"|nil # after nil: what to wait for
function Socket:try_recv(bufsize)
    if type(bufsize) ~= "number" or bufsize % 1 ~= 0 or bufsize <= 0 or bufsize > INT_MAX then
        recv_nothing(self, "try_recv", bufsize)
        return ""
    end
    local result, data = status.WANT_READ, nil
    if not busy(self, "reader") then
        result, data = socket_recv(self._id, bufsize, 0, 0)
    end
    if result >= 0 then
        return data
    elseif result == status.WANT_READ then
        self._events = "r"
        return nil, "want_read"
    end
    return fail(result, "try_recv")
end

--- Receives at least one byte into a buffer, from its start.
---
---     local one, two = socket.socketpair()
---     local buffer = socket.buffer(16)
---     one:sendall("hello")
---     print(two:recv_into(buffer), buffer:sub(1, 5)) --> 5	hello
---
--- Raises: as recv; ValueError if `nbytes` is negative or more than the buffer's size.
--- Python: 2.5.
---@param buffer cleat.Buffer
---@param nbytes integer? the maximum number of bytes; nil and 0 for the buffer's size
---@param flags integer? `MSG_*`; 0 by default
---@return integer # the number of bytes received; 0 once the peer has shut down its sending direction
function Socket:recv_into(buffer, nbytes, flags)
    flags = flags == nil and 0 or check.integer("recv_into", "flags", flags)
    local contents, size = calls.into("recv_into", buffer, nbytes)
    if size == 0 then
        recv_nothing(self, "recv_into", 0)
        return 0
    end
    local result = first(self, READ, recv_into_call, contents, size, flags)
    if result >= 0 then
        return result
    end
    return (finish(self, READ, "recv_into", result, recv_into_call, contents, size, flags))
end

--- Sends bytes, possibly not all of them: the kernel's buffer may have room for a part only. sendall sends all.
---
---     local one, two = socket.socketpair()
---     print(one:send("hello")) --> 5
---
--- Raises: socket.error, with EAGAIN from a non-blocking socket, and with EPIPE if the peer has closed the connection;
--- socket.timeout; TypeError.
--- Python: 1.4.
---@param data string|cleat.Buffer
---@param flags integer? `MSG_*`; 0 by default
---@return integer # the number of bytes that were sent
function Socket:send(data, flags)
    flags = flags == nil and 0 or check.integer("send", "flags", flags)
    local wait, result, bytes = self._wait, HANDLE, data
    if type(data) ~= "string" then
        bytes = calls.source("send", data)
    end
    if wait ~= 0 or not busy(self, "writer") then
        if bytes == data then
            result = socket_send(self._id, data, flags, wait)
        else
            result = socket_send_from(self._id, bytes, 0, flags, wait)
        end
    end
    if result >= 0 then
        return result
    end
    return (finish(self, WRITE, "send", result, send_call, bytes, flags))
end

--- Sends all bytes, and returns nothing. The timeout applies to the whole call. After an error it is unknown how many
--- bytes were sent.
---
---     local one, two = socket.socketpair()
---     one:sendall("hello")
---     print(two:recv(5)) --> hello
---
--- Raises: as send.
--- Python: 1.5.
---@param data string|cleat.Buffer
---@param flags integer? `MSG_*`; 0 by default
function Socket:sendall(data, flags)
    local bytes, length = calls.source("sendall", data)
    flags = flags == nil and 0 or check.integer("sendall", "flags", flags)
    local timeout = self._timeout
    local deadline = timeout ~= FOREVER and timeout ~= 0 and waiting.deadline(timeout) or nil
    local result = first(self, WRITE, send_call, bytes, flags)
    if result < length then
        local work = { bytes, length, math.max(0, result) }
        calls.finish_by(self, WRITE, "sendall", deadline, result < 0 and result or nil, sendall_call, work, flags)
    end
end

--- Sets how long each call may wait. nil waits without a limit; 0 makes the socket non-blocking, so that its calls
--- raise socket.error with EAGAIN instead of waiting.
---
---     local one, two = socket.socketpair()
---     one:settimeout(0.01)
---     print(pcall(one.recv, one, 1)) --> false	timed out
---
--- Raises: ValueError for negative numbers and NaN; TypeError.
--- Python: 2.3.
---@param timeout number? in seconds; nil, and numbers of 1e9 and more, for no limit
function Socket:settimeout(timeout)
    timeout = check.timeout("settimeout", timeout)
    self:_check_open()
    timeout = waiting.internal(timeout)
    -- O_NONBLOCK is set for other users of the descriptor: cleat's calls do not depend on it.
    if not self._foreign and (timeout == FOREVER) ~= (self._timeout == FOREVER) then
        expect("settimeout", C.socket_set_blocking(self._id, timeout == FOREVER and 1 or 0))
    end
    self._timeout = timeout
    self._wait = self._waiter and 0 or timeout
end

--- Sets the function that waits in place of the core: `waiter(sock, event, timeout)`. A call that would block calls it
--- with "read" or "write" and the remaining seconds (nil without a limit). The waiter returns true once the socket may
--- be ready, and false after the timeout. It may yield, so that an event loop runs other coroutines meanwhile. A
--- non-blocking socket (timeout 0) never calls it. The adapters have waiters for event loops: see docs/adapters.md.
---
---     local one, two = socket.socketpair()
---     one:setwaiter(function(sock, event, timeout)
---         print(event, timeout) --> read	nil
---         two:sendall("x")
---         return true
---     end)
---     print(one:recv(1)) --> x
---
--- Raises: TypeError if the waiter is not callable.
--- Python: none.
---@param waiter (fun(sock: cleat.Socket, event: "read"|"write", timeout: number?): boolean)? nil for none: calls block
--- the thread
function Socket:setwaiter(waiter)
    waiter = waiting.check("setwaiter", waiter)
    if waiter ~= self._waiter then
        self._waiter = waiter
        self._wait = waiter and 0 or self._timeout
    end
end

--- Returns the socket's waiter; nil if it has none.
---
---     local one, two = socket.socketpair()
---     one:setwaiter(function() return false end)
---     two:setwaiter(one:getwaiter()) -- both wait in the same way
---     print(pcall(two.recv, two, 1)) --> false	timed out
---
--- Python: none.
---@return (fun(sock: cleat.Socket, event: "read"|"write", timeout: number?): boolean)?
function Socket:getwaiter()
    return self._waiter or nil
end

--- Returns the descriptor, as fileno() does. cqueues calls this method, events() and the field `timeout` of objects
--- that it polls.
---
---     local sock = socket.socket()
---     print(sock:pollfd() == sock:fileno()) --> true
---
--- Raises: socket.error with EBADF if the socket is closed.
--- Python: none.
---@return integer
function Socket:pollfd()
    return self:fileno()
end

--- Returns the event to wait for after a call has raised SSLWantReadError, SSLWantWriteError or EAGAIN.
---
---     local one, two = socket.socketpair()
---     one:setblocking(false)
---     pcall(one.recv, one, 1)
---     print(one:events()) --> r
---
--- Python: none.
---@return "r"|"w" # "r": wait until the socket is readable; "w": until it is writable
function Socket:events()
    return self._events
end

--- Returns the timeout that settimeout has set, or the default timeout at the socket's creation.
---
---     local sock = socket.socket()
---     sock:settimeout(2.5)
---     print(sock:gettimeout()) --> 2.5
---
--- Python: 2.3.
---@return number? # in seconds; nil for no limit
function Socket:gettimeout()
    local timeout = self._timeout
    return timeout ~= FOREVER and timeout or nil
end

--- Returns false if the socket is non-blocking (timeout 0), otherwise true.
---
---     local sock = socket.socket()
---     sock:settimeout(0)
---     print(sock:getblocking()) --> false
---
--- Python: 3.7.
---@return boolean
function Socket:getblocking()
    return self._timeout ~= 0
end

--- Sets the timeout to nil for true, and to 0 for false.
---
---     local sock = socket.socket()
---     sock:setblocking(false)
---     print(sock:gettimeout()) --> 0
---
--- Raises: TypeError if `flag` is not a boolean.
--- Python: 1.4.
---@param flag boolean
function Socket:setblocking(flag)
    if type(flag) ~= "boolean" then
        check.fail("setblocking", "flag", "a boolean", flag)
    end
    if flag then
        self:settimeout(nil)
    else
        self:settimeout(0)
    end
end

--- Shuts down one or both directions of the connection. The descriptor stays open until close().
---
---     local one, two = socket.socketpair()
---     one:shutdown(socket.SHUT_WR)
---     print(two:recv(1) == "") --> true
---
--- Raises: socket.error, with ENOTCONN if the socket is not connected; ValueError for other numbers.
--- Python: 1.4.
---@param how integer `SHUT_*`
function Socket:shutdown(how)
    check.integer("shutdown", "how", how, const.SHUT_RD, const.SHUT_RDWR)
    expect("shutdown", C.socket_shutdown(self._id, how))
end

--- shut_down returns a function for turns.close. It ends the wait of a waiter that has no wake(), by a shutdown: the
--- descriptor becomes readable and writable.
function object.shut_down(id)
    return function()
        C.socket_shutdown(id, const.SHUT_RDWR)
    end
end

--- Closes the socket. Closing it again has no effect. Other methods raise socket.error with EBADF from then on, and so
--- do calls of other coroutines that are waiting. Files of makefile() keep the descriptor open until they are closed.
---
---     local sock = socket.socket()
---     sock:close()
---     print(pcall(sock.fileno, sock)) --> false	[Errno 9] Bad file descriptor
---
--- Python: 1.4.
function Socket:close()
    local id, guard = self._id, self._guard
    if id == 0 then
        return
    end
    if file.inherit(self, "_guard") or self._borrowed then
        guard = false
    end
    self._id, self._guard = 0, false
    turns.close(self, guard, guard and rawget(self, "_turns") and object.shut_down(id))
end

--- Returns a buffered file that reads from the socket, writes to it, or both.
---
---     local one, two = socket.socketpair()
---     one:sendall("first\nsecond\n")
---     print(two:makefile("r"):readline() == "first\n") --> true
---
--- Raises: ValueError for other modes; socket.error with EBADF if the socket is closed; NotImplementedError for
--- encodings other than "utf-8", for other newlines, and for `errors` with a text file; TypeError.
--- Python: 1.4; `encoding`, `errors`, `newline` and `buffering` 3.0.
---@param mode string? "r", the default, to read, "w" to write, or "rw" for both; "b" may be added
---@param bufsize integer? the size of the write buffer and of reads, in bytes: 8192 by default; 0 for unbuffered, 1 to
--- send at each newline
---@param encoding string? "utf-8" or nil. This and the next three are given by name. Strings are bytes, and are not
--- checked
---@param errors string? nil: there is nothing to decode
---@param newline string? "\n" or nil; also "" for a file that only writes
---@param buffering integer? Python 3's name of `bufsize`; 0 needs a "b" in the mode
---@return cleat.File
function Socket:makefile(mode, bufsize, encoding, errors, newline, buffering, ...) -- luacheck: ignore 431
    return file.open(self, mode, bufsize, encoding, errors, newline, buffering, ...)
end

--- Returns another socket over a duplicate of the descriptor. Both use the same connection, with the same socket
--- options and O_NONBLOCK. The duplicate has this socket's timeout and waiter, and must be closed separately.
---
---     local one, two = socket.socketpair()
---     local copy = one:dup()
---     one:close()
---     copy:sendall("hello")
---     print(two:recv(5)) --> hello
---
--- Raises: socket.error, with EBADF if the socket is closed, and with EMFILE if the process has too many descriptors.
--- Python: 1.4.
---@return cleat.Socket
function Socket:dup()
    local id, guard = expect("dup", C.socket_duplicate_guarded(self:fileno()))
    local copy = adopt(id, guard, self._family, self._type, self._proto)
    copy:setwaiter(self._waiter or nil)
    copy:settimeout(self:gettimeout())
    return copy
end

--- Closes the socket object, but not its descriptor: the caller owns it, and must close it.
---
---     local sock = socket.socket()
---     local fd = sock:detach()
---     local again = socket.socket { fileno = fd }
---     print(again.type == socket.SOCK_STREAM) --> true
---
--- Raises: socket.error with EBADF if the socket is closed.
--- Python: 3.2.
---@return integer # the descriptor
function Socket:detach()
    local fd = expect("detach", C.socket_detach(self._id))
    C.guard_release(self._guard)
    self._id = 0
    self._guard = false
    turns.close(self, false)
    return fd
end

-- _borrow gives the ownership of the id to a wrapper. It raises ValueError if the socket has a wrapper already.
function Socket:_borrow()
    if self._borrowed then
        errors.raise(errors.ValueError, "the socket is wrapped already: unwrap() returns it")
    end
    self._borrowed = true
end

-- _restore returns the ownership, with the timeout and waiter that the wrapper has now.
function Socket:_restore(from)
    self._borrowed, self._timeout = false, from._timeout
    self:setwaiter(from._waiter or nil)
    self._wait = from._wait
end

-- The methods that cleat.suspend and cleat.socket.turns call.

Socket._supply = suspend.ready

function Socket:_place()
    if self._waiter and self._timeout ~= 0 then
        return place.new(self._waiter)
    end
end

function Socket:_turns_changed() end

-- _yields returns whether other coroutines may run while a call waits.
function Socket:_yields()
    return self._waiter ~= false
end

-- _stalled returns whether it is useless to repeat a call that cannot get its turn, until the program has acted.
function Socket:_stalled()
    return false
end

function Socket:_raise_busy(method) -- luacheck: ignore 212
    return suspend.raise_busy(method)
end

-- _raise_status raises the error for a status.
function Socket:_raise_status(result, operation)
    self._events = result == status.WANT_WRITE and "w" or "r"
    return fail(result, operation)
end

-- _check_open raises if the socket is closed.
function Socket:_check_open()
    expect("fileno", C.socket_fileno(self._id))
end

--- Returns the socket's descriptor.
---
---     local sock = socket.socket()
---     print(socket.fromfd(sock:fileno()).type == socket.SOCK_STREAM) --> true
---
--- Raises: socket.error with EBADF if the socket is closed.
--- Python: 1.4.
---@return integer
function Socket:fileno()
    return expect("fileno", C.socket_fileno(self._id))
end

local function address_of(self, method, f)
    local _, host, port, flowinfo, scope = expect(method, f(self._id))
    return address.unpack(self._family, host, port, flowinfo, scope)
end

--- Returns the local address of the socket.
---
---     local sock = socket.socket()
---     sock:bind { "127.0.0.1", 0 }
---     print(sock:getsockname()[1]) --> 127.0.0.1
---
--- Raises: socket.error.
--- Python: 1.4.
---@return string|[string, integer]|[string, integer, integer, integer] # {host, port} for IPv4, {host, port, flowinfo,
--- scopeid} for IPv6, a path for AF_UNIX
function Socket:getsockname()
    return address_of(self, "getsockname", C.socket_getsockname)
end

--- Returns the address of the peer.
---
---     local sock = socket.create_connection({ "127.0.0.1", port })
---     print(sock:getpeername()[2] == port) --> true
---     sock:close()
---
--- Raises: socket.error, with ENOTCONN if the socket is not connected.
--- Python: 1.4.
---@return string|[string, integer]|[string, integer, integer, integer] # {host, port} for IPv4, {host, port, flowinfo,
--- scopeid} for IPv6, a path for AF_UNIX
function Socket:getpeername()
    return address_of(self, "getpeername", C.socket_getpeername)
end

--- Returns the value of a socket option.
---
---     local sock = socket.socket()
---     print(sock:getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM) --> true
---
--- Raises: socket.error, with ENOPROTOOPT for unknown options; TypeError, ValueError.
--- Python: 1.4.
---@param level integer `SOL_*`, `IPPROTO_*`
---@param option integer `SO_*`, `TCP_*`, `IPV6_*`
---@param buflen integer? nil and 0 return an integer; 1 to 1024 return a string of at most this many bytes
---@return integer|string
function Socket:getsockopt(level, option, buflen)
    check.integer("getsockopt", "level", level)
    check.integer("getsockopt", "option", option)
    buflen = check.optional_integer("getsockopt", "buflen", buflen, 0, 0, 1024)
    local f = buflen == 0 and C.socket_getsockopt or C.socket_getsockopt_bytes
    local _, value = expect("getsockopt", f(self._id, level, option, buflen ~= 0 and buflen or nil))
    return value
end

--- Sets a socket option.
---
---     local sock = socket.socket()
---     sock:setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
---
--- Raises: socket.error, with ENOPROTOOPT for unknown options; TypeError, ValueError.
--- Python: 1.4.
---@param level integer `SOL_*`, `IPPROTO_*`
---@param option integer `SO_*`, `TCP_*`, `IPV6_*`
---@param value integer|string an integer, or the bytes of a structure
function Socket:setsockopt(level, option, value)
    check.integer("setsockopt", "level", level)
    check.integer("setsockopt", "option", option)
    local f = C.socket_setsockopt_bytes
    if type(value) ~= "string" then
        value = check.integer("setsockopt", "value", value)
        f = C.socket_setsockopt
    end
    expect("setsockopt", f(self._id, level, option, value))
end

local function name_of(prefix, value)
    for name, number in pairs(const) do
        if number == value and name:sub(1, #prefix) == prefix then
            return name
        end
    end
    return tostring(value)
end

class.properties(Socket, {
    family = function(self)
        return self._family
    end,
    type = function(self)
        return self._type
    end,
    proto = function(self)
        return self._proto
    end,
    timeout = Socket.gettimeout,
}, {}, object.defaults)

--- "<socket.socket fd=3, family=AF_INET, type=SOCK_STREAM, proto=0, laddr={"127.0.0.1", 4433}>"
function Socket.instance:__tostring()
    local fd = C.socket_fileno(self._id)
    local parts = { ("<%s%s fd=%d"):format(class.name_of(self), fd < 0 and " [closed]" or "", math.max(-1, fd)),
        "family=" .. name_of("AF_", self._family), "type=" .. name_of("SOCK_", self._type), "proto=" .. self._proto }
    for _, side in ipairs { { "laddr", C.socket_getsockname }, { "raddr", C.socket_getpeername } } do
        local result, host, port = side[2](self._id)
        if result >= 0 then
            parts[#parts + 1] = (self._family == const.AF_UNIX and "%s=%q" or "%s={%q, %d}"):format(side[1], host, port)
        end
    end
    return table.concat(parts, ", ") .. ">"
end

function Socket.instance:__close()
    self:close()
end

return object
