--- `cleat connect`: sends the standard input to a TLS server, and writes the received data to the standard output.
---
--- The TLS connection is in memory, so that a single wait is for both directions: a server that does not read until its
--- own data is read causes no deadlock, and close_notify can be sent while data is still received.

local C = require "cleat.backend"
local base64 = require "cleat.base64"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local facts = require "cleat.cli.facts"
local failure = require "cleat.cli.failure"
local json = require "cleat.cli.json"
local loop = require "cleat.cli.loop"
local output = require "cleat.cli.output"
local ssl = require "cleat.ssl"
local status = require "cleat.status"
local target = require "cleat.cli.target"
local tls = require "cleat.cli.tls"

local pcall = compat.pcall

local FAILED, USAGE, REFUSED, CUT = 1, 2, 3, 4
local STDIN = 0
local PIECE = 65536
local BUFFERED = 262144 -- the maximum of encrypted bytes that are not sent, above which no input is read

---@class cleat.cli.Stream
---@field sock cleat.Socket
---@field object cleat.ssl.SSLObject
---@field incoming cleat.ssl.MemoryBIO
---@field outgoing cleat.ssl.MemoryBIO
---@field unsent string encrypted bytes that the socket has not accepted yet
local Stream = {}
Stream.__index = Stream

local function would_block(err)
    return errors.error:is(err) and (err.errno == C.const.EAGAIN or err.errno == C.const.EINTR)
end

-- attempt calls f, and returns nil if f would have to wait. Other errors are raised.
local function attempt(f, ...)
    local ok, result = pcall(f, ...)
    if ok then
        return result or true
    elseif ssl.SSLWantReadError:is(result) or would_block(result) then
        return nil
    end
    return error(result, 0)
end

-- pump sends as much as the socket accepts, and receives what has arrived.
function Stream:pump()
    repeat
        if self.unsent == "" then
            self.unsent = self.outgoing:read()
        end
        local sent = self.unsent ~= "" and not self.deaf and self:send()
        if sent then
            self.unsent = self.unsent:sub(sent + 1)
        end
    until not sent
    if not self.ended and self.incoming.pending < PIECE then
        local data = self:receive()
        if data == "" then
            self.ended = true
            self.incoming:write_eof()
        elseif data then
            self.incoming:write(data)
        end
    end
end

-- A server that has disconnected may have sent data before, which is read first.
function Stream:send()
    local ok, sent = pcall(attempt, self.sock.send, self.sock, self.unsent)
    if not ok then
        self.deaf, self.problem = true, sent
        return nil
    end
    return sent
end

function Stream:receive()
    local ok, data = pcall(attempt, self.sock.recv, self.sock, PIECE)
    if not ok then
        self.ended, self.problem = true, self.problem or data
        self.incoming:write_eof()
        return nil
    end
    return data
end

-- wait waits for the socket, and for the input if there is room for more.
function Stream:wait(with_input, timeout)
    local writing = self.unsent ~= "" and not self.deaf
    local fds = {}
    if not self.ended or writing then
        fds[self.sock:fileno()] = writing and not self.ended and "both" or writing and "write" or "read"
    end
    if with_input then
        fds[STDIN] = "read"
    end
    return loop.wait(fds, timeout)
end

function Stream:handshake(deadline)
    while true do
        local ok, done = pcall(attempt, self.object.do_handshake, self.object)
        self:pump() -- also sends the alert of a failed handshake
        if not ok then
            error(done, 0)
        elseif done then
            return
        end
        local left = deadline - loop.now()
        if left <= 0 or self.incoming.pending == 0 and not self.ended and not self:wait(false, left) then
            failure.raise(FAILED, "the server did not finish the handshake in time (--timeout)")
        end
    end
end

-- deliver writes the decrypted data. It returns "end" once the server has sent close_notify, "cut" if the connection
-- has ended without it.
function Stream:deliver()
    while true do
        local ok, data = pcall(attempt, self.object.read, self.object, PIECE)
        if not ok then
            if ssl.SSLEOFError:is(data) then
                return "cut"
            elseif ssl.SSLZeroReturnError:is(data) then -- both sides have sent close_notify
                return "end"
            end
            error(data, 0)
        elseif not data then
            return nil
        elseif data == true or data == "" then
            return "end"
        end
        output.write(data)
    end
end

