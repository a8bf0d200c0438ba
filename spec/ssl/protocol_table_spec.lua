-- The table of protocols in Python's documentation (section 17.3.1.1): which client can connect to which server. Each
-- cell is tested with cleat's client and server, cleat's client and openssl s_server, and openssl s_client and cleat's
-- server.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local serve = require "support.serve"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

-- The table as the documentation has it. The cells of SSL 2 and SSL 3 cannot be tested, because BoringSSL has neither.
local SERVERS = { "SSLv2", "SSLv3", "SSLv23", "TLSv1", "TLSv1.1", "TLSv1.2" }
local TABLE = {
    { "WRAP-18 a client of", "SSLv2", { "yes", "no", "yes", "no", "no", "no" } },
    { "WRAP-19 a client of", "SSLv3", { "no", "yes", "yes", "no", "no", "no" } },
    { "WRAP-20 CTX-03 CONST-09 CONST-10 a client of", "SSLv23", { "no", "yes", "yes", "yes", "yes", "yes" } },
    { "WRAP-21 CONST-13 a client of", "TLSv1", { "no", "no", "yes", "yes", "no", "no" } },
    { "WRAP-22 CONST-14 a client of", "TLSv1.1", { "no", "no", "yes", "no", "yes", "no" } },
    { "WRAP-23 CONST-15 a client of", "TLSv1.2", { "no", "no", "yes", "no", "no", "yes" } },
}
local PROTOCOLS = {
    SSLv2 = ssl.PROTOCOL_SSLv2, SSLv3 = ssl.PROTOCOL_SSLv3, SSLv23 = ssl.PROTOCOL_SSLv23, TLSv1 = ssl.PROTOCOL_TLSv1,
    ["TLSv1.1"] = ssl.PROTOCOL_TLSv1_1, ["TLSv1.2"] = ssl.PROTOCOL_TLSv1_2,
}
local BUILT = { "SSLv23", "TLSv1", "TLSv1.1", "TLSv1.2" }
local FLAGS = { TLSv1 = "-tls1", ["TLSv1.1"] = "-tls1_1", ["TLSv1.2"] = "-tls1_2" } -- openssl's; none for SSLv23

local function can_be_built(name)
    return name ~= "SSLv2" and name ~= "SSLv3"
end

-- negotiated returns the version on which two compatible ends agree.
local function negotiated(client, server)
    if client == "SSLv23" then
        return server == "SSLv23" and "TLSv1.3" or server
    end
    return client
end

local function documented(client, server)
    for _, row in ipairs(TABLE) do
        if row[2] == client then
            for i, name in ipairs(SERVERS) do
                if name == server then
                    return row[3][i] == "yes"
                end
            end
        end
    end
end

local function server_context(protocol)
    local context = ssl.SSLContext(PROTOCOLS[protocol])
    context:load_cert_chain(pki.chain("server-rsa"))
    return context
end

describe("the table of protocols:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, row in ipairs(TABLE) do
        for i, server in ipairs(SERVERS) do
            local client, yes = row[2], row[3][i] == "yes"
            local outcome = "cannot be built"
            if can_be_built(client) and can_be_built(server) then
                outcome = yes and "yes, " .. negotiated(client, server) or "no"
            end
            it(("%s %s and a server of %s: %s"):format(row[1], client, server, outcome), function()
                if outcome == "cannot be built" then
                    local name = can_be_built(client) and server or client
                    raises("ValueError", { match = "unsupported protocol version" }, ssl.SSLContext, PROTOCOLS[name])
                    local plain = socket.socket()
                    raises("ValueError", { match = "unsupported protocol version" }, ssl.wrap_socket, plain,
                        { ssl_version = PROTOCOLS[name] })
                    plain:close()
                    return
                end
                local failures, versions = link.attempt({ context = ssl.SSLContext(PROTOCOLS[client]) },
                    { context = server_context(server) }, function(sock, peer)
                        return { sock:version(), peer:version() }
                    end)
                if yes then
                    assert.is_nil(failures.client)
                    assert.is_nil(failures.server)
                    assert.are.same({ negotiated(client, server), negotiated(client, server) }, versions)
                    return
                end
                -- A server without the client's version sends an alert; a client refuses a version that it has not
                -- offered.
                local refuses, hears = "server", "client"
                if client > server then
                    refuses, hears = "client", "server"
                end
                raises.check(failures[refuses], "SSLError", { library = "SSL", reason = "UNSUPPORTED_PROTOCOL" })
                raises.check(failures[hears], "SSLError", {
                    library = "SSL", reason = "TLSV1_ALERT_PROTOCOL_VERSION", alert = ssl.ALERT_DESCRIPTION_PROTOCOL_VERSION,
                })
            end)
        end
    end

    -- Today's openssl supports TLS 1.0 and 1.1 only at security level 0.
    local OLD = { "env", "OPENSSL_CONF=/dev/null", "openssl" }

    local function command(words, protocol)
        local list = { stdin = "x", timeout = 20 }
        for _, part in ipairs { OLD, words, { "-cipher", "ALL:@SECLEVEL=0", FLAGS[protocol] } } do
            for _, word in ipairs(part) do
                list[#list + 1] = word
            end
        end
        return list
    end

    for _, server in ipairs(BUILT) do
        it("WRAP-20 WRAP-21 WRAP-22 WRAP-23 WRAP-24 cleat's clients and openssl s_server of " .. server, function()
            local certfile, keyfile = pki.chain("server-rsa")
            local words = { "/usr/bin/python3", "-I", process.root .. "/spec/support/hold.py", "/dev/null", timeout = 60 }
            for _, word in ipairs(command({ "s_server", "-accept", "127.0.0.1:0", "-cert", certfile, "-cert_chain", certfile, "-key",
                keyfile }, server)) do
                words[#words + 1] = word
            end
            local program = process.start(words)
            local port = tonumber((program:wait_for("ACCEPT [%d.]+:(%d+)")))
            for _, client in ipairs(BUILT) do
                local context = ssl.SSLContext(PROTOCOLS[client])
                context:load_verify_locations(pki.path("root.pem"))
                context.verify_mode = ssl.CERT_REQUIRED
                context.check_hostname = true
                local plain = socket.create_connection({ "127.0.0.1", port }, 20)
                if documented(client, server) then
                    local sock = context:wrap_socket(plain, { server_hostname = "localhost" })
                    assert.are.equal(negotiated(client, server), sock:version())
                    sock:close()
                else
                    raises("SSLError", { library = "SSL" }, context.wrap_socket, context, plain, { server_hostname = "localhost" })
                end
            end
            program:stop()
        end)
    end

    for _, client in ipairs(BUILT) do
        it("WRAP-20 WRAP-21 WRAP-22 WRAP-23 WRAP-24 openssl s_client of " .. client .. " and cleat's servers", function()
            for _, server in ipairs(BUILT) do
                local program = serve { cert = "server-rsa", version = server, bytes = 1 }
                local result = process.run(command({ "s_client", "-connect", "127.0.0.1:" .. program.port, "-servername", "localhost",
                    "-CAfile", pki.path("root.pem"), "-verify_return_error", "-brief", "-ign_eof" }, client))
                if documented(client, server) then
                    program:wait_for("connected\t(" .. negotiated(client, server) .. ")\t")
                    assert.is_truthy(result.errors:find("Protocol version: " .. negotiated(client, server), 1, true), result.errors)
                else
                    assert.are_not.equal(0, result.status)
                    program:wait_for("failed\t%[SSL: (%u+)")
                end
                program:stop()
            end
        end)
    end
end)
