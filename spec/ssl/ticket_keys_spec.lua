-- The settings that decide how long and where a server's sessions resume: ticket keys, ticket secrets, session_timeout,
-- num_tickets, session_id_context. CPython is the client.
local handles = require "support.handles"
local peer = require "support.peer"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local visits = require "support.server_visits"

local visit, resumes = visits.visit, visits.resumes
local TLS12, TLS13 = visits.VARIANTS[1], visits.VARIANTS[3]

local function key()
    return ssl.RAND_bytes(80)
end

describe("ticket keys:", function()
    handles.watch(before_each, after_each)
    teardown(peer.cleanup)

    for _, variant in ipairs { TLS12, TLS13 } do
        describe(variant.name .. ":", function()
            it("that two servers share let a client resume on either", function()
                local first, second, third = visits.server(variant), visits.server(variant), visits.server(variant)
                local shared = key()
                first:set_ticket_keys { shared }
                second:set_ticket_keys { shared }
                visit(variant, first)
                assert.is_true(resumes(variant, second))
                assert.is_true(resumes(variant, first))
                assert.is_false(resumes(variant, third)) -- a control
            end)

            it("are rotated without a full handshake, until the old one is gone", function()
                local context = visits.server(variant)
                local old, new, newer = key(), key(), key()
                context:set_ticket_keys { old }
                visit(variant, context, { save = "old" })
                context:set_ticket_keys { new, old }
                assert.is_true(resumes(variant, context, { resume = "old", save = "renewed" }))
                context:set_ticket_keys { newer, new }
                assert.is_true(resumes(variant, context, { resume = "renewed" })) -- its ticket is encrypted with the new key
                assert.is_false(resumes(variant, context, { resume = "old" }))
            end)

            it("of another name, or with another byte, decrypt nothing", function()
                for _, at in ipairs { 1, 16, 17, 48, 49, 80 } do
                    local context = visits.server(variant)
                    local one = key()
                    context:set_ticket_keys { one }
                    visit(variant, context)
                    context:set_ticket_keys { one:sub(1, at - 1) .. string.char((one:byte(at) + 1) % 256) .. one:sub(at + 1) }
                    assert.is_false(resumes(variant, context))
                end
            end)

            it("can be reset to random ones", function()
                local context = visits.server(variant)
                local one = key()
                context:set_ticket_keys { one }
                visit(variant, context)
                context:set_ticket_keys()
                assert.is_false(resumes(variant, context))
                assert.is_true(resumes(variant, context))
            end)

            it("from a secret let a client resume on other servers", function()
                local first, second, third = visits.server(variant), visits.server(variant), visits.server(variant)
                local secret = ssl.RAND_bytes(32)
                first:set_ticket_secret(secret)
                second:set_ticket_secret { secret = { secret }, period = 86400 }
                third:set_ticket_secret(secret, { period = 3600 })
                visit(variant, first)
                assert.is_true(resumes(variant, second))
                assert.is_true(resumes(variant, first))
                assert.is_false(resumes(variant, third)) -- another period results in other keys
            end)

            it("from two secrets: the first encrypts, both decrypt", function()
                local context, other = visits.server(variant), visits.server(variant)
                local old, new = ssl.RAND_bytes(32), ssl.RAND_bytes(100)
                context:set_ticket_secret(old)
                visit(variant, context, { save = "old" })
                context:set_ticket_secret { new, old }
                assert.is_true(resumes(variant, context, { resume = "old", save = "renewed" }))
                other:set_ticket_secret(new)
                assert.is_true(resumes(variant, other, { resume = "renewed" }))
                assert.is_false(resumes(variant, other, { resume = "old" }))
            end)

            it("are the initial context's if the server name switches it", function()
                local context, other = visits.server(variant), visits.server(variant)
                context:set_ticket_keys { key() }
                other:set_ticket_keys { key() }
                context:set_servername_callback(function(sock)
                    sock.context = other
                end)
                visit(variant, context)
                assert.is_false(resumes(variant, other, { save = "of other" }))
                visit(variant, context)
                assert.is_true(resumes(variant, context))
            end)
        end)
    end

    it("are refused if they are malformed", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        local one = key()
        for _, keys in ipairs { {}, { one:sub(2) }, { one .. "x" }, { one, one }, { one:sub(1, 40), one:sub(41) } } do
            raises("ValueError", {}, context.set_ticket_keys, context, keys)
        end
        raises("ValueError", { match = "a ticket key must have 80 bytes, not 79" }, context.set_ticket_keys, context, { one:sub(2) })
        raises("ValueError", { match = "two keys begin with the same 16 bytes" }, context.set_ticket_keys, context,
            { one, one:sub(1, 16) .. key():sub(17) })
        local many = {}
        for index = 1, 17 do
            many[index] = key()
        end
        raises("ValueError", { match = "1 to 16 entries, not 17" }, context.set_ticket_keys, context, many)
        raises("TypeError", {}, context.set_ticket_keys, context, 80)
        raises("TypeError", {}, context.set_ticket_keys, context, { 80 })
        table.remove(many)
        context:set_ticket_keys(many)
        context:set_ticket_keys(many[1])
    end)

    it("from malformed secrets are refused", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        local secret = ssl.RAND_bytes(32)
        raises("ValueError", { match = "a ticket secret must have 32 to 65535 bytes, not 31" }, context.set_ticket_secret, context,
            secret:sub(2))
        raises("ValueError", {}, context.set_ticket_secret, context, ("x"):rep(65536))
        raises("ValueError", {}, context.set_ticket_secret, context, {})
        for _, period in ipairs { 0, -1, 604801 } do
            raises("ValueError", { match = "period" }, context.set_ticket_secret, context, secret, period)
        end
        raises("TypeError", { match = "period" }, context.set_ticket_secret, context, secret, "day")
        raises("TypeError", {}, context.set_ticket_secret, context, 32)
        raises("TypeError", {}, context.set_ticket_secret, context, { secret, 32 })
        raises("TypeError", { match = "periode" }, context.set_ticket_secret, context, secret, { periode = 60 })
        context:set_ticket_secret(secret, 604800)
        context:set_ticket_secret(("x"):rep(65535))
        context:set_ticket_secret()
    end)
end)