-- Reads a piece of the input, and encrypts it. Returns true at the end of the input.
local function feed(stream, options)
    local result, data = C.descriptor_read(STDIN, PIECE, 0)
    if status.class(result) == C.const.TIMEOUT then -- another process has read the input
        return false
    elseif result < 0 then
        failure.raise(FAILED, "cannot read the standard input: " .. tostring(errors.from_status(result)))
    elseif result == 0 then
        return true
    end
    if options.crlf then
        data = data:gsub("\n", "\r\n")
    end
    stream.object:write(data)
    return false
end

-- finish sends close_notify, after all input before it.
local function finish(stream)
    stream.finished = true
    attempt(stream.object.unwrap, stream.object)
    stream:pump()
end

local function converse(stream, options)
    local input_ended = false
    while true do
        stream:pump()
        local ending = stream:deliver()
        if ending then
            return ending
        end
        local room = not input_ended and not stream.deaf and #stream.unsent + stream.outgoing.pending < BUFFERED
        local ready = stream.incoming.pending == 0 and stream:wait(room, nil)
        if ready and ready[STDIN] and feed(stream, options) then
            input_ended = true
            if not options.keep_open then
                stream:pump()
                local last = stream:deliver()
                if last then
                    return last
                end
                finish(stream)
            end
        end
    end
end

local function show(stream, options, to, verified)
    if options.json then
        output.note(json.encode(facts.of_connection(stream.object, to, verified), true), "\n")
    elseif not options.quiet then
        output.note(facts.line(facts.of_connection(stream.object, to, verified)), "\n")
    end
end

local function ech_configs(options)
    if not options.ech then
        return nil
    end
    local bytes = base64.decode(options.ech)
    if not bytes or bytes == "" then
        failure.raise(USAGE, "--ech is not valid Base64")
    end
    return bytes
end

local function open(options)
    local context = tls.context(options, USAGE)
    if options.tls_version then
        tls.only(context, options.tls_version)
    end
    if options.insecure then
        context.check_hostname = false
        context.verify_mode = ssl.CERT_NONE
        output.note(output.painter(2)("red", "cleat: WARNING: --insecure: the server is not verified; an attacker can read "
            .. "and modify everything"), "\n")
    end
    local to = target.parse(options.target, USAGE, options.starttls)
    local name = options.servername or to.host
    local deadline = loop.now() + options.timeout
    local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    local known, object = pcall(context.wrap_bio, context, incoming, outgoing,
        { server_hostname = name, ech_configs = ech_configs(options) })
    if not known and ssl.SSLError:is(object) then
        failure.raise(USAGE, "--ech: " .. tls.explain(object))
    elseif not known then
        failure.raise(USAGE, ("'%s' is not a valid server name: %s"):format(name, tostring(object)))
    end
    local stream = setmetatable({ object = object, incoming = incoming, outgoing = outgoing, unsent = "" }, Stream)
    stream.sock = target.connect(to, deadline, options.starttls, name)
    stream.sock:settimeout(0)
    stream:handshake(deadline)
    show(stream, options, to, not options.insecure)
    return stream
end

local function fail(err, options)
    if failure.is(err) or type(err) ~= "table" then
        error(err, 0)
    end
    local message, hint = tls.explain(err)
    if ssl.SSLECHRejectedError:is(err) then
        message = "the server cannot decrypt the ClientHello: the configurations of --ech are not its current ones"
        hint = err.ech_retry_configs and "it has sent its current ones: --ech " .. base64.encode(err.ech_retry_configs)
            or "it has sent no others: it may not support Encrypted ClientHello any more"
    end
    if ssl.SSLCertVerificationError:is(err) then
        failure.raise(REFUSED, message, tls.advice(err, options))
    end
    failure.raise(FAILED, message, hint)
end

return function(options)
    local ok, stream = pcall(open, options)
    if not ok then
        fail(stream, options)
    end
    local conversed, ending = pcall(converse, stream, options)
    if not conversed then
        pcall(stream.pump, stream) -- sends the alert
        fail(ending, options)
    end
    if ending == "end" then
        pcall(finish, stream)
    end
    stream.sock:close()
    if ending == "cut" then
        local reason = stream.problem and " (" .. tostring(stream.problem) .. ")" or ""
        failure.raise(CUT, "the connection has ended without close_notify" .. reason
            .. ": the received data may be truncated",
            stream.finished and "some servers do that after the client's close_notify: --keep-open sends none" or nil)
    end
    return 0
end
