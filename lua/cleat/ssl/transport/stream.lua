--- TLS over a stream: an event loop's socket object without a usable descriptor, whose own receive and send wait in
--- that loop (nginx's cosockets, luv's handles). TLS is done in memory.
---
--- A stream is a table with
---   connected()                  whether there is a peer
---   connect(to, timeout)         to: an address as Socket:connect takes it
---   receive(timeout)             the next bytes; "" at the end; nil after a timeout. Bytes that arrive later are
---                                returned by the next call
---   send(bytes, timeout)         true once these and all earlier bytes were sent; nil after a timeout. The stream
---                                keeps the bytes: send("", timeout) continues, or raises ECONNABORTED if it cannot
---   try_send(bytes)              as send, but does not wait: nil if not all were sent yet; optional
---   place()                      a parking place, see cleat.socket.place
---   close()                      also ends calls of other coroutines
---   shutdown_write(), drain()    end the sending direction; discard received bytes. Neither waits, both are optional
---   release()                    before unwrap() returns the loop's object: receive nothing more; optional
---   fileno(), getpeername(), getsockname()   where the loop has them
---   value                        the loop's object, which unwrap() returns
--- timeout is in seconds, above 0, nil if the socket has none: then the loop's own timeouts apply. An error of the loop
--- is raised as socket.error with its message.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local status = require "cleat.status"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall

local WANT_WRITE = status.WANT_WRITE
local sub = string.sub

-- How many bytes are encrypted before they are sent: bounds the memory of a connection whose peer does not read.
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

-- call calls a method of the stream. If the socket is closed meanwhile its error is ignored.
local function call(self, method, ...)
    local id = self._tls
    local ok, result = pcall(self._stream[method], self._stream, ...)
    if not ok and self._tls == id then
        error(result, 0)
    end
    return result
end

-- send_out sends encrypted bytes, and bytes that the stream has not sent yet. It returns false once the deadline has
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
        if not call(self, "send", bytes, waiting.left(deadline)) then
            return self._tls ~= id
        end
        self._unsent = false
    end
    return true
end

--- emit sends, unless another call has the writer's turn and will send.
function stream.emit(self, claim, deadline)
    if self._tls == 0 then
        return true
    elseif claim and claim.turn == self._turns.writer then
        return send_out(claim, "first", self, deadline)
    elseif C.connection_drain_pending(self._tls) <= 0 and (not self._unsent or self._begun) then
        return true -- the write that has begun sends it
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
        local bytes = call(self, "receive", waiting.left(deadline))
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

--- write_call encrypts and sends piece by piece, see cleat.suspend. work: {data, length, number of bytes sent}. After a
--- call that has failed, or whose coroutine was killed, the connection's _begun has the bytes that were encrypted and
--- perhaps not sent.
function stream.write_call(id, _, self, work)
    local data, length, sent = work[1], work[2], work[3]
    local begun = self._begun
    if begun and not work.begun then
        if #begun > length - sent or bytes_of(data, sent + 1, sent + #begun) ~= begun then
            local err = errors.SSLError(errors.SSL_ERROR_SSL, "[SSL: BAD_WRITE_RETRY] other bytes are still to be sent")
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
    local result = C.connection_write(id, piece, 0)
    if result < 0 then
        return result
    end
    work.begun = result
    self._begun = result == #piece and piece or sub(piece, 1, result)
    return WANT_WRITE
end

--- write_at_once encrypts bytes and sends them, if no other call writes and the stream accepts them without a wait.
--- Otherwise it returns nil, and write_call goes on where it has stopped.
function stream.write_at_once(self, data, length)
    local id, queues, below = self._tls, self._turns, self._stream
    if id == 0 or not queues or not queues.steady or not turns.is_free(queues.writer) or not below.try_send
        or self._begun or self._unsent or length > PIECE then
        return nil
    end
    local bytes = bytes_of(data, 1, length)
    local result = C.connection_write(id, bytes, 0)
    if result < 0 then
        return nil
    end
    self._begun = result == length and bytes or sub(bytes, 1, result)
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
