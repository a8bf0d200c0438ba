-- TLS connections between two SSLSockets of this process.
local check_options = require "support.check_options"
local merge = require "support.merge"
local pki = require "support.pki"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local link = {}

local PROTOCOLS = {
    ["TLSv1"] = ssl.PROTOCOL_TLSv1, ["TLSv1.1"] = ssl.PROTOCOL_TLSv1_1, ["TLSv1.2"] = ssl.PROTOCOL_TLSv1_2,
    ["TLSv1.3"] = ssl.PROTOCOL_TLS,
}

local NAMES = "version cert cafile verify check_hostname alpn npn ciphers flags server_hostname suppress_ragged_eofs"
    .. " transport context"

-- context returns an SSLContext. options: version, cert (a name of pki), cafile (a file of pki), verify,
-- check_hostname, alpn, ciphers, flags; link.pair's other options are ignored. An unknown name is an error.
function link.context(options)
    check_options("link.context", options, NAMES)
    local protocol = PROTOCOLS[options.version or "TLSv1.3"]
        or error(("link.context: no version %q"):format(tostring(options.version)), 2)
    local ctx = ssl.SSLContext(protocol)
    if options.version == "TLSv1.3" then
        ctx.options = ctx.options + ssl.OP_NO_TLSv1 + ssl.OP_NO_TLSv1_1 + ssl.OP_NO_TLSv1_2
    end
    if options.cert then
        ctx:load_cert_chain(pki.chain(options.cert))
    end
    if options.cafile then
        ctx:load_verify_locations(pki.path(options.cafile))
    end
    if options.verify then
        ctx.verify_mode = options.verify
    end
    if options.check_hostname then
        ctx.check_hostname = true
    end
    if options.alpn then
        ctx:set_alpn_protocols(options.alpn)
    end
    if options.ciphers then
        ctx:set_ciphers(options.ciphers)
    end
    if options.flags then
        ctx.verify_flags = options.flags
    end
    return ctx
end

function link.client_options(options)
    return merge({
        cafile = "root.pem", verify = ssl.CERT_REQUIRED, check_hostname = true, server_hostname = "localhost",
    }, options)
end

function link.server_options(options)
    return merge({ cert = "server-ec" }, options)
end

-- tcp returns both ends of a TCP connection over loopback.
function link.tcp()
    local listener = socket.socket()
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1)
    local client = socket.socket()
    client:connect(listener:getsockname())
    local server = listener:accept()
    listener:close()
    return client, server
end

-- pair returns a client and a server before the handshake, non-blocking, over a socketpair or over the plain sockets
-- that the client's option transport returns. Options are those of link.context, server_hostname, suppress_ragged_eofs,
-- and context for an existing context. false as an option removes its default.
function link.pair(client_options, server_options)
    client_options = link.client_options(client_options)
    server_options = link.server_options(server_options)
    check_options("a client's options", client_options, NAMES)
    check_options("a server's options", server_options, NAMES)
    local first, second
    if client_options.transport then
        first, second = client_options.transport()
    else
        first, second = socket.socketpair()
    end
    first:settimeout(0)
    second:settimeout(0)
    local client_context = client_options.context or link.context(client_options)
    local server_context = server_options.context or link.context(server_options)
    local client = client_context:wrap_socket(first, {
        do_handshake_on_connect = false, server_hostname = client_options.server_hostname or nil,
        suppress_ragged_eofs = client_options.suppress_ragged_eofs,
    })
    local server = server_context:wrap_socket(second, {
        server_side = true, do_handshake_on_connect = false,
        suppress_ragged_eofs = server_options.suppress_ragged_eofs,
    })
    return client, server
end

-- shake_in_turns calls do_handshake on both sides of a pair in turn, also on a side that has failed. It returns the
-- first error of each side, by the side.
function link.shake_in_turns(client, server)
    local failures = {}
    for _ = 1, 6 do
        for _, side in ipairs { client, server } do
            local ok, failure = pcall(side.do_handshake, side)
            if not ok and not ssl.SSLWantReadError:is(failure) then
                failures[side] = failures[side] or failure
            end
        end
    end
    return failures
end

-- attempt does the handshakes of a new pair, and then sends one byte in each direction, so that it detects a late
-- refusal. It closes both, and returns the failures, by "client" and "server", and what inspect(client, server)
-- returned, which is called before the closing if nothing has failed.
function link.attempt(client_options, server_options, inspect)
    local client, server = link.pair(client_options, server_options)
    -- A side that fails sends nothing more, but the other one still reads what it has sent before.
    local function ending(sock, body)
        return function()
            local ok, failure = pcall(body)
            if not ok then
                pcall(sock.shutdown, sock, socket.SHUT_WR)
                error(failure, 0)
            end
        end
    end
    -- No other program uses the socketpair: if both wait and there is nothing to read, they would wait indefinitely.
    local _, failures = tasks.outcomes({
        ending(client, function()
            tasks.call(client, "do_handshake")
            assert(tasks.receive(client, 1) == "s", "end of stream")
            tasks.send_all(client, "c")
        end),
        ending(server, function()
            tasks.call(server, "do_handshake")
            tasks.send_all(server, "s")
            assert(tasks.receive(server, 1) == "c", "end of stream")
        end),
    }, not (client_options and client_options.transport) and 0.1 or nil)
    local result
    if inspect and not failures[1] and not failures[2] then
        result = { pcall(inspect, client, server) }
    end
    client:close()
    server:close()
    if result and not result[1] then
        error(result[2], 0)
    end
    return { client = failures[1], server = failures[2] }, result and result[2]
end

-- open returns a connected pair with timeouts of ten seconds.
function link.open(client_options, server_options)
    local client, server = link.pair(client_options, server_options)
    tasks.run {
        function()
            tasks.call(client, "do_handshake")
        end,
        function()
            tasks.call(server, "do_handshake")
        end,
    }
    client:settimeout(10)
    server:settimeout(10)
    return client, server
end

return link