describe("num_tickets:", function()
    handles.watch(before_each, after_each)
    teardown(peer.cleanup)

    it("B-43 is 2, and 0 to 4 on a server's context", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert.are.equal(2, context.num_tickets)
        for value = 0, 4 do
            context.num_tickets = value
            assert.are.equal(value, context.num_tickets)
        end
        local function set(value, other)
            (other or context).num_tickets = value
        end
        raises("ValueError", { match = "value must be non-negative" }, set, -1)
        raises("ValueError", { match = "num_tickets is at most 4" }, set, 5)
        raises("TypeError", {}, set, nil)
        raises("TypeError", {}, set, "1")
        raises("TypeError", {}, set, 1.5)
        local client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        assert.are.equal(2, client.num_tickets)
        raises("ValueError", { match = "SSLContext is not a server context." }, set, 1, client)
        set(3, ssl.SSLContext(ssl.PROTOCOL_TLS))
        assert.are.equal(4, context.num_tickets)
    end)

    it("is the number of tickets that a server of TLS 1.3 sends", function()
        for number = 0, 4 do
            local context = visits.server(TLS13)
            local puts = 0
            context:set_session_store { get = function() end, put = function() puts = puts + 1 end }
            context.num_tickets = number
            visit(TLS13, context)
            assert.are.equal(number, puts)
        end
    end)

    it("of 0 disables resumption in TLS 1.3, and does not affect TLS 1.2", function()
        for _, variant in ipairs(visits.VARIANTS) do
            local context = visits.server(variant)
            context.num_tickets = 0
            visit(variant, context)
            if variant == TLS13 then
                assert.is_false(visit(variant, context, { save = "none" }).resumed)
            else
                assert.is_true(resumes(variant, context))
            end
        end
    end)
end)

