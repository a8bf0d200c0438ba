-- A server of a fleet, for spec/sessions/fleet_spec.lua: TLS, one connection after the other, until it is killed.
-- Arguments are name=value: cert, key, cafile (files); version (1.2 or 1.3); no_ticket; verify; store (redis or none)
-- with port, password, timeout, pause; secret, period (ticket keys); keys (the period of ticket keys from the store);
-- brief (the server closes first); replied (it answers clients after Redis has stored the sessions). It prints its
-- port, and a line for each connection and for each error of the store.
local program = require "support.server_program"
local redis = require "cleat.sessions.redis"
local ssl = require "cleat.ssl"

local options = program.options()

local VERSIONS = { ["1.2"] = ssl.TLSVersion.TLSv1_2, ["1.3"] = ssl.TLSVersion.TLSv1_3 }
local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version, context.maximum_version = VERSIONS[options.version], VERSIONS[options.version]
context:load_cert_chain(options.cert, options.key)
if options.no_ticket then
    context.options = context.options + ssl.OP_NO_TICKET
end
if options.verify then
    context:load_verify_locations(options.cafile)
    context.verify_mode = ssl.CERT_REQUIRED
end

local store = redis.new {
    port = tonumber(options.port or 6379), password = options.password, timeout = tonumber(options.timeout or 5),
    pause = tonumber(options.pause or 0.001),
}
function store.error(err)
    program.print("store error: " .. tostring(err))
end
if options.store then
    context:set_session_store(store)
end
if options.secret then
    context:set_ticket_secret(options.secret, { period = tonumber(options.period) })
end
local refresh = function() end
if options.keys then
    refresh = require("cleat.sessions").ticket_keys(context, store, { period = tonumber(options.keys) })
end

program.serve(function(plain)
    refresh()
    local hits = context:session_stats().hits
    local ok, err = pcall(function()
        local conn = context:wrap_socket(plain, { server_side = true })
        program.print("connection " .. (context:session_stats().hits > hits and "resumed" or "full"))
        if options.replied then
            pcall(store.get, ("0"):rep(32)) -- its reply follows those to the tickets, for which the handshake does not wait
        end
        conn:sendall "hello"
        if options.brief then
            conn:unwrap():close()
            return
        end
        while conn:recv(1000) ~= "" do end
        conn:close()
    end)
    if not ok then
        program.print("failure: " .. tostring(err))
    end
end)
