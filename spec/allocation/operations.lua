-- Operations of the Lua layer, for spec/allocation/lua.lua: name, and
--     before()     returns the objects that the operation needs
--     act(given)   the operation, whose allocations fail
--     after(given, ...)   closes objects that must be closed; ... are the results of act, if it has succeeded
--     again        act(given) succeeds after a failure, because it changes nothing
local errors = require "cleat.errors"
local link = require "support.link"
local memory = require "cleat.sessions.memory"
local ocsp = require "support.ocsp"
local pki = require "support.pki"
local python = require "cleat.python"
local redis = require "cleat.sessions.redis"
local select = require "cleat.select"
local selectors = require "cleat.selectors"
local sessions = require "cleat.sessions"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local certfile, keyfile = pki.chain "server-ec"
local cafile = pki.path "root.pem"
local ca_text = pki.read "root.pem"
local response = ocsp.respond {}
local leaf, issuer = pki.read "server-ec.crt", pki.read "intermediate.crt"
local scts = { "abc" }
local timestamp = "\0" .. ("\1"):rep(32) .. ("\0"):rep(8) .. "\0\0\4\3\0\0"
local address_text = "127.0.0.1"

local function listening()
    local listener = socket.socket()
    listener:bind { address_text, 0 }
    listener:listen(5)
    return listener
end

local function ends(keywords)
    local function bare()
        return { incoming = ssl.MemoryBIO(), outgoing = ssl.MemoryBIO() }
    end
    local client, server = bare(), bare()
    client.object = link.context(link.client_options()):wrap_bio(client.incoming, client.outgoing,
        keywords or { server_hostname = "localhost" })
    server.object = link.context(link.server_options()):wrap_bio(server.incoming, server.outgoing, true)
    return { client = client, server = server }
end

local function carry(from, to)
    to.incoming:write(from.outgoing:read())
end

local function attempt(from, name, ...)
    local ok, failure = pcall(from.object[name], from.object, ...)
    if not ok and not ssl.SSLWantReadError:is(failure) then
        error(failure, 0)
    end
    return ok
end

local function shake(given)
    local client, server = given.client, given.server
    local client_done, server_done
    repeat
        client_done = client_done or attempt(client, "do_handshake")
        carry(client, server)
        server_done = server_done or attempt(server, "do_handshake")
        carry(server, client)
    until client_done and server_done
    return client.object:getpeercert()
end

local function shaken()
    local given = ends()
    shake(given)
    return given
end

local function opened()
    local client, server = link.open()
    return { client = client, server = server }
end

-- unshaken returns two sockets over a pair, of a client's and a server's context.
local function unshaken(client, server)
    local one, two = socket.socketpair()
    one:settimeout(0)
    two:settimeout(0)
    return {
        client = client:wrap_socket(one, { server_hostname = "localhost", do_handshake_on_connect = false }),
        server = server:wrap_socket(two, { server_side = true, do_handshake_on_connect = false }),
    }
end

local function shake_sockets(given)
    local client, server = { object = given.client }, { object = given.server }
    local client_done, server_done
    repeat
        client_done = client_done or attempt(client, "do_handshake")
        server_done = server_done or attempt(server, "do_handshake")
    until client_done and server_done
end

local function close_both(given)
    given.client:close()
    given.server:close()
end

local function datagrams()
    local one, two = socket.socket(nil, socket.SOCK_DGRAM), socket.socket(nil, socket.SOCK_DGRAM)
    one:bind { address_text, 0 }
    two:bind { address_text, 0 }
    two:sendto("datagram", one:getsockname())
    one:settimeout(10)
    return { one = one, two = two, buffer = socket.buffer(100) }
end

local function close_datagrams(given)
    given.one:close()
    given.two:close()
end

local function nothing()
end

