-- https.request over luv's handles, which the field transport makes. (spec/adapters has nginx, spec/hosts haproxy.)
local optional = require "support.optional"

local missing = optional.module("luv", "lua-luv")
if missing then
    return pending("the field transport: " .. missing, function() end)
end

local https = require "cleat.https"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local serve = require "support.serve"
local socket = require "cleat.socket"
local uv = require "luv"

describe("the field transport", function()
    teardown(process.cleanup)

    local url
    setup(function()
        url = ("https://localhost:%d/"):format(serve({ mode = "http" }).port)
    end)

    -- get makes a request in a coroutine under luv, and returns its results and how often transport was called.
    local function get(fields)
        local made, ok, first, second = 0, nil, nil, nil
        fields.cafile = fields.cafile or pki.path "root.pem"
        fields.transport = fields.transport or function()
            made = made + 1
            return uv.new_tcp()
        end
        coroutine.wrap(function()
            ok, first, second = pcall(https.request, fields)
        end)()
        uv.run()
        return made, ok, first, second
    end

    it("makes the connection of a request", function()
        local pieces = {}
        local made, ok, result, code = get { url = url .. "100000", timeout = 60, sink = function(piece)
            pieces[#pieces + 1] = piece
            return 1
        end }
        assert.are.same({ 1, true, 1, 200, 100000 }, { made, ok, result, code, #table.concat(pieces) })
    end)

    it("verifies, times out and reports errors as other connections do", function()
        local made, ok, result, err = get { url = url, cafile = pki.path "unknown-root.pem" }
        assert.are.same({ 1, true, nil, 20 }, { made, ok, result, err.verify_code })
        made, ok, result, err = get { url = (url:gsub("localhost", "127.0.0.1")), host = "127.0.0.1", headers = {} }
        assert.are.same({ 1, true, 1, 200 }, { made, ok, result, err }) -- its certificate has the address
        local silent = socket.socket()
        silent:bind { "127.0.0.1", 0 }
        silent:listen(1)
        made, ok, result, err = get { url = ("https://127.0.0.1:%d/"):format(silent:getsockname()[2]), timeout = 0.05 }
        assert.are.same({ 1, true, nil, "timeout" }, { made, ok, result, err })
        silent:close()
        made, ok, result, err = get { url = ("https://127.0.0.1:%d/"):format(process.refusing_port()) }
        assert.are.same({ 1, true, nil, "connection refused" }, { made, ok, result, err })
    end)

    it("must be a function that returns a socket, and excludes a proxy", function()
        raises("TypeError", { match = "field 'transport' must be a function, not " }, https.request, { url = url, transport = 5 })
        raises("TypeError", { match = "field 'proxy' cannot be used with field 'transport'" }, https.request,
            { url = url, transport = uv.new_tcp, proxy = "http://localhost:1" })
        local made, ok, err = get { url = url, transport = function()
            error("none left", 0)
        end }
        assert.are.same({ 0, false, "none left" }, { made, ok, err })
        made, ok, err = get { url = url, transport = function()
            return {}
        end }
        assert.are.equal(0, made)
        assert.is_false(ok)
        raises.check(err, "TypeError", { match = "wrap_socket() argument 'sock'" })
    end)
end)
