-- Chains with one fault each, sent by a server to cleat's client and by a client to cleat's server: the code and the
-- message of the refusal, and the alert that the peer receives; and a chain of the same shape without the fault, which
-- is accepted. They are in support/badssl/cases. OpenSSL's and GnuTLS's verdicts on the same chains are in
-- docs/verdicts.md.
local attempt = require "support.badssl.attempt"
local backend = require "cleat.backend"
local badssl = require "support.badssl"
local handles = require "support.handles"
local limits = require "support.limits"
local process = require "support.process"
local verdicts = require "support.badssl.verdicts"

local const = backend.const

local VERSIONS = { ["TLS 1.2"] = 0x0303, ["TLS 1.3"] = 0x0304 }

local function describe_failure(failure)
    if not failure then
        return "nothing"
    end
    return ("class %d, value %d, %s"):format(failure.class, failure.value, failure.message)
end

-- compare compares an attempt's result with a verdict, nil for acceptance, and returns a text with the difference.
local function compare(result, verdict, host)
    local failure, peer_failure = result.failure, result.peer_failure
    if not verdict then
        if failure or peer_failure or not result.established then
            return ("expected acceptance, got %s; the peer: %s"):format(describe_failure(failure), describe_failure(peer_failure))
        end
        return nil
    end
    if not failure then
        return "expected " .. verdict.name .. ", it was accepted"
    end
    local right
    if verdict.code then
        local message = verdict.message:gsub("%%s", host)
        right = failure.class == const.VERIFY and failure.value == verdict.code and failure.verify_message == message
            and failure.reason == "CERTIFICATE_VERIFY_FAILED"
            and failure.message:find("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " .. message, 1, true) == 1
    else
        right = failure.class == const.SSL and failure.reason == verdict.reason and failure.message ~= ""
    end
    if not right then
        return ("expected %s (%s), got %s"):format(verdict.name, verdict.message or "a reason", describe_failure(failure))
    end
    if not peer_failure or peer_failure.class ~= const.ALERT or peer_failure.value ~= verdicts.ALERTS[verdict.alert] then
        return ("expected the alert %s, the peer: %s"):format(verdict.alert, describe_failure(peer_failure))
    end
    return nil
end

-- expected returns the verdict on a case in a role, for the BoringSSL in use.
local function expected(case, role)
    local floor = case.floor and backend.boringssl_api() < 40 and case.floor
    return verdicts.get((floor or case)[role])
end

local function try(case, variant, role, verdict)
    local files = badssl.files(case, variant)
    local tried = 0
    for name, version in pairs(VERSIONS) do
        local result = (case.version or version) == version and attempt.handshake(files, role, version)
        if result then
            local fault = compare(result, verdict, files.host)
            if fault then
                error(("%s chain, a %s's, %s%s: %s"):format(variant, role, name, result.spliced and ", put in" or "", fault), 0)
            end
            if not verdict or verdict.code then
                -- Verification without a connection has the same result.
                assert.are.same(result.found, attempt.verify(files, role))
                assert.are.equal(verdict and verdict.code, result.found and result.found.code)
            end
            tried = tried + 1
        end
    end
    return tried
end

describe("bad certificates:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("there are at least sixty chains, with different names", function()
        local names, refused = {}, 0
        for _, case in ipairs(badssl.cases) do
            assert.is_nil(names[case.name], case.name)
            names[case.name] = true
            refused = refused + ((case.server ~= "accepted" or case.client ~= "accepted") and 1 or 0)
        end
        assert.is_true(refused >= 60)
    end)

    for _, case in ipairs(badssl.cases) do
        it(case.topic .. ": " .. case.name .. ": " .. case.what, function()
            for _, role in ipairs { "server", "client" } do
                assert.is_true(try(case, "wrong", role, expected(case, role)) >= 1)
                -- the control is tested with both versions
                assert.are.equal(case.version and 1 or 2, try(case, "right", role, nil))
            end
        end)
    end

    it("a cycle of issuers is refused at little more cost than a good chain", function()
        local function try_it(case, which)
            return function()
                attempt.handshake(badssl.files(case, which), "server", 0x0304)
            end
        end
        for _, case in ipairs(badssl.cases) do
            if case.name:match("^cycle") then
                assert.is_true(limits.costs_at_most(20, try_it(case, "wrong"), try_it(case, "right")))
            end
        end
    end)
end)
