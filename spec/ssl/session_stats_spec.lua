-- SSLContext.session_stats, and the sessions that it counts: openssl s_client resumes them with tickets, without
-- tickets, and without success.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local KEYS = { "accept", "accept_good", "accept_renegotiate", "cache_full", "connect", "connect_good", "connect_renegotiate",
    "hits", "misses", "number", "store_errors", "timeouts" }

-- expected returns all counters, 0 except for the given ones.
local function expected(given)
    local stats = {}
    for _, key in ipairs(KEYS) do
        stats[key] = given[key] or 0
    end
    return stats
end

local FLAGS = { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" }

-- server returns a listening TLS socket with a context, and its port.
local function server(context)
    local plain = socket.socket()
    plain:settimeout(10)
    plain:bind { "127.0.0.1", 0 }
    plain:listen(5)
    return context:wrap_socket(plain, { server_side = true }), plain:getsockname()[2]
end

-- visit makes one connection of s_client with further arguments; it returns whether s_client reports a resumed session.
local function visit(listener, port, version, words)
    local command = { "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-ign_eof", FLAGS[version], timeout = 20 }
    for _, word in ipairs(words) do
        command[#command + 1] = word
    end
    local client = process.start(command)
    local sock = listener:accept()
    sock:sendall("hello\n") -- TLS 1.3's tickets are sent before this
    client:wait_for("hello")
    sock:close()
    client:wait()
    local kind = client:output():match("\n(%a+), TLSv1%.%d, Cipher is")
    client:stop()
    assert(kind == "New" or kind == "Reused", client:output())
    return kind == "Reused"
end

describe("session_stats:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("STAT-01 STAT-02 has Python's eleven counters and one more, all 0 at first", function()
        for _, protocol in ipairs { ssl.PROTOCOL_TLS, ssl.PROTOCOL_TLSv1_2 } do
            local stats = ssl.SSLContext(protocol):session_stats()
            assert.are.same(expected {}, stats)
            for _, key in ipairs(KEYS) do
                assert.are.equal("number", type(stats[key]))
                assert.is_truthy(not math.type or math.type(stats[key]) == "integer")
            end
        end
    end)

    it("STAT-01 is a new table at each call", function()
        local context = link.context {}
        context:session_stats().accept = 7
        assert.are.equal(0, context:session_stats().accept)
    end)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        describe(version .. ":", function()
            it("STAT-03 counts handshakes at both ends", function()
                local client_options = link.client_options { version = version }
                local client_context, server_context = link.context(client_options),
                    link.context(link.server_options { version = version })
                for count = 1, 3 do
                    local failures = link.attempt({ context = client_context }, { context = server_context })
                    assert.are.same({}, failures)
                    assert.are.same(expected { connect = count, connect_good = count }, client_context:session_stats())
                    assert.are.same(expected { accept = count, accept_good = count }, server_context:session_stats())
                end
            end)

            it("STAT-03 counts failed handshakes separately", function()
                local client_context = link.context { version = version, verify = ssl.CERT_REQUIRED }
                local server_context = link.context(link.server_options { version = version })
                local failures = link.attempt({ context = client_context }, { context = server_context })
                raises.check(failures.client, "SSLError", { reason = "CERTIFICATE_VERIFY_FAILED" })
                raises.check(failures.server, "SSLError", {})
                assert.are.same(expected { connect = 1 }, client_context:session_stats())
                assert.are.same(expected { accept = 1 }, server_context:session_stats())
            end)

            it("STAT-02 STAT-03 counts a handshake once, in however many calls, and nothing before the first", function()
                local context = link.context(link.server_options { version = version })
                local client, sock = link.pair({ version = version }, { context = context })
                assert.are.same(expected {}, context:session_stats())
                for _ = 1, 3 do
                    raises("SSLWantReadError", {}, sock.do_handshake, sock)
                end
                assert.are.same(expected { accept = 1 }, context:session_stats())
                client:close()
                sock:close()
            end)

            for _, tickets in ipairs { true, false } do
                it("STAT-03 CTX-01 counts sessions that s_client resumes " .. (tickets and "by ticket" or "without tickets"), function()
                    local context = link.context(link.server_options { version = version })
                    if not tickets then
                        context.options = context.options + ssl.OP_NO_TICKET
                    end
                    local listener, port = server(context)
                    local file = process.directory() .. "/session-" .. version .. tostring(tickets)
                    -- Sessions of TLS 1.3 are tickets; those of TLS 1.2 without them are in the server's cache.
                    local resumes = tickets or version == "TLSv1.2"
                    local number = resumes and not tickets and 1 or 0
                    assert.is_false(visit(listener, port, version, { "-sess_out", file }))
                    assert.are.same(expected { accept = 1, accept_good = 1, number = number }, context:session_stats())
                    if resumes then
                        assert.is_true(visit(listener, port, version, { "-sess_in", file, "-sess_out", file }))
                        assert.is_true(visit(listener, port, version, { "-sess_in", file }))
                        assert.are.same(expected { accept = 3, accept_good = 3, hits = 2, number = number },
                            context:session_stats())
                    end
                    assert.is_false(visit(listener, port, version, {}))
                    assert.are.equal(resumes and 2 or 0, context:session_stats().hits)
                    assert.are.equal(0, context:session_stats().misses)
                    listener:close()
                end)
            end

            it("STAT-03 counts sessions that are offered to a context that cannot resume them", function()
                local context = link.context(link.server_options { version = version })
                local listener, port = server(context)
                local file = process.directory() .. "/session-" .. version
                visit(listener, port, version, { "-sess_out", file })
                listener:close()
                local later = link.context(link.server_options { version = version })
                listener, port = server(later)
                assert.is_false(visit(listener, port, version, { "-sess_in", file }))
                assert.are.same(expected { accept = 1, accept_good = 1, misses = 1 }, later:session_stats())
                listener:close()
            end)
        end)
    end

    it("STAT-03 counts a session that was removed from the cache", function()
        local options = { version = "TLSv1.2" }
        local file = process.directory() .. "/session-gone"
        for round = 1, 2 do
            local context = link.context(link.server_options(options))
            context.options = context.options + ssl.OP_NO_TICKET
            local listener, port = server(context)
            assert.is_false(visit(listener, port, "TLSv1.2", round == 1 and { "-sess_out", file } or { "-sess_in", file }))
            assert.are.equal(round - 1, context:session_stats().misses)
            listener:close()
        end
    end)

    it("CTX-01 a resumed session keeps the client's certificate", function()
        local context = link.context(link.server_options {
            version = "TLSv1.2", cafile = "root.pem", verify = ssl.CERT_REQUIRED,
        })
        local listener, port = server(context)
        local file = process.directory() .. "/session-client"
        local certfile, keyfile = pki.chain("client")
        for round = 1, 2 do
            local client = process.start { "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-ign_eof", "-tls1_2",
                "-cert", certfile, "-cert_chain", certfile, "-key", keyfile, round == 1 and "-sess_out" or "-sess_in", file }
            local sock = listener:accept()
            assert.are.equal("client", sock:getpeercert().subject[2][1][2])
            sock:sendall("hello\n")
            client:wait_for("hello")
            sock:close()
            client:stop()
        end
        assert.are.equal(1, context:session_stats().hits)
        listener:close()
    end)
end)
