-- cleat.https and malformed responses: nil and a message, in bounded time and memory.
local handles = require "support.handles"
local https = require "cleat.https"
local limits = require "support.limits"
local pki = require "support.pki"
local process = require "support.process"
local support = require "support.https"

local OK = "HTTP/1.1 200 OK\r\n"
local LIMIT = 65536

describe("cleat.https, responses:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    -- answered returns the results of a request with a given response. It waits for the server, and ignores its lines.
    local function answered(bytes, request)
        local job, address = support.answer(bytes, "notify")
        request = request or {}
        request.url = address
        local body, code, headers, status = support.fetch(request)
        job:finish()
        return body or nil, code, headers, status
    end

    local function refused(bytes, words, request)
        local body, why, more = answered(bytes, request)
        assert.is_nil(body, ("%q was taken"):format(bytes:sub(1, 200)))
        assert.is_nil(more)
        assert.are.equal("string", type(why))
        assert.is_truthy(why:find(words, 1, true), ("%q is not about %q"):format(why, words))
        assert.is_true(#why < 200)
    end

    local function taken(bytes, wanted, request)
        local body, code = answered(bytes, request)
        assert.are.equal(wanted, body, tostring(code))
    end

    it("a malformed Content-Length, and a second one, is refused", function()
        taken(OK .. "Content-Length: 4\r\n\r\nfour", "four")
        taken(OK .. "Content-Length: \t004 \r\n\r\nfour", "four")
        taken(OK .. "Content-Length:4\r\n\r\nfour and more", "four")
        for _, value in ipairs { "4.5", "-4", "+4", "0x4", "4e0", "four", "", "4 4", "4,4", "4, 4", "4;", "nan", "inf",
            "1" .. ("0"):rep(15),
            "18446744073709551620", "9223372036854775807", ("9"):rep(400), "4\v", "\1774" } do
            refused(OK .. "Content-Length: " .. value .. "\r\n\r\nfour", "malformed response: Content-Length")
        end
        refused(OK .. "Content-Length: 4\r\nContent-Length: 5\r\n\r\nfour", "Content-Length is there twice")
        refused(OK .. "Content-Length: 4\r\ncontent-length: 4\r\n\r\nfour", "Content-Length is there twice")
        refused(OK .. "Content-Length: 4\r\n 5\r\n\r\nfour", "Content-Length '4 5'")
        refused(OK .. "Content-Length: 4.5\r\n\r\n", "Content-Length '4.5'", { method = "HEAD" })
    end)

    it("an unknown Transfer-Encoding, and one together with Content-Length, is refused", function()
        local chunked = "Transfer-Encoding: chunked\r\n"
        taken(OK .. chunked .. "\r\n4\r\nfour\r\n0\r\n\r\n", "four")
        taken(OK .. "transfer-encoding: CHUNKED\r\n\r\n4\r\nfour\r\n0\r\n\r\n", "four")
        refused(OK .. chunked .. "Content-Length: 4\r\n\r\n4\r\nfour\r\n0\r\n\r\n", "both Transfer-Encoding and Content-Length")
        refused(OK .. "Content-Length: 4\r\n" .. chunked .. "\r\n4\r\nfour\r\n0\r\n\r\n", "both Transfer-Encoding and Content-Length")
        refused(OK .. chunked .. chunked .. "\r\n4\r\nfour\r\n0\r\n\r\n", "Transfer-Encoding is there twice")
        for _, value in ipairs { "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "xchunked", "",
            "\vchunked" } do
            refused(OK .. "Transfer-Encoding: " .. value .. "\r\n\r\n4\r\nfour\r\n0\r\n\r\n", "Transfer-Encoding")
        end
        refused("HTTP/1.0 200 OK\r\n" .. chunked .. "\r\n4\r\nfour\r\n0\r\n\r\n", "in a response of HTTP/1.0")
    end)

    it("malformed chunk sizes are refused", function()
        local chunked = OK .. "Transfer-Encoding: chunked\r\n\r\n"
        taken(chunked .. "4\r\nfour\r\n0\r\n\r\n", "four")
        taken(chunked .. ("0"):rep(100) .. "4\r\nfour\r\n000\r\n\r\n", "four")
        taken(chunked .. "4 ;a=b\r\nfour\r\nA\r\n0123456789\r\n0;last\r\nX: y\r\n\r\n", "four0123456789")
        taken(chunked .. "a\n0123456789\n0\n\n", "0123456789")
        for _, size in ipairs { "8000000000000000", "7fffffffffffffff", "ffffffffffffffff", "10000000000000004", "20000000000000",
            ("f"):rep(60000), "-4", "+4", "0x4", "4.0", "", "four", "4 4", "4,", "\1774", ";4", "4\v" } do
            refused(chunked .. size .. "\r\nfour\r\n0\r\n\r\n", "malformed response: chunk size")
        end
        refused(chunked .. "4\r\nfours\r\n0\r\n\r\n", "a chunk is longer than its size")
        refused(chunked .. "4\r\nfour0\r\n\r\n", "a chunk is longer than its size")
        refused(chunked .. "4\r\nfour\r\n4\r\nfo", "closed")
        refused(chunked .. "4\r\nfour\r\n0\r\n", "closed")
        refused(chunked .. "fffffffffffff\r\nfour", "closed")
        refused(chunked .. "0\r\nno trailer\r\n\r\n", "malformed response: header 'no trailer'")
        -- The fields of a trailer are not headers.
        local _, _, headers = answered(chunked .. "0\r\nX-Late: 1\r\nContent-Length: 5\r\n\r\n")
        assert.are.same({ ["transfer-encoding"] = "chunked" }, headers)
    end)

    it("malformed heads are refused", function()
        for _, line in ipairs { "HTTP/0.9 200 OK", "HTTP/2.0 200 OK", "HTTP/2 200", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
            "HTTP/1.1 200OK",
            "HTTP/1.1 099 Low", "HTTP/1.1  200 OK", " HTTP/1.1 200 OK", "http/1.1 200 OK", "HTTP/1.1 OK 200", "HTTP/1.1",
                "<html>page</html>", "",
            "HTTP/1.10 200 OK", "HTTP/1.1 2e2 OK", "ICY 200 OK", "HTTP/1.1 -20 OK" } do
            refused(line .. "\r\nContent-Length: 0\r\n\r\n", "malformed response: status line")
        end
        for _, line in ipairs { "no colon", "Name : value", ": value", "Na me: value", "Na\tme: x", "N\1me: x", "Näme: x", "(x): y" } do
            refused(OK .. line .. "\r\n\r\n", "malformed response: header")
        end
        refused(OK .. " folded\r\n\r\n", "it begins with a blank")
        refused(OK .. "X: a\rContent-Length: 5\r\n\r\n", "control character")
        refused(OK .. "X: a\0b\r\n\r\n", "control character")
        refused("HTTP/1.1 101 Switching Protocols\r\n\r\n", "it switches protocols")
        refused("H", "closed")
        refused("HTTP/1.1 200 OK", "closed")
        refused(OK .. "X: y\r\n", "closed")
        taken("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "x")
        taken("HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx", "x")
        taken("HTTP/1.0 299 Ünusual\nX: ü\nContent-Length:1\n\nx", "x")
    end)

    it("headers are a table by lower-case names, in which repeated ones are joined, as in LuaSocket", function()
        local _, code, headers, status = answered("HTTP/1.1 404 Not\tthere\r\nX-A: 1\r\nx-a:  2 \t\r\nX-B:\r\nX-C: a\r\n\t b \r\n c\r\n"
            .. "Content-Length: 0\r\n\r\n")
        assert.are.same({ 404, "HTTP/1.1 404 Not\tthere" }, { code, status })
        assert.are.same({ ["x-a"] = "1, 2", ["x-b"] = "", ["x-c"] = "a b c", ["content-length"] = "0" }, headers)
    end)

    it("a line longer than 64 KiB, and more than 256 lines, are refused", function()
        local _, _, headers = answered(OK .. "X: " .. ("y"):rep(LIMIT - 3) .. "\r\nContent-Length: 0\r\n\r\n")
        assert.are.equal(LIMIT - 3, #headers.x)
        refused(OK .. "X: " .. ("y"):rep(LIMIT - 2) .. "\r\nContent-Length: 0\r\n\r\n", "a line is longer than 65536 bytes")
        refused("HTTP/1.1 200 " .. ("y"):rep(LIMIT) .. "\r\nContent-Length: 0\r\n\r\n", "a line is longer than 65536 bytes")
        _, _, headers = answered(OK .. ("X: y\r\n"):rep(255) .. "Content-Length: 0\r\n\r\n")
        assert.are.equal(255, select(2, headers.x:gsub("y", "")))
        refused(OK .. ("X: y\r\n"):rep(256) .. "Content-Length: 0\r\n\r\n", "more than 256 header lines")
        refused(OK .. "X: y\r\n" .. (" y\r\n"):rep(255) .. "Content-Length: 0\r\n\r\n", "more than 256 header lines")
        local chunked = OK .. "Transfer-Encoding: chunked\r\n\r\n0\r\n"
        assert.are.equal("", (answered(chunked .. ("X: y\r\n"):rep(256) .. "\r\n")))
        refused(chunked .. ("X: y\r\n"):rep(257) .. "\r\n", "more than 256 header lines")
    end)

    it("interim responses are skipped, but not without limit", function()
        local early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        taken(early:rep(16) .. OK .. "Content-Length: 2\r\n\r\nok", "ok")
        refused(early:rep(17) .. OK .. "Content-Length: 2\r\n\r\nok", "more than 16 responses of 1xx")
        local _, _, headers = answered(early .. OK .. "Content-Length: 0\r\n\r\n")
        assert.are.same({ ["content-length"] = "0" }, headers)
    end)

    describe("without end:", function()
        local server
        setup(function()
            server = support.python("hostile_http", pki.chain("server-ec"))
        end)

        local function ask(name, timeout, sink)
            local start = process.clock()
            local ok, why, more = https.request {
                url = ("https://localhost:%d/%s"):format(server.port, name), cafile = pki.path("root.pem"), timeout = timeout,
                sink = sink or function() return 1 end,
            }
            assert.is_nil(more)
            return ok, why, process.clock() - start
        end

        it("a response that exceeds a limit ends the request", function()
            for name, words in pairs {
                interim = "more than 16 responses of 1xx", hints = "more than 16 responses of 1xx", headers = "more than 256 header lines",
                folded = "more than 256 header lines", line = "a line is longer", status = "a line is longer",
                    garbage = "malformed response",
                trailer = "more than 256 header lines", extension = "a line is longer",
            } do
                local ok, why = ask(name, 30)
                assert.is_nil(ok)
                assert.is_truthy(tostring(why):find(words, 1, true), name .. ": " .. tostring(why))
            end
        end)

        it("the timeout covers the whole request with its redirects, however slowly bytes arrive", function()
            for _, name in ipairs { "silent", "head", "body", "chunks", "fast-body", "fast-chunks", "hop1" } do
                local count = 0
                local ok, why, took = ask(name, 0.4, function(chunk)
                    count = count + (chunk and #chunk or 0)
                    return 1
                end)
                assert.is_nil(ok)
                assert.are.equal("timeout", why, name)
                assert.is_true(took >= 0.39, name)
                assert.is_true(took < limits.bound(10), name)
            end
        end)

        it("the default timeout is the module's, or else LuaSocket's", function()
            local http = require "socket.http"
            local before = http.TIMEOUT
            http.TIMEOUT = 0.2
            assert.are.equal("timeout", select(2, ask("body")))
            http.TIMEOUT = 100
            https.TIMEOUT = 0.2
            assert.are.equal("timeout", select(2, ask("body")))
            https.TIMEOUT = nil
            http.TIMEOUT = before
        end)

        it("a sink can end the request", function()
            local count = 0
            local ok, why = ask("fast-chunks", 30, function()
                count = count + 1
                return count < 10 and 1 or nil, "enough"
            end)
            assert.are.same({ "enough", 10 }, { why, count })
            assert.is_nil(ok)
        end)
    end)

    it("the timeout covers connecting, as to a host whose queue is full", function()
        local socket = require "cleat.socket"
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        listener:listen(0)
        local port, waiting = listener:getsockname()[2], {}
        for index = 1, 8 do -- the kernel answers no more once its queue is full
            waiting[index] = socket.socket()
            waiting[index]:setblocking(false)
            waiting[index]:connect_ex { "127.0.0.1", port }
        end
        local start = process.clock()
        assert.are.same({ nil, "timeout" }, { https.request { url = ("https://127.0.0.1:%d/"):format(port), timeout = 0.3 } })
        assert.is_true(process.clock() - start < limits.bound(10))
        for _, sock in ipairs(waiting) do
            sock:close()
        end
        listener:close()
    end)
end)
