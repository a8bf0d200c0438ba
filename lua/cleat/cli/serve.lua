--- `cleat serve`: serves the files of a directory by HTTPS, or is an echo server.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local failure = require "cleat.cli.failure"
local http = require "cleat.cli.http"
local loop = require "cleat.cli.loop"
local output = require "cleat.cli.output"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tls = require "cleat.cli.tls"

local pcall = compat.pcall

local FAILED, USAGE = 1, 2
local CLIENTS = 400 -- the maximum number at the same time; each needs a descriptor for the connection and one for a file
local DAY = 86400

local function load(context, what, method, ...)
    local ok, problem = pcall(context[method], context, ...)
    if not ok then
        failure.raise(USAGE, ("%s: %s"):format(what, (tls.explain(problem))))
    end
end

local function is_wildcard(address)
    return address == "0.0.0.0" or address == "::"
end

local function default_names(listen)
    local names = { "localhost", "127.0.0.1", "::1" }
    if not is_wildcard(listen) and listen ~= "127.0.0.1" and listen ~= "::1" then
        names[#names + 1] = listen
    end
    return names
end

-- write_file writes a file, and returns the reason if that fails.
local function write_file(name, data)
    local file, problem = io.open(name, "wb")
    if not file then
        return problem
    end
    local written, closed, reason
    written, problem = file:write(data)
    closed, reason = file:close()
    return not written and problem or not closed and ("%s: %s"):format(name, reason) or nil
end

-- make_certificate makes a self-signed certificate, loads it into the context, and returns its file. The key stays in
-- this process.
local function make_certificate(context, options)
    local names = options.name and options.name[1] and options.name or default_names(options.listen)
    local ok, pem, key = pcall(ssl.self_signed_certificate, names, math.floor(math.min(options.days, 20000) * DAY))
    if not ok then
        failure.raise(USAGE, "--name: " .. tostring(pem))
    end
    local name = options.cert_out or os.tmpname()
    local problem = write_file(name, pem)
    if problem then
        failure.raise(USAGE, "--cert-out: " .. problem)
    end
    context:load_cert_chain(name, { sign = function(algorithm, data)
        return ssl.sign(key, algorithm, data)
    end })
    return name, not options.cert_out
end

-- server_context returns the context and, for a self-signed certificate, its file and whether to remove the file at the
-- end.
local function server_context(options)
    local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    local file, temporary
    if options.client_ca then
        load(context, "--client-ca", "load_verify_locations", options.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    end
    if options.cert then
        if options.cert_out or options.name and options.name[1] then
            failure.raise(USAGE, "--name and --cert-out need a self-signed certificate: do not combine them with --cert")
        end
        load(context, "--cert", "load_cert_chain", options.cert, options.key)
    elseif options.key then
        failure.raise(USAGE, "--key needs --cert")
    else
        file, temporary = make_certificate(context, options)
    end
    if not options.echo then
        context:set_alpn_protocols { "http/1.1" }
    end
    return context, file, temporary
end

local function listen(options)
    local port = tonumber(options.port)
    if not port or port % 1 ~= 0 or port < 0 or port > 65535 then
        failure.raise(USAGE, ("--port: '%s' is not a number from 0 to 65535"):format(options.port))
    end
    local known, list = pcall(socket.getaddrinfo, options.listen, port, { type = socket.SOCK_STREAM, flags = socket.AI_NUMERICHOST })
    if not known then
        failure.raise(USAGE, ("--listen: '%s' is not an IP address"):format(options.listen))
    end
    local listener = socket.socket(list[1][1], list[1][2], list[1][3])
    local ok, problem = pcall(function()
        listener:setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener:bind(list[1][5])
        listener:listen(128)
    end)
    if not ok then
        failure.raise(FAILED, ("cannot listen on %s port %d: %s"):format(options.listen, port, tostring(problem)))
    end
    return listener
end

local function echo(conn, options)
    while true do
        conn:settimeout(options.timeout)
        local data = conn:recv(65536)
        if data == "" then
            return
        end
        conn:sendall(data)
    end
end

-- serve_connection serves a client, from the handshake to close_notify.
local function serve_connection(plain, context, options, log)
    plain:settimeout(options.timeout)
    local conn = context:wrap_socket(plain, { server_side = true, suppress_ragged_eofs = false })
    local ok, problem = pcall(function()
        if options.echo then
            echo(conn, options)
        else
            http.serve(conn, options.directory, options.timeout, log)
        end
        conn:settimeout(options.timeout)
        conn:unwrap()
    end)
    conn:close()
    if not ok then
        error(problem, 0)
    end
end

-- serve_client logs errors of the connection. Only mistakes in cleat are raised.
local function serve_client(plain, address, context, options, write)
    local from = ("%s port %d"):format(address[1], address[2])
    local function log(line)
        write(from .. ": " .. line)
    end
    local ok, problem = pcall(serve_connection, plain, context, options, log)
    plain:close()
    if ok or ssl.SSLEOFError:is(problem) then
        return
    elseif type(problem) ~= "table" then
        error(problem, 0)
    end
    log((tls.explain(problem)))
end

-- accept returns the next client; nil if the process has no descriptor for it, or if it has disconnected already.
local function accept(listener)
    local ok, plain, address = pcall(listener.accept, listener)
    if ok then
        return plain, address
    elseif errors.error:is(plain) and (plain.errno == C.const.EMFILE or plain.errno == C.const.ENFILE) then
        loop.sleep(0.1)
        return nil
    elseif errors.error:is(plain) and plain.errno == C.const.ECONNABORTED then
        return nil
    end
    return error(plain, 0)
end

local function run(listener, context, options)
    local function write(line)
        if not options.quiet then
            output.note(output.safe(line), "\n")
        end
    end
    local count = 0
    while true do
        local plain, address = accept(listener)
        while count >= CLIENTS do
            loop.sleep(0.05)
        end
        if plain then
            count = count + 1
            loop.spawn(function()
                serve_client(plain, address, context, options, write)
                count = count - 1
            end)
        end
    end
end

return function(options)
    options.directory = options.directory or "."
    local context, file, temporary = server_context(options)
    if temporary then
        loop.at_end(function()
            os.remove(file)
        end)
    end
    local listener = listen(options)
    local address = listener:getsockname()
    local host = address[1]:find(":", 1, true) and "[" .. address[1] .. "]" or address[1]
    local what = options.echo and ("echo on %s:%d"):format(host, address[2])
        or ("%s on https://%s:%d/"):format(output.safe(options.directory), host, address[2])
    output.write("serving ", what, "\n", file and "certificate " .. file .. "\n" or "")
    run(listener, context, options)
end
