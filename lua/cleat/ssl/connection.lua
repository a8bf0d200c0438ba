--- TLS connections: the common base of ssl.SSLSocket and ssl.SSLObject.
---
--- A connection sends and receives through its transport, a table of functions:
---   open(self, context, server_side, hostname)     makes the ABI's connection, and returns its id and guard
---   supply(self, claim, event, deadline, timeout)  waits for an event, see cleat.suspend
---   emit(self, claim, deadline)                    sends encrypted bytes; false if the deadline has passed
---   place(self)                                    returns a parking place, see cleat.socket.turns
--- The transports are cleat.ssl.transport.descriptor, .memory (two MemoryBIOs) and .stream (an event loop's handle).
---
--- _read_id and _write_id are the ids for first attempts to read and to write: the connection's id, or 0 while another
--- coroutine has the turn or the transport must act first. So the usual call checks nothing else. After a call has
--- waited, over a descriptor and with the handshake done, the connection is steady (_turns.steady): from then on the
--- two fields depend on the reader's and writer's turns only, and cleat.socket.turns sets them.

local C = require "cleat.backend"
local class = require "cleat.class"
local compat = require "cleat.compat"
local early_write = require "cleat.ssl.early_write"
local description = require "cleat.ssl.description"
local ech = require "cleat.ssl.ech"
local errors = require "cleat.errors"
local messages = require "cleat.ssl.messages"
local psk = require "cleat.ssl.psk"
local refusal = require "cleat.ssl.refusal"
local resumption = require "cleat.ssl.resumption"
local server_name = require "cleat.ssl.server_name"
local session_store = require "cleat.ssl.session_store"
local signature = require "cleat.ssl.signature"
local status = require "cleat.status"
local suspend = require "cleat.suspend"
local turns = require "cleat.socket.turns"
local verdict = require "cleat.ssl.verdict"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall
local is_free = turns.is_free
local FOREVER = waiting.FOREVER

local connection_handshake, connection_shutdown = C.connection_handshake, C.connection_shutdown
local connection_over_socket_guarded, connection_set_session = C.connection_over_socket_guarded, C.connection_set_session
local WANT_READ, WANT_WRITE, TIMEOUT, HANDLE = status.WANT_READ, status.WANT_WRITE, status.TIMEOUT, status.HANDLE
local const = C.const

---@class cleat.ssl.Connection
---@field _tls integer the id of the ABI's connection, 0 unless open
---@field _tls_guard any
---@field _read_id integer
---@field _write_id integer
---@field _transport table
---@field _origin cleat.ssl.SSLContext the initial context, whose callbacks are called
local Connection = class.new("ssl.Connection", function()
    return errors.raise(errors.TypeError, "Connection has no constructor: use SSLContext.wrap_socket() or wrap_bio()")
end)

local connection = { Connection = Connection }

local function check_callback(self)
    if self._in_callback then
        errors.raise(errors.ValueError, ("the %s callback has not returned yet"):format(self._in_callback))
    end
end

-- The coroutine in which the callback of each connection runs, see below. If it was closed or collected, the callback
-- will never return: the next coroutine calls it again.
local callers = setmetatable({}, { __mode = "kv" })
local MAIN = {} -- stands for the main coroutine: coroutine.running() returns nil there on LuaJIT

local function is_running(thread)
    return thread == MAIN or thread and coroutine.status(thread) ~= "dead"
end

-- pause returns the action for a pause (cleat.suspend). If the callback raises, the action sends the alert before the
-- error is raised by the handshake.
local function pause(answer)
    local function run(self)
        if is_running(callers[self]) then
            check_callback(self)
        end
        callers[self] = compat.running() or MAIN
        answer(self)
        callers[self] = nil
    end
    return function(self)
        local ok, err = pcall(run, self)
        if not ok then
            self._failed = true
            pcall(self._transport.emit, self)
            error(err, 0)
        end
    end
end

suspend.pauses[status.WANT_SERVER_NAME] = pause(server_name.answer)
suspend.pauses[status.WANT_SESSION] = pause(session_store.answer)
suspend.pauses[status.WANT_VERIFY] = pause(verdict.answer)
suspend.pauses[status.WANT_SIGNATURE] = pause(signature.answer)
suspend.pauses[status.WANT_PSK] = pause(psk.answer)

function Connection:_supply(claim, event, deadline, timeout)
    return self._transport.supply(self, claim, event, deadline, timeout)
end

function Connection:_place()
    return self._transport.place(self)
end

function Connection:_turns_changed()
    local id, queues = self._tls, self._turns
    if queues and queues.steady then
        self._read_id = is_free(queues.reader) and id or 0
        self._write_id = queues.steady == true and is_free(queues.writer) and id or 0
        return
    end
    local shaking = self._early or rawget(self, "_trace") or turns.busy(self, "handshake") -- no first attempts
    self._read_id = (shaking or turns.busy(self, "reader")) and 0 or id
    self._write_id = (shaking or self._transport.writes_in_turn or turns.busy(self, "writer")) and 0 or id
end

function Connection:_stalled()
    return self._in_callback ~= false
end

function Connection:_raise_busy(method)
    check_callback(self)
    return suspend.raise_busy(method)
end

-- inherit copies the callbacks of the context to a new connection: later changes of the context do not affect it.
local function inherit(self, context)
    if not context._has_inherited then
        return
    end
    if context._signers then
        self._signers = context._signers
    end
    if context._psk then
        self._psk = context._psk
    end
    if context._verifier then
        self._verifier = context._verifier
    end
    if context._session_store then
        self._session_store = context._session_store
    end
    if context._traces then
        self._trace, self._read_id, self._write_id = messages.trace(context), 0, 0
    end
end

--- open makes the ABI's connection.
function connection.open(self, hostname)
    local id, guard = errors.check(self._transport.open(self, self._context._id, self._server_side and 1 or 0, hostname or nil))
    self._tls_guard = guard
    self._tls = id
    inherit(self, self._context)
    local result = ech.offer(self)
    result = result < 0 and result or resumption.offer(self)
    if result < 0 then
        connection.discard(self)
        errors.check(result)
    end
    self:_turns_changed()
end

--- open_new does the same for a new object over the descriptor transport, on which no call has a turn yet.
function connection.open_new(self, context, server_side, hostname, session)
    local id, guard = connection_over_socket_guarded(context._id, self._id, server_side and 1 or 0, hostname or nil)
    if id < 0 then
        errors.check(id)
    end
    self._tls_guard = guard
    self._tls, self._read_id, self._write_id = id, id, id
    inherit(self, context)
    local result = session and connection_set_session(id, session._id) or 0
    if result < 0 then
        connection.discard(self)
        errors.check(result)
    end
end

--- discard ends TLS without close_notify.
function connection.discard(self)
    self._tls, self._read_id, self._write_id = 0, 0, 0
    if rawget(self, "_session") then
        self._session = false
    end
    if self._tls_guard then
        C.guard_close(self._tls_guard)
        self._tls_guard = false
    end
end

-- Kinds of calls, see cleat.suspend. They send the alert for the peer before they raise the error for a status.

-- FATAL: the classes of failures after which there is an alert, of this side or of the peer.
local FATAL = { [const.SSL] = true, [const.VERIFY] = true, [const.ALERT] = true }

local function fail(self, result, operation)
    local err = errors.from_connection(result, operation)
    if FATAL[status.class(result)] then
        self._failed = true
        err = description.add(err, self._tls)
    end
    if status.class(result) == const.VERIFY then
        err = refusal.add(err, self._tls)
    elseif err.class == errors.SSLECHRejectedError then
        err = ech.add(err, self._tls)
    end
    if result ~= TIMEOUT then
        pcall(self._transport.emit, self)
    end
    return errors.throw(err)
end

local function kind(turn, event, operation)
    local is_handshake = turn == "handshake"
    return {
        begin = messages.begin,
        stepped = function(self, result)
            return messages.stepped(self, result, is_handshake)
        end,
        turn = turn, field = "_tls", event = event, operation = operation,
        fail = function(self, result)
            return fail(self, result, operation)
        end,
        closed = function(self, method)
            return self:_raise_closed(method)
        end,
    }
end

local function handshake_kind(operation)
    return kind("handshake", WANT_READ, operation)
end

local HANDSHAKE = handshake_kind("handshake")
local READ, WRITE = kind("reader", WANT_READ, "read"), kind("writer", WANT_WRITE, "write")
READ.handshake, WRITE.handshake = handshake_kind("read"), handshake_kind("write")
connection.READ, connection.WRITE = READ, WRITE

function READ.fail(self, result)
    if result == status.EOF and self._ragged and C.connection_established(self._tls) == 1 then
        return 0, ""
    end
    return fail(self, result, "read")
end

function READ.closed(self, method)
    if self._state == "unwrapped" then -- the peer's close_notify was received
        return 0, ""
    end
    return self:_raise_closed(method)
end

-- TRY is the kind of try_recv and try_read. Instead of waiting or raising they return -1 and the event.
local TRY, WANTS = kind("reader", WANT_READ, "read"), { [WANT_WRITE] = "want_write" }
TRY.handshake, TRY.closed, TRY.timeout = handshake_kind("read"), READ.closed, 0
connection.TRY = TRY

local function fail_quietly(self, result, method)
    if result == WANT_READ or result == WANT_WRITE or result == TIMEOUT then
        self._events = result == WANT_WRITE and "w" or "r"
        return -1, WANTS[result] or "want_read"
    end
    return READ.fail(self, result, method)
end

TRY.fail, TRY.handshake.fail = fail_quietly, fail_quietly

-- close_notify is sent in the writer's turn, and received in the reader's turn.
local CLOSE_SEND, CLOSE_RECEIVE = kind("writer", WANT_WRITE, "read"), kind("reader", WANT_READ, "read")
CLOSE_SEND.stop = WANT_READ

local function emitted(self, result, ...)
    self._transport.emit(self)
    return result, ...
end

-- ensure_handshake does the handshake in its turn, if it is not done yet, and sends the argument `early_data`.
local function ensure_handshake(self, of, method, timeout, deadline, result)
    if self._early then
        suspend.run(self, of, method, timeout, deadline, result, early_write.call, self)
        self:_turns_changed()
    elseif C.connection_established(self._tls) ~= 1 then
        suspend.run(self, of, method, timeout, deadline, result, connection_handshake)
    else
        return false
    end
    return true
end

--- finish repeats a call whose first attempt would block: f(id, wait, a, b), in the turn of its kind, after the
--- handshake. deadline: nil if the timeout begins now. result: the attempt's result, nil if there was no attempt.
function connection.finish(self, of, method, deadline, result, f, a, b)
    local timeout = of.timeout or self._timeout
    if self._tls == 0 then
        self:_prepare(method)
        result = nil
    elseif result and result ~= HANDLE and not suspend.suspended(result) then
        return of.fail(self, result, method)
    end
    deadline = deadline or timeout == FOREVER and FOREVER or waiting.deadline(timeout)
    local queues = self._turns
    local steady = queues and queues.steady
    if steady == true then
        return suspend.run(self, of, method, timeout, deadline, result, f, a, b)
    elseif steady then
        return emitted(self, suspend.run(self, of, method, timeout, deadline, result, f, a, b))
    elseif ensure_handshake(self, of.handshake, method, timeout, deadline, result) then
        result = nil
    elseif queues and not rawget(self, "_trace") then
        queues.steady = self._transport.steady
    end
    return emitted(self, suspend.run(self, of, method, timeout, deadline, result, f, a, b))
end

--- handshake does the handshake, or raises. timeout: for the whole handshake. result: the result of a first attempt,
--- which was made without a limit or without waiting.
function connection.handshake(self, timeout, result)
    local own = timeout == self._timeout
    local deadline = timeout ~= 0 and waiting.deadline(timeout) or nil
    result = result or connection_handshake(self._read_id, own and self._wait or self._waiter and 0 or timeout)
    if result < 0 then
        if result ~= HANDLE and not suspend.suspended(result) then
            return HANDSHAKE.fail(self, result)
        end
        ensure_handshake(self, HANDSHAKE, "do_handshake", timeout, deadline, result)
    end
    if not self._transport.emit(self, nil, deadline) then
        HANDSHAKE.fail(self, TIMEOUT)
    end
end

-- await_reader waits, in the writer's turn, until a suspended reader has read the bytes that have arrived. The reader
-- may wait again afterwards and keep its turn, for example if the bytes were a session ticket.
local function await_reader(claim, how, self, deadline)
    if how ~= "first" and how ~= "waited" then
        return CLOSE_SEND.fail(self, how == "late" and TIMEOUT or WANT_READ)
    end
    while self._tls ~= 0 and turns.waits(claim, "read") and self._transport.readable(self) and waiting.remaining(deadline) > 0 do
        turns.join(claim, waiting.remaining_or_nil(deadline))
    end
end

--- close_notify sends close_notify, and waits for the peer's.
function connection.close_notify(self)
    local timeout = self._timeout
    local deadline = waiting.deadline(timeout)
    local result = HANDLE
    if self._early and C.connection_established(self._tls) == 1 then
        ensure_handshake(self, HANDSHAKE, "unwrap", timeout, deadline)
    end
    if turns.busy(self, "reader") then
        if self._transport.readable(self) then
            -- These bytes will wake a suspended reader. If they were read here, it would continue to wait.
            turns.run(self, "writer", deadline, await_reader, self, deadline)
        end
    else
        result = connection_shutdown(self._write_id, self._wait)
    end
    if result ~= 0 then
        result = suspend.run(self, CLOSE_SEND, "unwrap", timeout, deadline, result, connection_shutdown)
        self._transport.emit(self, nil, deadline)
    end
    if result ~= 0 then
        suspend.run(self, CLOSE_RECEIVE, "unwrap", timeout, deadline, result, connection_shutdown)
    end
    self._transport.emit(self, nil, deadline)
end

local getters, setters = {}, {}

function getters:context()
    return self._context
end

-- As in Python, setting the context after the handshake changes the attribute only.
function setters:context(value)
    if getmetatable(value) ~= getmetatable(self._context) then
        errors.raise(errors.TypeError, "The value must be a SSLContext, not " .. class.name_of(value))
    end
    if self._tls ~= 0 then
        if C.connection_established(self._tls) ~= 1 then
            errors.check(C.connection_set_context(self._tls, value._id))
            self._signers = value._signers or nil
            self._psk = value._psk or nil
            verdict.switch(self, value)
            self._session = false -- it belongs to the other context
            if self._in_callback ~= "servername" then -- before the handshake: use the new context's, if the first one has none
                self._session_store = value._session_store or self._session_store
                if not self._origin._servername_callback then
                    rawset(self, "_origin", value)
                end
            end
        end
        rawset(self, "_origin", self._origin)
    end
    self._context = value
end

function getters:server_side()
    return self._server_side
end

function getters:server_hostname()
    return self._server_hostname or nil
end

function getters:_origin()
    return self._context
end

getters.early_data = early_write.state
getters.alert_sent, getters.alert_received = description.getters.alert_sent, description.getters.alert_received
getters.ech_accepted, getters.ech_public_name = ech.getters.ech_accepted, ech.getters.ech_public_name

for name, get in pairs(resumption.getters) do
    getters[name], setters[name] = get, resumption.setters[name]
end

connection.getters, connection.setters = getters, setters

--- Defaults of the fields that most connections do not store.
connection.defaults = {
    _server_side = false,
    _server_hostname = false,
    _in_callback = false, -- "servername", "session store", "verify", "sign" or "psk" while that callback runs
    _psk = false, -- the context's, see cleat.ssl.psk
    _signers = false, -- the context's, see cleat.ssl.signature
    _verifier = false, -- the context's, see cleat.ssl.verdict
    _other_verifier = false, -- the verifier of the context that a server has switched to
    _session_store = false, -- the context's, see cleat.ssl.session_store
    _trace = false, -- recorded messages, see cleat.ssl.messages
    _session = false, -- the session that the program has set
    _ech_configs = false, -- the argument ech_configs
    _early = false, -- early data that is not sent yet, see cleat.ssl.early_write
    _early_at = false,
    _early_answered = false,
    _failed = false, -- whether TLS has failed: the alert must reach the peer
    _turns = false,
    _ragged = false,
}

return connection
