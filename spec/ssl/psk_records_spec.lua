-- Pre-shared keys: the handshake needs a key at one message, however that message arrives: in pieces, with others in
-- one record, malformed, too long, or too early.
local handles = require "support.handles"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local KEY = "\192\255\238"
local HANDSHAKE, CHANGE = 22, 20
local CLIENT_KEY_EXCHANGE, SERVER_KEY_EXCHANGE, SERVER_HELLO, HELLO_DONE = 16, 12, 2, 14

local function u16(bytes, at)
    return bytes:byte(at) * 256 + bytes:byte(at + 1)
end

local function u16_bytes(number)
    return string.char((number - number % 256) / 256, number % 256)
end

local function record(payload, kind)
    return string.char(kind or HANDSHAKE, 3, 3) .. u16_bytes(#payload) .. payload
end

local function message(kind, body)
    return string.char(kind, 0) .. u16_bytes(#body) .. body
end

-- flight returns the messages in the plaintext records of some bytes, each as type and body, and the bytes after them.
local function flight(bytes)
    local plain = {}
    while bytes:byte(1) == HANDSHAKE do
        local length = u16(bytes, 4)
        plain[#plain + 1] = bytes:sub(6, 5 + length)
        bytes = bytes:sub(6 + length)
    end
    local text, messages = table.concat(plain), {}
    while text ~= "" do
        local length = u16(text, 3)
        messages[#messages + 1] = { kind = text:byte(1), body = text:sub(5, 4 + length) }
        text = text:sub(5 + length)
    end
    return messages, bytes
end

local function joined(messages)
    local parts = {}
    for index, one in ipairs(messages) do
        parts[index] = message(one.kind, one.body)
    end
    return table.concat(parts)
end

-- Each function gets the bytes that a side sends and returns the bytes that the other side receives.
local ways = {
    ["as it is"] = function(bytes)
        return bytes
    end,
    ["in one record for a flight"] = function(bytes)
        local messages, rest = flight(bytes)
        return (#messages > 0 and record(joined(messages)) or "") .. rest
    end,
    ["with a record for each message"] = function(bytes)
        local messages, rest = flight(bytes)
        local parts = {}
        for index, one in ipairs(messages) do
            parts[index] = record(joined { one })
        end
        return table.concat(parts) .. rest
    end,
}
for _, size in ipairs { 1, 3, 5, 21 } do
    ways[("in records of %d bytes"):format(size)] = function(bytes)
        local messages, rest = flight(bytes)
        local text, parts = joined(messages), {}
        for at = 1, #text, size do
            parts[#parts + 1] = record(text:sub(at, at + size - 1))
        end
        return table.concat(parts) .. rest
    end
end

local function contexts(suite, asked)
    local here, there = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here.check_hostname = false
    here.verify_mode = ssl.CERT_NONE
    for _, context in ipairs { here, there } do
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context:set_ciphers(suite or "PSK")
    end
    here:set_psk_client_callback(function(hint)
        asked[#asked + 1] = "client " .. (hint or "none")
        return "me", KEY
    end)
    there:set_psk_server_callback(function(identity)
        asked[#asked + 1] = "server " .. (identity or "none")
        return KEY
    end, "hint")
    return here, there
end

-- Ends: a client and a server over memory. piece: how many bytes they receive at a time. change(bytes, from): returns
-- what the other side receives in place of what one has sent.
local Ends = {}
Ends.__index = Ends

local function ends(suite, change, piece)
    local self = setmetatable({ asked = {}, change = change, piece = piece or 65536, failures = {} }, Ends)
    local here, there = contexts(suite, self.asked)
    self.incoming, self.outgoing = { ssl.MemoryBIO(), ssl.MemoryBIO() }, { ssl.MemoryBIO(), ssl.MemoryBIO() }
    self[1] = here:wrap_bio(self.incoming[1], self.outgoing[1])
    self[2] = there:wrap_bio(self.incoming[2], self.outgoing[2], { server_side = true })
    return self
end

function Ends:step(index)
    local ok, failure = pcall(self[index].do_handshake, self[index])
    if not ok and not ssl.SSLWantReadError:is(failure) then
        self.failures[index] = failure
    end
    return ok
end

-- pass moves one side's output to the other side, which continues its handshake after each piece.
function Ends:pass(from)
    local to = 3 - from
    local bytes = self.outgoing[from]:read()
    if bytes ~= "" and self.change then
        bytes = self.change(bytes, from)
    end
    for at = 1, #bytes, self.piece do
        self.incoming[to]:write(bytes:sub(at, at + self.piece - 1))
        self:step(to)
    end
end

function Ends:run()
    self:step(1)
    for _ = 1, 3 do
        self:pass(1)
        self:pass(2)
    end
    return self
end

describe("B-50 the messages of a handshake with a pre-shared key:", function()
    handles.watch(before_each, after_each)

    for name, way in pairs(ways) do
        for _, piece in ipairs { 65536, 1 } do
            it(("%s, %s"):format(name, piece == 1 and "byte by byte" or "at once"), function()
                for _, suite in ipairs { "ECDHE-PSK-AES128-CBC-SHA", "PSK-AES128-CBC-SHA" } do
                    local pair = ends(suite, way, piece):run()
                    assert.are.same({}, pair.failures)
                    assert.are.same({ "client hint", "server me" }, pair.asked)
                    assert.are.equal(suite, pair[1]:cipher()[1])
                    assert.are.same({ "me", "me" }, { pair[1]:psk_identity(), pair[2]:psk_identity() })
                    pair[1]:write "request"
                    pair:pass(1)
                    assert.are.equal("request", pair[2]:read(7))
                end
            end)
        end
    end

    -- changed returns a function that changes the first message of a type, by the record layout of that name;
    -- edit(body) returns the new body.
    local function changed(way, kind, edit)
        return function(bytes)
            local messages, rest = flight(bytes)
            for _, one in ipairs(messages) do
                if one.kind == kind then
                    one.body, kind = edit(one.body), nil
                end
            end
            return ways[way]((#messages > 0 and record(joined(messages)) or "") .. rest)
        end
    end

    local function constant(value)
        return function()
            return value
        end
    end

    local LONG = ("i"):rep(129)
    for _, case in ipairs {
        -- the message, its new body, the side that refuses it, the reason, the callbacks that are called
        { CLIENT_KEY_EXCHANGE, "", 2, "DECODE_ERROR", { "client hint" } },
        { CLIENT_KEY_EXCHANGE, "\0", 2, "DECODE_ERROR", { "client hint" } },
        { CLIENT_KEY_EXCHANGE, "\0\3me", 2, "DECODE_ERROR", { "client hint" } },
        { CLIENT_KEY_EXCHANGE, "\0\2mex", 2, "DECODE_ERROR", { "client hint" } },
        { CLIENT_KEY_EXCHANGE, "\0\129" .. LONG, 2, "DATA_LENGTH_TOO_LONG", { "client hint" } },
        { CLIENT_KEY_EXCHANGE, "\60\0" .. ("i"):rep(15360), 2, "DATA_LENGTH_TOO_LONG", { "client hint" } },
        { CLIENT_KEY_EXCHANGE, "\0\3a\0b", 2, "DATA_LENGTH_TOO_LONG", { "client hint" } },
        { SERVER_KEY_EXCHANGE, "", 1, "DECODE_ERROR", {} },
        { SERVER_KEY_EXCHANGE, "\0\9hint", 1, "DECODE_ERROR", {} },
        { SERVER_KEY_EXCHANGE, "\0\129" .. LONG, 1, "DATA_LENGTH_TOO_LONG", {} },
        { SERVER_KEY_EXCHANGE, "\0\3a\0b", 1, "DATA_LENGTH_TOO_LONG", {} },
        { SERVER_HELLO, "", 1, "DECODE_ERROR", {} },
    } do
        local kind, body, side, reason, asked = case[1], case[2], case[3], case[4], case[5]
        it(("BoringSSL refuses message %d with %d bytes: %s"):format(kind, #body, reason), function()
            for _, way in ipairs { "in one record for a flight", "with a record for each message", "in records of 21 bytes" } do
                local pair = ends("PSK-AES128-CBC-SHA", changed(way, kind, constant(body))):run()
                raises.check(pair.failures[side], "SSLError", { reason = reason })
                assert.are.same(asked, pair.asked)
            end
        end)
    end

    it("a client's callback is not called for a suite that the client has not offered", function()
        local pair = ends("PSK-AES128-CBC-SHA", changed("in one record for a flight", SERVER_HELLO, function(body)
            local at = 36 + body:byte(35)
            assert.are.equal(0x008c, u16(body, at))
            return body:sub(1, at - 1) .. "\0\141" .. body:sub(at + 2)
        end)):run()
        raises.check(pair.failures[1], "SSLError", { reason = "WRONG_CIPHER_RETURNED" })
        assert.are.same({}, pair.asked)
    end)

    it("without a hint, and with an empty one, the hint is nil", function()
        for _, body in ipairs { "\0\0", false } do
            local pair = ends("PSK-AES128-CBC-SHA", function(bytes)
                local messages, rest = flight(bytes)
                for index = #messages, 1, -1 do
                    if messages[index].kind == SERVER_KEY_EXCHANGE and body then
                        messages[index].body = body
                    elseif messages[index].kind == SERVER_KEY_EXCHANGE then
                        table.remove(messages, index)
                    end
                end
                return (#messages > 0 and record(joined(messages)) or "") .. rest
            end):run()
            -- the client has not received what the server has sent
            raises.check(pair.failures[2], "SSLError", {})
            assert.are.same({ "client none", "server me" }, pair.asked)
        end
    end)

    it("a client that sends ClientKeyExchange too early is refused", function()
        for _, case in ipairs { { true, "EXCESS_HANDSHAKE_DATA", {} }, { false, "UNEXPECTED_RECORD", { "server me", "client hint" } } } do
            local early
            local pair = ends("PSK-AES128-CBC-SHA", function(bytes, from)
                if from == 1 and not early then
                    early = true
                    local exchange = { kind = CLIENT_KEY_EXCHANGE, body = "\0\2me" }
                    local messages = flight(bytes)
                    messages[#messages + 1] = exchange
                    return case[1] and record(joined(messages)) or bytes .. record(joined { exchange })
                end
                return bytes
            end):run()
            raises.check(pair.failures[2], "SSLError", { reason = case[2] })
            assert.are.same(case[3], pair.asked)
        end
    end)

    it("after a ClientHello in SSL 2's format no callback is called, and the client is refused", function()
        local pair = ends "PSK-AES128-CBC-SHA"
        local hello = "\1\3\3\0\6\0\0\0\32" .. "\0\0\140\0\0\255" .. ("c"):rep(32)
        pair.incoming[2]:write(string.char(128, #hello) .. hello)
        pair:step(2)
        assert.are.same({}, pair.failures)
        assert.are.equal(SERVER_HELLO, flight(pair.outgoing[2]:read())[1].kind) -- BoringSSL accepts such a ClientHello
        pair.incoming[2]:write(record(message(CLIENT_KEY_EXCHANGE, "\0\2me")))
        pair:step(2)
        raises.check(pair.failures[2], "SSLError", { reason = "PSK_IDENTITY_NOT_FOUND" })
        assert.are.same({}, pair.asked)
        assert.are.equal("\2\115", pair.outgoing[2]:read():sub(-2)) -- fatal, unknown_psk_identity
    end)

    it("other records in between: alerts, change_cipher_spec, empty ones", function()
        for _, case in ipairs {
            { record("\1\90", 21), nil }, -- user_canceled, a warning
            { record("", HANDSHAKE), nil },
            { record("\1", CHANGE), "UNEXPECTED_MESSAGE" },
            { "GET / HTTP/1.0\r\n\r\n", "WRONG_VERSION_NUMBER" },
        } do
            local pair
            pair = ends("PSK-AES128-CBC-SHA", function(bytes, from)
                local messages = flight(bytes)
                if from == 1 and messages[1] and messages[1].kind == CLIENT_KEY_EXCHANGE then
                    return case[1] .. bytes
                end
                return bytes
            end):run()
            if case[2] then
                raises.check(pair.failures[2], "SSLError", {})
                assert.are.same({ "client hint" }, pair.asked)
            else
                assert.are.same({}, pair.failures)
                assert.are.same({ "client hint", "server me" }, pair.asked)
            end
        end
    end)

    it("ServerHelloDone with a body does not end the server's flight", function()
        local pair = ends("PSK-AES128-CBC-SHA", changed("as it is", HELLO_DONE, constant "x")):run()
        raises.check(pair.failures[1], "SSLError", {})
    end)
end)