describe("session_timeout:", function()
    handles.watch(before_each, after_each)
    teardown(peer.cleanup)

    it("is nil, or a number of seconds", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert.is_nil(context.session_timeout)
        context.session_timeout = 604800
        assert.are.equal(604800, context.session_timeout)
        local function set(value)
            context.session_timeout = value
        end
        raises("ValueError", {}, set, 604801)
        raises("ValueError", {}, set, -1)
        raises("TypeError", {}, set, "1")
        assert.are.equal(604800, context.session_timeout)
        set(nil)
        assert.is_nil(context.session_timeout)
    end)

    it("is the lifetime of the sessions that a server stores", function()
        for _, variant in ipairs(visits.VARIANTS) do
            local context, lifetimes = visits.server(variant), {}
            context:set_session_store { get = function() end, put = function(_, _, lifetime) lifetimes[#lifetimes + 1] = lifetime end }
            context.session_timeout = 1234
            local start = os.time()
            visit(variant, context)
            local least = 1234 - (os.time() - start) - 1 -- it is the rest of the lifetime; os.time() may be late by some milliseconds
            assert.are.equal(variant == TLS13 and 2 or 1, #lifetimes)
            for _, lifetime in ipairs(lifetimes) do
                assert.is_true(lifetime >= least and lifetime <= 1234, lifetime)
            end
        end
    end)
end)

describe("session_id_context:", function()
    handles.watch(before_each, after_each)
    teardown(peer.cleanup)

    it("is nil, or 1 to 32 bytes", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert.is_nil(context.session_id_context)
        for _, value in ipairs { "x", ("\0"):rep(32) } do
            context.session_id_context = value
            assert.are.equal(value, context.session_id_context)
        end
        local function set(value)
            context.session_id_context = value
        end
        raises("ValueError", {}, set, "")
        raises("ValueError", {}, set, ("x"):rep(33))
        raises("TypeError", {}, set, 1)
        set(nil)
        assert.is_nil(context.session_id_context)
    end)

    -- Two servers with the same keys and the same store resume each other's sessions unless a setting separates them.
    for _, variant in ipairs(visits.VARIANTS) do
        local function pair(first_options, second_options)
            local kept, keys = {}, { key() }
            local list = {}
            for index, options in ipairs { first_options, second_options } do
                local context = visits.server(variant, options)
                context:set_ticket_keys(keys)
                context:set_session_store {
                    get = function(name) return kept[name] end, put = function(name, bytes) kept[name] = bytes end,
                }
                context.session_id_context = options.id_context
                list[index] = context
            end
            return list[1], list[2]
        end
        local VERIFIED = { cafile = "root.pem", verify = ssl.CERT_REQUIRED }
        local OTHER = { cafile = "unknown-root.pem", verify = ssl.CERT_REQUIRED }

        it(variant.name .. ": separates contexts that verify clients in the same way", function()
            local function with(id_context)
                return { cafile = VERIFIED.cafile, verify = VERIFIED.verify, id_context = id_context }
            end
            for _, case in ipairs {
                { with(nil), with(nil), true }, { with("a"), with("a"), true }, { with("a"), with("b"), false },
                { with(nil), with("a"), false }, { with("a"), with("a\0"), false },
            } do
                local first, second = pair(case[1], case[2])
                visit(variant, first, { cert = "client" })
                local outcome = visit(variant, second, { cert = "client", resume = "visit" })
                assert.are.equal(case[3], outcome.resumed)
                assert.are.equal("client", outcome.subject)
            end
        end)

        it(variant.name .. ": the same value does not connect contexts that verify clients differently", function()
            local first, second = pair(VERIFIED, OTHER)
            first.session_id_context, second.session_id_context = "same", "same"
            visit(variant, first, { cert = "client" })
            local outcome = visit(variant, second, { cert = "client", resume = "visit" })
            raises.check(outcome.failure, "SSLCertVerificationError", { verify_code = 20 })
            local third, fourth = pair({ verify = ssl.CERT_NONE }, VERIFIED)
            third.session_id_context, fourth.session_id_context = "same", "same"
            visit(variant, third, {})
            raises.check(visit(variant, fourth, { resume = "visit" }).failure, "SSLError",
                { reason = "PEER_DID_NOT_RETURN_A_CERTIFICATE" })
        end)
    end
end)