return {
    { "socket.socket", nothing, function()
        return socket.socket()
    end, nothing, again = true },
    { "socket.socketpair", nothing, function()
        return socket.socketpair()
    end, nothing, again = true },
    { "socket.create_connection", listening, function(listener)
        return socket.create_connection(listener:getsockname(), 10)
    end, nothing, again = true },
    { "accept", function()
        local listener = listening()
        return { listener = listener, caller = socket.create_connection(listener:getsockname(), 10) }
    end, function(given)
        return given.listener:accept()
    end, nothing },
    { "recvfrom", datagrams, function(given)
        return given.one:recvfrom(100)
    end, close_datagrams },
    { "recvfrom_into", datagrams, function(given)
        return given.one:recvfrom_into(given.buffer)
    end, close_datagrams },
    { "sendto", datagrams, function(given)
        return given.one:sendto("again", given.two:getsockname())
    end, close_datagrams, again = true },
    { "getaddrinfo", nothing, function()
        return socket.getaddrinfo("localhost", 443)
    end, nothing, again = true },
    { "getaddrinfo: unknown", nothing, function()
        local ok, failure = pcall(socket.getaddrinfo, "name.invalid.", 443, 0, 0, 0, socket.AI_NUMERICHOST)
        return ok or not socket.gaierror:is(failure) and error(failure, 0)
    end, nothing, again = true },
    { "recvmsg", datagrams, function(given)
        return given.one:recvmsg(100)
    end, close_datagrams },
    { "recvmsg_into", datagrams, function(given)
        return given.one:recvmsg_into { given.buffer }
    end, close_datagrams },
    { "sendmsg", datagrams, function(given)
        return given.one:sendmsg({ "a", "gain" }, nil, 0, given.two:getsockname())
    end, close_datagrams, again = true },
    { "create_server", nothing, function()
        return socket.create_server({ address_text, 0 }, { reuse_port = true }):close()
    end, nothing, again = true },
    { "fromfd, dup", datagrams, function(given)
        return socket.fromfd(given.one:fileno(), socket.AF_INET), given.two:dup(), given.two:getblocking()
    end, close_datagrams, again = true },
    { "SSLSocket: detach", function()
        local given = opened()
        given.fd = false
        return given
    end, function(given)
        given.fd = given.client:detach()
    end, function(given)
        if given.fd then
            socket.socket({ fileno = given.fd }):close()
        end
        close_both(given)
    end },
    { "sendfile", opened, function(given)
        return given.client:sendfile(certfile, 1, 10)
    end, close_both },
    { "names of hosts", nothing, function()
        return socket.gethostbyname(address_text), socket.gethostbyname_ex(address_text), socket.gethostbyaddr(address_text),
            socket.getfqdn(address_text), socket.gethostname()
    end, nothing, again = true },
    { "names of addresses, services and interfaces", nothing, function()
        return socket.getnameinfo({ address_text, 80 }), socket.getservbyname "http", socket.getservbyport(80),
            socket.getprotobyname "tcp", socket.if_indextoname(socket.if_nametoindex "lo"), #socket.if_nameindex()
    end, nothing, again = true },
    { "addresses as bytes", nothing, function()
        return socket.inet_ntoa(socket.inet_aton(address_text)), socket.inet_ntop(2, socket.inet_pton(2, address_text)),
            socket.htonl(1), socket.ntohl(1), socket.htons(1), socket.ntohs(1), socket.has_dualstack_ipv6()
    end, nothing, again = true },
    { "a handshake with messages", function()
        local client = link.context(link.client_options())
        client._msg_callback, client.trace_handshake = function() end, true
        return client
    end, function(client)
        local object = client:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), { server_hostname = "localhost" })
        local ok, failure = pcall(object.do_handshake, object)
        return ok or not ssl.SSLWantReadError:is(failure) and error(failure, 0)
    end, nothing, again = true },
    { "poll and epoll", opened, function(given)
        local poller, epoll = select.poll(), select.epoll()
        poller:register(given.client)
        epoll:register(given.client)
        local ready = epoll:poll(0)
        epoll:close()
        return poller:poll(0), ready
    end, close_both, again = true },
    { "poll:modify, unregister", opened, function(given)
        local poller = select.poll()
        poller:register(given.client)
        poller:modify(given.client, select.POLLIN)
        poller:unregister(given.client)
        return poller:poll(0)
    end, close_both, again = true },
    { "epoll:fileno, modify, unregister", opened, function(given)
        local epoll = select.epoll()
        epoll:register(given.client)
        epoll:modify(given.client, select.EPOLLIN)
        epoll:unregister(given.client)
        return epoll:fileno() > 0 and epoll:close()
    end, close_both, again = true },
    { "selector:register, modify, select, get_key, get_map, unregister", opened, function(given)
        local selector = selectors.DefaultSelector()
        selector:register(given.client, 1)
        selector:modify(given.client, 2, "data")
        local ready, key, map = selector:select(), selector:get_key(given.client), selector:get_map()
        selector:unregister(given.client)
        return selector:close(), ready, key, map
    end, close_both, again = true },
    { "python.closing, suppress, iter", nothing, function()
        local thing = { close = function() end }
        return python.closing(thing, tostring), python.suppress(errors.ValueError, error, errors.ValueError "x"),
            python.iter(function() end)()
    end, nothing, again = true },
    { "python.repr, pformat, dict, bor, band, bxor, bnot", nothing, function()
        return python.repr { { "a", 1 } }, python.pformat({ b = { "long" } }, 4), python.dict { { "a", "b" } },
            python.bor(1, 2), python.band(3, 2), python.bxor(1, 3), python.bnot(1)
    end, nothing, again = true },
    { "select", opened, function(given)
        return select.select({ given.client }, { given.server }, {}, 0)
    end, close_both, again = true },
    { "makefile", function()
        local one, two = socket.socketpair()
        two:sendall "a line\nand another one\n"
        return { client = one, server = two }
    end, function(given)
        local file = given.client:makefile()
        local line = file:readline()
        file:close()
        return line
    end, close_both },
    { "shared_ciphers", opened, function(given)
        return given.server:shared_ciphers()
    end, close_both, again = true },
    { "get_skipped_certs, chain_cache_stats", function()
        return ssl.create_default_context { cafile = cafile }
    end, function(context)
        return context:get_skipped_certs(), context:chain_cache_stats()
    end, nothing, again = true },
    { "check_ocsp_response", nothing, function()
        return ssl.check_ocsp_response(response, leaf, issuer)
    end, nothing, again = true },
    { "ocsp_response, scts of a context", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context:load_cert_chain(certfile, keyfile)
        return context
    end, function(context)
        context.ocsp_response, context.scts = response, scts
        return context.ocsp_response, context.scts
    end, nothing, again = true },
    { "SSLContext", nothing, function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS)
    end, nothing, again = true },
    { "create_default_context", nothing, function()
        return ssl.create_default_context { cafile = cafile }
    end, nothing, again = true },
    { "create_default_context: the system's", nothing, function()
        return ssl.create_default_context()
    end, nothing, again = true },
    { "load_cert_chain", function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS)
    end, function(context)
        context:load_cert_chain(certfile, keyfile)
        context:load_cert_chain(certfile, keyfile) -- replaces
    end, nothing, again = true },
    { "raw public keys", function()
        return { context = ssl.SSLContext(ssl.PROTOCOL_TLS), connection = shaken() }
    end, function(given)
        local public = given.connection.client.object:peer_public_key()
        if ssl.HAS_RAW_PUBLIC_KEYS then
            given.context:load_raw_public_key(keyfile)
            given.context:set_peer_public_keys { public }
        end
    end, nothing, again = true },
    { "load_verify_locations", function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS)
    end, function(context)
        context:load_verify_locations { cadata = ca_text }
    end, nothing, again = true },
    { "get_ca_certs", function()
        return ssl.create_default_context { cafile = cafile }
    end, function(context)
        return context:get_ca_certs()
    end, nothing, again = true },
    { "get_ciphers and settings", function()
        return ssl.create_default_context { cafile = cafile }
    end, function(context)
        context:set_ciphers "ECDHE+AESGCM"
        context:set_groups "x25519:P-256"
        context:set_server_sigalgs "ed25519:ECDSA+SHA256"
        context:set_client_sigalgs "ECDSA+SHA256"
        context.compliance_policy, context.grease = ssl.POLICY_FIPS_202205, true
        context:get_groups(true)
        ssl.get_sigalgs()
        context:set_alpn_protocols { "h2", "http/1.1" }
        context.options = context.options
        context.verify_callback, context.verify_callback_may_accept = nothing, true
        context.enforce_verification, context.hostname_checks_common_name = false, false
        context.verify_depth, context.verify_time = 3, 1e9
        context.num_tickets, context.session_timeout, context.session_id_context = 1, 60, "x"
        context:set_ticket_keys { ("k"):rep(80) }
        context:set_ticket_secret({ ("s"):rep(32), ("t"):rep(32) }, 60)
        context:set_session_store { get = nothing, put = nothing }
        context.session_id_context = context.session_id_context
        context:set_servername_callback(nothing)
        return context:session_stats(), context:cert_store_stats()
    end, nothing, again = true },
    { "a store of sessions in memory", function()
        return memory.new { entries = 2 }
    end, function(store)
        for _, key in ipairs { "a", "b", "c" } do
            store.put(key, key, 100)
            store.add(key, 100)
        end
        store.remove "c"
        assert(store.get "b" == "b" and not store.get "c")
        return memory.new(), redis.new { port = 1 }
    end, nothing, again = true },
    { "ticket keys from a store", function()
        return { context = link.context(link.server_options()), store = memory.new() }
    end, function(given)
        sessions.ticket_keys(given.context, given.store)()
        return sessions.client(given.context, given.store)
    end, nothing, again = true },
    { "wrap_bio", function()
        return link.context(link.client_options())
    end, function(context)
        return context:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), { server_hostname = "localhost" })
    end, nothing, again = true },
    { "MemoryBIO", function()
        local bio = ssl.MemoryBIO()
        bio:write "one"
        bio:write "two"
        bio:write "three"
        return bio
    end, function(bio)
        local bytes = bio:read(8) -- it returns all of it or nothing
        assert(bytes == "onetwoth" and bio.pending == 3)
        return bytes
    end, nothing, again = true },
    { "handshake over memory", ends, shake, nothing },
    { "data over memory", shaken, function(given)
        given.client.object:write(("x"):rep(1000))
        carry(given.client, given.server)
        return given.server.object:read(2000)
    end, nothing },
    { "getpeercert", shaken, function(given)
        return given.client.object:getpeercert(), given.client.object:getpeercert(true)
    end, nothing, again = true },
    { "chains", shaken, function(given)
        return given.client.object:get_unverified_chain(), given.client.object:get_verified_chain(),
            given.client.object:get_verify_result()
    end, nothing, again = true },
    { "Certificate", shaken, function(given)
        local cert = ssl.Certificate(given.client.object:getpeercert(true))
        return cert:get_info(), cert:public_bytes(ssl.ENCODING_PEM), cert:fingerprint(), cert:spki_fingerprint("sha1"),
            cert:matches("localhost"), cert.public_key_bits, cert.extensions, cert.key_usage, cert.not_after, cert.curve,
            cert.scts, cert.subject, cert.subject_alt_names, cert.extended_key_usage, cert.subject_key_id
    end, nothing, again = true },
    { "LuaSec's certificates", function()
        local x509 = require "cleat.luasec.x509"
        return { x509 = x509, leaf = x509.load(ssl.Certificate(leaf):public_bytes()), issuer = x509.wrap(ssl.Certificate(issuer)) }
    end, function(given)
        local cert = given.x509.wrap(given.x509.unwrap(given.leaf))
        return cert:subject(), cert:extensions(), cert:pubkey(), cert:digest "sha512", cert:getsignaturename(), cert:validat(0),
            cert:serial(), given.issuer:issued(cert), given.x509.load(cert:pem()):notafter()
    end, nothing, again = true },
    { "Certificate:verify", function()
        return { leaf = ssl.Certificate(leaf), issuer = ssl.Certificate(issuer), context = link.context { cafile = "root.pem" } }
    end, function(given)
        return #given.leaf:verify(given.context, { hostname = "localhost", untrusted = { given.issuer } })
    end, nothing, again = true },
    { "Certificate:verify: refused", function()
        return { leaf = ssl.Certificate(leaf), context = link.context { cafile = "root.pem" } }
    end, function(given)
        local ok, failure = pcall(given.leaf.verify, given.leaf, given.context)
        if ok or not ssl.SSLCertVerificationError:is(failure) then
            error(ok and "it was accepted" or failure, 0)
        end
        return failure.depth, failure.certificate.not_after, #failure.chain
    end, nothing, again = true },
    { "a refused certificate", function()
        return ends { server_hostname = "elsewhere.test" }
    end, function(given)
        local ok, failure = pcall(shake, given)
        if ok or not ssl.SSLCertVerificationError:is(failure) then
            error(ok and "it was accepted" or failure, 0)
        end
        return failure.depth, failure.certificate:matches "localhost", #failure.chain
    end, nothing },
    { "parse_sct", nothing, function()
        return ssl.parse_sct(timestamp).log_id
    end, nothing, again = true },
    { "sessions", function()
        local given = shaken()
        given.server.object:write "s"
        carry(given.server, given.client)
        given.client.object:read(1)
        given.bytes = given.client.object.session:tobytes()
        return given
    end, function(given)
        local session = given.client.object.session
        local copy = given.client.object.context:session_from_bytes(given.bytes)
        assert(copy == session and session:tobytes() == given.bytes and copy.has_ticket)
        local bare = given.client.object.context:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), {
            server_hostname = "localhost", session = copy,
        })
        bare.session = session
        return bare.session.id, copy.time, copy.timeout, copy.ticket_lifetime_hint, copy.version
    end, nothing, again = true },
    { "Encrypted ClientHello: keys", function()
        return link.context(link.server_options())
    end, function(context)
        local key = ssl.ECHKey { public_name = "www.cleat.test" }
        local copy = ssl.ECHKey { data = key:tobytes() }
        assert(copy.config == key.config and copy.config_id == key.config_id and copy.public_name == "www.cleat.test")
        context:set_ech_keys { key, copy }
        context:set_ech_keys {}
        return ssl.ech_config_list { key, copy }
    end, nothing, again = true },
    { "Encrypted ClientHello", function()
        local given = ends()
        local key = ssl.ECHKey { public_name = "www.cleat.test" }
        local to = given.server
        to.object.context:set_ech_keys { key }
        to.object = to.object.context:wrap_bio(to.incoming, to.outgoing, true)
        given.configs = ssl.ech_config_list { key }
        return given
    end, function(given)
        local from = given.client
        from.object = from.object.context:wrap_bio(from.incoming, from.outgoing, {
            server_hostname = "localhost", ech_configs = given.configs,
        })
        shake(given)
        assert(from.object.ech_accepted)
    end, nothing },
    { "Encrypted ClientHello: refused", function()
        local given = ends()
        given.client.object.context.ech_grease = true
        given.configs = ssl.ech_config_list { ssl.ECHKey { public_name = "www.cleat.test" } }
        return given
    end, function(given)
        local from = given.client
        from.object = from.object.context:wrap_bio(from.incoming, from.outgoing, {
            server_hostname = "localhost", ech_configs = given.configs,
        })
        local ok, failure = pcall(shake, given)
        if ok or not ssl.SSLECHRejectedError:is(failure) then
            error(ok and "it was accepted" or failure, 0)
        end
        return failure.ech_public_name, failure.ech_retry_configs
    end, nothing },
    { "early data", function()
        local given = shaken()
        local server_context = given.server.object.context
        server_context.max_early_data = 14336
        local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        return { context = given.client.object.context, server = server_context, incoming = incoming, outgoing = outgoing }
    end, function(given)
        local client = { incoming = ssl.MemoryBIO(), outgoing = ssl.MemoryBIO() }
        local server = { incoming = given.incoming, outgoing = given.outgoing }
        client.object = given.context:wrap_bio(client.incoming, client.outgoing, { server_hostname = "localhost",
            early_data = "early" })
        server.object = given.server:wrap_bio(server.incoming, server.outgoing, true)
        shake { client = client, server = server }
        carry(client, server)
        return server.object:recv_early(10), server.object:read(10), client.object.early_data, given.server.max_early_data
    end, nothing },
    { "facts", shaken, function(given)
        local object = given.client.object
        return object:group(), object:server_sigalg(), object:client_sigalg(), object:cipher(), object:version(),
            object:selected_alpn_protocol(), object:get_channel_binding(),
            object:get_channel_binding("tls-exporter"), object:get_channel_binding("tls-server-end-point"),
            object:export_keying_material("x", 32, "context"), object:ocsp_response(), object:scts()
    end, nothing, again = true },
    { "describe", shaken, function(given)
        local description = given.client.object:describe()
        return tostring(description), description.alert_sent, description.alert_received
    end, nothing, again = true },
    { "keylog_filename", function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    end, function(context)
        context.keylog_filename = "/dev/null"
        return context.keylog_filename
    end, nothing },
    { "key_update", shaken, function(given)
        given.client.object:key_update(true)
        given.client.object:write("hello")
        carry(given.client, given.server)
        return given.server.object:read(10)
    end, nothing },
    { "wrap_socket", function()
        local one, two = socket.socketpair()
        return { client = one, server = two, context = link.context(link.client_options()) }
    end, function(given)
        return given.context:wrap_socket(given.client, { server_hostname = "localhost", do_handshake_on_connect = false })
    end, close_both },
    { "handshake with a verify callback", function()
        local context = link.context(link.client_options())
        context.verify_callback = function(_, chain, found)
            return #chain > 0 and found.verify_code == 0
        end
        return unshaken(context, link.context(link.server_options()))
    end, shake_sockets, close_both },
    { "handshake with a session store", function()
        local context = link.context(link.server_options())
        context:set_session_store { get = nothing, put = function(key, bytes, lifetime)
            assert(#key == 32 and #bytes > 32 and lifetime > 0)
        end }
        return unshaken(link.context(link.client_options()), context)
    end, shake_sockets, close_both },
    { "load_cert_chain with sign, and ssl.sign", function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS)
    end, function(context)
        context:load_cert_chain(certfile, { sign = nothing })
        return #ssl.sign(keyfile, "ecdsa_secp256r1_sha256", "data") > 64
    end, nothing, again = true },
    { "self_signed_certificate", nothing, function()
        local certificate, key = ssl.self_signed_certificate({ "localhost", "::1" }, { key_type = "ed25519" })
        return #key, #certificate > 400
    end, nothing, again = true },
    { "handshake with a pre-shared key", function()
        local client, server = ssl.SSLContext(ssl.PROTOCOL_TLS), ssl.SSLContext(ssl.PROTOCOL_TLS)
        client:set_ciphers "PSK"
        server:set_ciphers "PSK"
        client:set_psk_client_callback(function(hint)
            return "name " .. hint, "key"
        end)
        server:set_psk_server_callback(function()
            return "key"
        end, "hint")
        return unshaken(client, server)
    end, function(given)
        shake_sockets(given)
        return given.server:psk_identity()
    end, close_both },
    { "set_psk_server_callback, set_psk_client_callback", function()
        return ssl.SSLContext(ssl.PROTOCOL_TLS)
    end, function(context)
        context:set_psk_server_callback(nothing, "hint")
        context:set_psk_client_callback { callback = nothing }
    end, nothing, again = true },
    { "handshake with a remote key", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context:load_cert_chain(certfile, { sign = function(algorithm, data)
            return ssl.sign(keyfile, algorithm, data)
        end })
        return unshaken(link.context(link.client_options()), context)
    end, shake_sockets, close_both },
    { "handshake with a servername callback", function()
        local context = link.context(link.server_options())
        local other = link.context(link.server_options())
        context:set_servername_callback(function(sock)
            sock.context = other
        end)
        return unshaken(link.context(link.client_options()), context)
    end, shake_sockets, close_both },
    { "data over a socket", opened, function(given)
        given.client:sendall(("x"):rep(1000))
        local first = given.server:recv(100)
        local buffer = socket.buffer(1000)
        return first, given.server:recv_into(buffer)
    end, close_both },
    { "a read that does not wait", function()
        local given = opened()
        given.client:settimeout(0) -- without try_recv this would not wait either
        given.client:sendall "hello"
        return given
    end, function(given)
        return given.server:try_recv(100), given.client:try_recv(100)
    end, close_both },
    { "a read that does not wait, of a plain socket", socket.socketpair, function(given)
        return given:try_recv(100)
    end, function(given)
        given:close()
    end, again = true },
    { "a read of an SSLObject that does not raise", shaken, function(given)
        return given.client.object:try_read(100)
    end, nothing },
    { "a class that extends SSLSocket", nothing, function()
        return ssl.SSLSocket:extend("Counted", { sent = 0 })
    end, nothing, again = true },
    { "unwrap", function()
        local given = opened()
        given.client:settimeout(0)
        given.server:settimeout(0)
        return given
    end, function(given)
        attempt({ object = given.client }, "unwrap")
        given.server:recv(1)
        local plain = given.server:unwrap()
        attempt({ object = given.client }, "unwrap")
        return plain
    end, close_both },
    { "match_hostname", function()
        return shaken().client.object:getpeercert()
    end, function(certificate)
        return ssl.match_hostname(certificate, "localhost")
    end, nothing, again = true },
    { "match_hostname: another", function()
        return shaken().client.object:getpeercert()
    end, function(certificate)
        local ok, failure = pcall(ssl.match_hostname, certificate, "other.example")
        return ok and error "it matched" or not ssl.CertificateError:is(failure) and error(failure, 0)
    end, nothing, again = true },
    { "PEM and DER", nothing, function()
        local der = ssl.PEM_cert_to_DER_cert(ca_text)
        return ssl.DER_cert_to_PEM_cert(der)
    end, nothing, again = true },
    { "RAND_bytes, cert_time_to_seconds", nothing, function()
        return #ssl.RAND_bytes(1000), ssl.cert_time_to_seconds "Jan  5 09:34:43 2018 GMT"
    end, nothing, again = true },
}
