--- TLS over a stream: an event loop's own socket object, which has no descriptor to work with, only calls of its own to
--- receive and send, which
--- wait in the loop's way (nginx's cosockets, luv's handles). TLS is done in memory.
---
--- A stream is a table with
---   connected()                  whether there is a peer
---   connect(to, timeout)         to: an address as Socket:connect takes it
---   receive(timeout)             the next bytes; "" at their end; nil if the timeout ran out. What arrives for a call
---   that was given up is
---                                what the next one returns
---   send(bytes, timeout)         true once all were sent, and all that it was given before; nil if the timeout ran
---   out. The bytes are the
---                                stream's from then on: send("", timeout) goes on with them, or raises ECONNABORTED if
---                                that cannot be
---   place()                      a parking place, see cleat.socket.place
---   close()                      ends the calls of others too, whatever they return
---   shutdown_write(), drain()    end the sending direction; throw away what has arrived. Neither waits, and both may
---   be missing
---   fileno(), getpeername(), getsockname()   where the loop has them
---   value                        the loop's object, which unwrap() returns
--- timeout is in seconds, above 0, nil if the socket has none: then the loop's own timeouts hold. What the loop reports
--- is raised, with its
--- message.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local status = require "cleat.status"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall

local WANT_WRITE = status.WANT_WRITE
local sub = string.sub

-- How much is encrypted before it is sent: what a connection whose peer does not read keeps in memory.
local PIECE = 65536

local stream = { writes_in_turn = true }

function stream.open(_, context, server_side, hostname)
    return C.connection_over_memory_guarded(context, server_side, hostname)
end

function stream.place(self)
    return self._stream:place()
end

function stream.readable()
    return false -- the reader's receive() is the only one that reads
end

-- ask calls a method of the stream. If the socket is closed meanwhile it does not matter how that ends.
local function ask(self, method, ...)
    local id = self._tls
    local ok, result = pcall(self._stream[method], self._stream, ...)
    if not ok and self._tls == id then
        error(result, 0)
    end
    return result
end

-- send_out sends what TLS has for the network, and what the stream has not sent yet. It returns false once the deadline
-- is over.
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
        if not ask(self, "send", bytes, waiting.left(deadline)) then
            return self._tls ~= id
        end
        self._unsent = false
    end
    return true
end

--- emit sends. Where others have the writer's turn, they do.
function stream.emit(self, claim, deadline)
    if self._tls == 0 then
        return true
    elseif claim and claim.turn == self._turns.writer then
        return send_out(claim, "first", self, deadline)
    elseif turns.busy(self, "writer") then
        return true
    elseif C.connection_drain_pending(self._tls) <= 0 and (not self._unsent or self._begun) then
        return true -- what a write has begun is that write's to send
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
        local bytes = ask(self, "receive", waiting.left(deadline))
        if self._tls ~= id then
            return true
        elseif bytes == nil then
            return false
        elseif bytes == "" then
            incoming:write_eof()
        else
            incoming:write(bytes)
        end
        due = incoming:_feed(id, self._due)
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

--- write_call encrypts a piece, lets it be sent, and so on, see cleat.suspend. work: {data, length, how many bytes were
--- sent}. After a call
--- that has failed, or whose coroutine was killed, the connection's _begun is what was encrypted and perhaps not sent.
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
