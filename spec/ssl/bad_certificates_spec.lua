-- Chains with one thing wrong each, as a server's to our client and as a client's to our server: why each is refused,
-- in code and message, and the alert that its owner sees; and a chain of the same shape with nothing wrong, which is
-- accepted. They are in support/badssl/cases. What OpenSSL and GnuTLS say of the same chains is in docs/verdicts.md.
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

-- compare compares what an attempt came to with a verdict, nil for acceptance, and returns what is wrong with it.
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

-- expected: the verdict on a case in a role, as this BoringSSL gives it.
local function expected(case, role)
    local floor = case.floor and backend.boringssl_api() < 40 and case.floor
    return verdicts.of((floor or case)[role])
end

local function try(case, variant, role, verdict)
    local files = badssl.files(case, variant)
    local tried = 0
    for name, version in pairs(VERSIONS) do
        local result = (case.version or version) == version and attempt.of(files, role, version)
        if result then
            local fault = compare(result, verdict, files.host)
            if fault then
                error(("%s chain, a %s's, %s%s: %s"):format(variant, role, name, result.spliced and ", put in" or "", fault), 0)
            end
            if not verdict or verdict.code then
                -- Without a connection the same is found.
                assert.are.same(result.found, attempt.alone(files, role))
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
                -- the control is always tried with both versions
                assert.are.equal(case.version and 1 or 2, try(case, "right", role, nil))
            end
        end)
    end

    it("a cycle of issuers costs little more than a good chain", function()
        local function try_it(case, which)
            return function()
                attempt.of(badssl.files(case, which), "server", 0x0304)
            end
        end
        for _, case in ipairs(badssl.cases) do
            if case.name:match("^cycle") then
                assert.is_true(limits.costs_at_most(20, try_it(case, "wrong"), try_it(case, "right")))
            end
        end
    end)
end)
