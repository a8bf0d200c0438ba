-- SSLContext.verify_callback, verification that is not enforced, and the settings of a verification.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local APPLICATION, WRONG_NAME = 50, 62

local function is(class, what, failure)
    return raises.check(failure, class, what)
end

-- client returns a client's context with a callback, and options for link.
local function client(callback, options)
    options = link.client_options(options)
    local context = link.context(options)
    context.verify_callback = callback
    return context, { context = context, server_hostname = options.server_hostname }
end

-- server returns a server's context with a callback, which requires a client's certificate.
local function server(callback, options)
    options = link.server_options(options)
    options.cafile, options.verify = "root.pem", ssl.CERT_REQUIRED
    local context = link.context(options)
    context.verify_callback = callback
    return context, { context = context }
end

-- refused returns both failures of a handshake that the callback of one side refuses.
local function refused(side, version, callback)
    local failures
    if side == "client" then
        failures = link.attempt(select(2, client(callback, { version = version })))
        return failures.client, failures.server
    end
    failures = link.attempt({ cert = "client", version = version }, select(2, server(callback, { version = version })))
    return failures.server, failures.client
end

describe("verify_callback:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("accepts a function or nil, and is read back", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        assert.is_nil(context.verify_callback)
        local function callback() end
        context.verify_callback = callback
        assert.are.equal(callback, context.verify_callback)
        for _, value in ipairs { 4, "", true, {}, false } do
            raises("TypeError", { match = "verify_callback must be a function or nil" }, function()
                context.verify_callback = value
            end)
        end
        assert.are.equal(callback, context.verify_callback)
        context.verify_callback = nil
        assert.is_nil(context.verify_callback)
        raises("TypeError", { match = "verify_callback_may_accept must be a boolean" }, function()
            context.verify_callback_may_accept = 1
        end)
        assert.is_false(context.verify_callback_may_accept)
    end)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("gets the connection, the verified chain and the verdict, each time, with " .. version, function()
            local calls = {}
            local _, options = client(function(conn, chain, verdict)
                calls[#calls + 1] = { conn, chain, verdict }
            end, { version = version })
            for _ = 1, 2 do -- the second time the chain is found in the cache
                assert.are.same({}, (link.attempt(options, { version = version })))
            end
            assert.are.equal(2, #calls)
            for _, call in ipairs(calls) do
                assert.is_true(ssl.SSLSocket:is(call[1]))
                assert.are.equal(pki.read "server-ec.der", call[2][1]:public_bytes(ssl.ENCODING_DER))
                assert.is_true(call[2][#call[2]].is_ca)
                assert.is_true(#call[2] > 1)
                assert.are.same({ verify_code = 0, verify_message = "ok", errors = {} }, call[3])
            end
        end)

        for _, side in ipairs { "client", "server" } do
            it("refuses a peer, on the " .. side .. ", with " .. version, function()
                local R = ssl
                for _, case in ipairs {
                    { false, R.ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN },
                    { R.ALERT_DESCRIPTION_CERTIFICATE_REVOKED, R.ALERT_DESCRIPTION_CERTIFICATE_REVOKED },
                    { R.ALERT_DESCRIPTION_ACCESS_DENIED, R.ALERT_DESCRIPTION_ACCESS_DENIED },
                } do
                    local own, other = refused(side, version, function()
                        return case[1]
                    end)
                    is("SSLCertVerificationError", { verify_code = APPLICATION, reason = "CERTIFICATE_VERIFY_FAILED" }, own)
                    assert.is_nil(own.cause)
                    is("SSLError", { alert = case[2] }, other)
                end
            end)

            it("that raises or returns another value refuses, on the " .. side .. ", with " .. version, function()
                local reason = { "no such pin" }
                local own, other = refused(side, version, function()
                    error(reason)
                end)
                is("SSLCertVerificationError", { verify_code = APPLICATION }, own)
                assert.are.equal(reason, own.cause)
                is("SSLError", { alert = ssl.ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN }, other)
                setmetatable(reason, { __tostring = function()
                    error "no text"
                end })
                own = refused(side, version, function()
                    error(reason)
                end)
                is("SSLCertVerificationError", { verify_code = APPLICATION, match = "failure" }, own)
                assert.are.equal(reason, own.cause)
                for _, value in ipairs { "yes", {}, 1.5, ssl.ALERT_DESCRIPTION_CLOSE_NOTIFY, 1000 } do
                    own, other = refused(side, version, function()
                        return value
                    end)
                    is("SSLCertVerificationError", { verify_code = APPLICATION }, own)
                    is("TypeError", { match = "verify_callback must return" }, own.cause)
                    is("SSLError", { alert = ssl.ALERT_DESCRIPTION_INTERNAL_ERROR }, other)
                end
            end)
        end
    end

    it("true and nil accept", function()
        local answer
        local _, options = client(function()
            return answer
        end)
        assert.are.same({}, (link.attempt(options)))
        answer = true
        assert.are.same({}, (link.attempt(options)))
    end)

    it("cannot accept a peer whose verification has failed", function()
        local calls = 0
        local _, options = client(function()
            calls = calls + 1
            return true
        end, { server_hostname = "wrong.test" })
        is("SSLCertVerificationError", { verify_code = WRONG_NAME }, link.attempt(options).client)
        assert.are.equal(0, calls)
    end)

    it("can accept it if the context allows it, by true alone", function()
        local answer, seen
        local context, options = client(function(_, chain, verdict)
            seen = { #chain, verdict }
            return answer
        end, { server_hostname = "wrong.test" })
        context.verify_callback_may_accept = true
        local failures = link.attempt(options)
        is("SSLCertVerificationError", { verify_code = WRONG_NAME }, failures.client)
        is("SSLError", { alert = ssl.ALERT_DESCRIPTION_BAD_CERTIFICATE }, failures.server)
        assert.are.equal(WRONG_NAME, seen[2].verify_code)
        answer = true
        local result, table_of, der
        assert.are.same({}, (link.attempt(options, nil, function(conn)
            result, table_of, der = conn:get_verify_result(), conn:getpeercert(), conn:getpeercert(true)
        end)))
        assert.are.equal(WRONG_NAME, result.verify_code)
        assert.are.same({}, table_of)
        assert.are.equal(pki.read "server-ec.der", der)
        context.verify_callback_may_accept = false
        is("SSLCertVerificationError", { verify_code = WRONG_NAME }, link.attempt(options).client)
    end)

    it("is not called with CERT_NONE, nor for a client without a certificate", function()
        local function callback()
            error "called"
        end
        local _, options = client(callback, { verify = ssl.CERT_NONE, check_hostname = false })
        assert.are.same({}, (link.attempt(options)))
        local context, asks = server(callback)
        context.verify_mode = ssl.CERT_OPTIONAL
        assert.are.same({}, (link.attempt({}, asks)))
        assert.is_not_nil(link.attempt({ cert = "client" }, asks).server) -- the control
    end)

    it("may yield", function()
        local steps = 0
        local _, options = client(function()
            for _ = 1, 3 do
                coroutine.yield()
                steps = steps + 1
            end
        end)
        local here, there = link.pair(options)
        local got
        tasks.run {
            function()
                tasks.call(here, "sendall", "hello")
                got = tasks.call(here, "recv", 5)
            end,
            function()
                tasks.call(there, "do_handshake")
                tasks.call(there, "sendall", tasks.call(there, "recv", 5))
            end,
        }
        assert.are.same({ 3, "hello" }, { steps, got })
        here:close()
        there:close()
    end)

    it("that closes the connection ends the handshake", function()
        local _, options = client(function(conn)
            conn:close()
        end)
        local here, there = link.pair(options)
        raises("SSLWantReadError", {}, here.do_handshake, here)
        raises("SSLWantReadError", {}, there.do_handshake, there)
        raises("error", { errno = 9 }, here.do_handshake, here)
        there:close()
    end)

    it("is called after the servername callback, and a switched context adds its own", function()
        local order = {}
        local first = server(function()
            order[#order + 1] = "first"
        end)
        local second = server(function()
            order[#order + 1] = "second"
            return order.answer
        end)
        first:set_servername_callback(function(conn)
            order[#order + 1] = "name"
            conn.context = second
        end)
        assert.are.same({}, (link.attempt({ cert = "client" }, { context = first })))
        assert.are.same({ "name", "first", "second" }, order)
        order.answer = ssl.ALERT_DESCRIPTION_ACCESS_DENIED
        is("SSLCertVerificationError", { verify_code = APPLICATION },
            link.attempt({ cert = "client" }, { context = first }).server)
    end)

    it("is that of the time when a connection was made, whatever the context has later", function()
        for side, other in pairs { client = "server", server = "client" } do
            local order = {}
            local function naming(name, answer)
                return function()
                    order[#order + 1] = name
                    return answer
                end
            end
            local context = (side == "client" and client or server)(naming "first")
            local pairs_of = {}
            local function make()
                local here = { context = context, cert = side == "server" and "server-ec" or nil }
                local there = { cert = side == "server" and "client" or nil }
                local options = { [side] = here, [other] = there }
                pairs_of[#pairs_of + 1] = { link.pair(options.client, options.server) }
            end
            local function shake(index)
                local one, two = pairs_of[index][1], pairs_of[index][2]
                local _, failures = tasks.outcomes {
                    function()
                        tasks.call(one, "do_handshake")
                    end,
                    function()
                        tasks.call(two, "do_handshake")
                    end,
                }
                one:close()
                two:close()
                return failures[side == "client" and 1 or 2]
            end
            make()
            context.verify_callback = naming("second", false)
            make()
            context.verify_callback = naming("third", true)
            context.verify_callback_may_accept = true
            make()
            context.verify_callback, context.verify_callback_may_accept = nil, false
            make()
            assert.is_nil(shake(4))
            assert.is_nil(shake(3))
            is("SSLCertVerificationError", { verify_code = APPLICATION }, shake(2))
            assert.is_nil(shake(1))
            assert.are.same({ "third", "second", "first" }, order)
        end
    end)

    it("openssl's certificate is passed to it in each handshake, also a resumed one, and openssl receives the alert", function()
        local calls, answer = 0, nil
        local context = server(function()
            calls = calls + 1
            return answer
        end)
        local listener = socket.socket()
        listener:settimeout(10)
        listener:bind { "127.0.0.1", 0 }
        listener:listen(5)
        local listening = context:wrap_socket(listener, { server_side = true })
        local directory = os.tmpname()
        local function s_client(version, ...)
            return process.start {
                "openssl", "s_client", version, "-ign_eof", "-connect", "127.0.0.1:" .. listener:getsockname()[2], "-CAfile",
                pki.path "root.pem", "-cert", (pki.chain "client"), "-cert_chain", (pki.chain "client"), "-key",
                select(2, pki.chain "client"), timeout = 20, ...,
            }
        end
        for _, version in ipairs { "-tls1_2", "-tls1_3" } do
            calls, answer = 0, nil
            local openssl = s_client(version, "-sess_out", directory)
            local conn = listening:accept()
            assert.is_truthy(conn:getpeercert().subject)
            conn:sendall "first\n"
            openssl:wait_for "first"
            conn:close()
            openssl:wait()
            openssl = s_client(version, "-sess_in", directory)
            conn = listening:accept()
            conn:sendall "second\n"
            openssl:wait_for "second"
            assert.is_truthy(openssl:output():find("Reused, ", 1, true), openssl:output())
            conn:close()
            openssl:stop()
            assert.are.equal(2, calls)
            answer = ssl.ALERT_DESCRIPTION_CERTIFICATE_REVOKED
            for _, word in ipairs { "-sess_in", "-sess_out" } do
                openssl = s_client(version, word, directory)
                raises("SSLCertVerificationError", { verify_code = APPLICATION }, listening.accept, listening)
                openssl:wait_for "alert certificate revoked"
                openssl:stop()
            end
            assert.are.equal(4, calls)
        end
        listening:close()
        os.remove(directory)
    end)

    it("works over two MemoryBIOs", function()
        local answer
        local context = client(function()
            return answer
        end)
        local function shake()
            local to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
            local here = context:wrap_bio(to_client, to_server, { server_hostname = "localhost" })
            local there = link.context(link.server_options()):wrap_bio(to_server, to_client, { server_side = true })
            local ok, failure
            for _ = 1, 4 do
                ok, failure = pcall(here.do_handshake, here)
                pcall(there.do_handshake, there)
            end
            return ok, failure
        end
        assert.is_true((shake()))
        answer = false
        is("SSLCertVerificationError", { verify_code = APPLICATION }, select(2, shake()))
    end)
end)

describe("verification that is not enforced:", function()
    handles.watch(before_each, after_each)

    it("continues, lists all failures, and reports the peer as unverified", function()
        local context, options = client(nil, { cafile = false, server_hostname = "wrong.test" })
        context.enforce_verification = false
        assert.is_false(context.enforce_verification)
        local result, table_of
        assert.are.same({}, (link.attempt(options, nil, function(conn)
            result, table_of = conn:get_verify_result(), conn:getpeercert()
            assert.are.same({}, conn:get_verified_chain())
            assert.are.equal(pki.read "server-ec.der", conn:getpeercert(true))
        end)))
        assert.are.same({}, table_of)
        assert.are.equal(result.verify_code, result.errors[1].code)
        assert.are.equal(result.verify_message, result.errors[1].message)
        local codes = {}
        for _, fault in ipairs(result.errors) do
            codes[fault.code] = fault.depth
        end
        assert.are.equal(0, codes[WRONG_NAME])
        assert.is_true(#result.errors > 1)
        context.enforce_verification = true
        assert.is_not_nil(link.attempt(options).client)
    end)

    it("reports a trusted peer as verified", function()
        local context, options = client(nil)
        context.enforce_verification = false
        local result, table_of
        link.attempt(options, nil, function(conn)
            result, table_of = conn:get_verify_result(), conn:getpeercert()
        end)
        assert.are.same({ verify_code = 0, verify_message = "ok", errors = {} }, result)
        assert.is_not_nil(table_of.subject)
    end)

    it("has no result before the handshake, with CERT_NONE, and after close()", function()
        local here, there = link.pair(select(2, client(nil)))
        assert.is_nil(here:get_verify_result())
        here:close()
        there:close()
        assert.is_nil(here:get_verify_result())
        local result = 1
        link.attempt({ cafile = false, verify = ssl.CERT_NONE, check_hostname = false }, nil, function(conn)
            result = conn:get_verify_result()
        end)
        assert.is_nil(result)
    end)
end)

describe("the attributes of a context:", function()
    handles.watch(before_each, after_each)

    it("have defaults, and raise for invalid values", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        assert.are.same({ true, true, 100 },
            { context.enforce_verification, context.hostname_checks_common_name, context.verify_depth })
        assert.is_nil(context.verify_time)
        for name, cases in pairs {
            enforce_verification = { { "TypeError", 1 }, { "TypeError", "no" } },
            hostname_checks_common_name = { { "TypeError", 0 } },
            verify_depth = { { "TypeError", "1" }, { "TypeError", 1.5 }, { "ValueError", -1 }, { "ValueError", 101 } },
            verify_time = { { "TypeError", "now" }, { "ValueError", -1 }, { "ValueError", 0 / 0 }, { "ValueError", 1e300 } },
        } do
            for _, case in ipairs(cases) do
                raises(case[1], { match = name .. " must be" }, function()
                    context[name] = case[2]
                end)
            end
        end
        assert.is_true(ssl.HAS_NEVER_CHECK_COMMON_NAME)
    end)

    it("verify_time is the time of the verification", function()
        local context, options = client(nil)
        local cert = ssl.Certificate(pki.read "server-ec.der")
        for _, case in ipairs { { cert.not_before - 86400 * 365 * 50, 9 }, { cert.not_after + 86400 * 365 * 200, 10 } } do
            context.verify_time = math.max(case[1], 0)
            assert.are.equal(math.max(case[1], 0), context.verify_time)
            is("SSLCertVerificationError", { verify_code = case[2] }, link.attempt(options).client)
        end
        context.verify_time = nil
        assert.are.same({}, (link.attempt(options)))
    end)

    it("verify_depth counts the intermediates", function()
        local context, options = client(nil)
        context.verify_depth = 0
        local failure = link.attempt(options).client
        local count
        context.verify_depth = 100
        assert.are.same({}, (link.attempt(options, nil, function(conn)
            count = #conn:get_verified_chain() - 2
        end)))
        assert.are.equal(count > 0, failure ~= nil)
        context.verify_depth = count
        assert.are.same({}, (link.attempt(options)))
        if count > 0 then
            is("SSLCertVerificationError", { verify_code = 22 }, failure)
        end
    end)
end)
