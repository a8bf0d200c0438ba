--- The transport over a stream: an object of an event loop that has no usable descriptor, but whose receive and send
--- wait in that loop (nginx's cosockets, luv's handles). TLS is done in memory.
---
--- A stream is a table with these fields and methods:
---   connected()                  returns whether it is connected
---   connect(to, timeout)         to: an address, see Socket:connect
---   receive(timeout)             returns the next bytes; "" at the end; nil after a timeout. Later bytes are then
---                                returned by the next call
---   send(bytes, timeout)         returns true once these and all earlier bytes were sent; nil after a timeout. It
---                                keeps the bytes: send("", timeout) continues, or raises ECONNABORTED if that fails
---   try_send(bytes)              optional: the same without waiting: nil if not all bytes were sent yet
---   place()                      returns a parking place, see cleat.socket.place
---   close()                      also ends the calls of other coroutines
---   shutdown_write(), drain()    optional: shut down the sending direction; discard received bytes. Neither waits
---   release()                    optional: called before unwrap() returns the loop's object, to stop receiving
---   fileno(), getpeername(), getsockname()   if the loop supports them
---   value                        the loop's object, which unwrap() returns
--- timeout is in seconds and above 0, or nil for no limit: then the loop's own timeouts apply. An error of the loop is
--- raised as socket.error with its message.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local status = require "cleat.status"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall

local WANT_WRITE = status.WANT_WRITE
local sub = string.sub

-- How many bytes are encrypted before they are sent. It limits the memory of a connection whose peer does not read.
local PIECE = 65536

-- steady: reads may be tried first, but writes are sent in the writer's turn.
local stream = { writes_in_turn = true, steady = "_read_id" }

function stream.open(_, context, server_side, hostname)
    return C.connection_over_memory_guarded(context, server_side, hostname)
end

function stream.place(self)
    return self._stream:place()
end

function stream.readable()
    return false -- only the reader's receive() reads
end

-- call calls a method of the stream. If the socket is closed meanwhile, the method's error is ignored.
local function call(self, method, ...)
    local id = self._tls
    local ok, result = pcall(self._stream[method], self._stream, ...)
    if not ok and self._tls == id then
        error(result, 0)
    end
    return result
end

-- send_out sends the encrypted bytes, and those that the stream still has. It returns false once the deadline has
-- passed.
local function send_out(_, how, self, deadline)
    local id = self._tls
    if how ~= "first" and how ~= "waited" then
        return false
    end
    while self._tls == id do
        local pending = C.connection_drain_pending(id)
        if pending <= 0 and not self._unsent then
            return true
        elseif waiting.remaining(deadline) == 0 then
            return false
        end
        local bytes = ""
        if pending > 0 then
            bytes = select(2, errors.check(C.connection_drain(id, pending)))
        end
        self._unsent = true
        if not call(self, "send", bytes, waiting.remaining_or_nil(deadline)) then
            return self._tls ~= id
        end
        self._unsent = false
    end
    return true
end

--- emit sends encrypted bytes, unless another call has the writer's turn and will send them.
function stream.emit(self, claim, deadline)
    if self._tls == 0 then
        return true
    elseif claim and claim.turn == self._turns.writer then
        return send_out(claim, "first", self, deadline)
    elseif C.connection_drain_pending(self._tls) <= 0 and (not self._unsent or self._begun) then
        return true -- nothing to send, or the write in progress sends it
    elseif turns.busy(self, "writer") then
        return true
    end
    deadline = deadline or waiting.deadline(self._timeout)
    return turns.run(self, "writer", deadline, send_out, self, deadline)
end

function stream.supply(self, claim, event, deadline)
    local id = self._tls
    if not stream.emit(self, claim, deadline) then
        return false
    elseif event == "write" or self._tls ~= id then
        return true
    end
    local incoming = self._incoming
    local due = incoming:_feed(id, self._due)
    if not due then
        if waiting.remaining(deadline) == 0 then
            return false
        end
        local bytes = call(self, "receive", waiting.remaining_or_nil(deadline))
        if self._tls ~= id then
            return true
        elseif bytes == nil then
            return false
        elseif bytes == "" then
            incoming:write_eof()
            due = incoming:_feed(id, self._due)
        else
            due = incoming:_deliver(id, self._due, bytes)
        end
    end
    self._due = due or 0
    return true
end

local function bytes_of(data, first, last)
    if type(data) == "string" then
        return first == 1 and last == #data and data or sub(data, first, last)
    end
    return C.buffer_get(data, first - 1, last - first + 1)
end

-- encrypt returns how many bytes of a piece were encrypted, which _begun keeps until they are sent; or an error.
local function encrypt(self, id, piece)
    local result = C.connection_write(id, piece, 0)
    if result >= 0 then
        self._begun = result == #piece and piece or sub(piece, 1, result)
    end
    return result
end

--- write_call encrypts and sends piece by piece, see cleat.suspend. work is {data, length, number of bytes sent}. If
--- the call fails, or its coroutine is killed, the connection's field _begun keeps the bytes that were encrypted and
--- possibly not sent.
function stream.write_call(id, _, self, work)
    local data, length, sent = work[1], work[2], work[3]
    local begun = self._begun
    if begun and not work.begun then
        if #begun > length - sent or bytes_of(data, sent + 1, sent + #begun) ~= begun then
            local err = errors.SSLError(errors.SSL_ERROR_SSL,
                "[SSL: BAD_WRITE_RETRY] the bytes of the unfinished call must be passed again")
            err.library, err.reason = "SSL", "BAD_WRITE_RETRY"
            errors.throw(err)
        end
        work.begun = #begun
        if self._unsent or C.connection_drain_pending(id) > 0 then
            return WANT_WRITE
        end
    end
    if work.begun then
        sent = sent + work.begun
        work[3], work.begun, self._begun = sent, nil, false
    end
    if sent >= length then
        return sent
    end
    local piece = bytes_of(data, sent + 1, math.min(length, sent + PIECE))
    local result = encrypt(self, id, piece)
    if result < 0 then
        return result
    end
    work.begun = result
    return WANT_WRITE
end

--- write_at_once encrypts bytes and sends them, if no other call writes and the stream accepts them without waiting.
--- Otherwise it returns nil, and write_call continues where it has stopped.
function stream.write_at_once(self, data, length)
    local id, queues, below = self._tls, self._turns, self._stream
    if id == 0 or not queues or not queues.steady or not turns.is_free(queues.writer) or not below.try_send
        or self._begun or self._unsent or length > PIECE then
        return nil
    end
    local result = encrypt(self, id, bytes_of(data, 1, length))
    if result < 0 then
        return nil
    end
    local _, encrypted = errors.check(C.connection_drain(id, C.connection_drain_pending(id)))
    self._unsent = true
    if not below:try_send(encrypted) or result < length then
        return nil
    end
    self._begun, self._unsent = false, false
    return length
end

function stream.finish_sending(self)
    local below = self._stream
    if below.shutdown_write then
        pcall(below.shutdown_write, below)
    end
    if below.drain then
        pcall(below.drain, below)
    end
end

return stream
