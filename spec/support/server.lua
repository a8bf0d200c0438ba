-- A TLS server for peers that are programs. It serves one connection after the other, each as an echo or an HTTP
-- server, until it is killed.
-- Arguments are name=value: cert, key (files), also (more of them: cert:key, once for each), cafile, verify (optional,
-- required), version (TLSv1 to TLSv1.2; all), alpn, mode (echo, http), bytes (an echo ends with close_notify after so
-- many), remote (yes: it signs by callback; refuse: the callback raises), ciphers, psk (IDENTITY:KEY, in hexadecimal)
-- and hint. It prints what happens to standard output.
local program = require "support.server_program"
local ssl = require "cleat.ssl"

local options = program.options "also"

local PROTOCOLS = { TLSv1 = ssl.PROTOCOL_TLSv1, ["TLSv1.1"] = ssl.PROTOCOL_TLSv1_1, ["TLSv1.2"] = ssl.PROTOCOL_TLSv1_2 }
local context = ssl.SSLContext(PROTOCOLS[options.version] or ssl.PROTOCOL_TLS)

local function load(certfile, keyfile)
    if options.remote then
        context:load_cert_chain(certfile, { sign = function(algorithm, data)
            program.print("signs", algorithm)
            return options.remote == "yes" and ssl.sign(keyfile, algorithm, data) or nil
        end })
    else
        context:load_cert_chain(certfile, keyfile)
    end
end

if options.cert then
    load(options.cert, options.key)
end
for _, files in ipairs(options.also or {}) do
    load(files:match "^(.*):(.*)$")
end
if options.ciphers then
    context:set_ciphers(options.ciphers)
end
if options.psk then
    local known, digits = options.psk:match "^(.*):(%x+)$"
    context:set_psk_server_callback(function(identity)
        program.print("asks", identity)
        return identity == known and digits:gsub("%x%x", function(digit)
            return string.char(tonumber(digit, 16))
        end) or nil
    end, options.hint)
end
if options.cafile then
    context:load_verify_locations(options.cafile)
end
if options.verify then
    context.verify_mode = options.verify == "required" and ssl.CERT_REQUIRED or ssl.CERT_OPTIONAL
end
if options.alpn then
    context:set_alpn_protocols { options.alpn }
end

-- echo sends back the received bytes. It returns them, and how the stream ended.
local function echo(stream)
    local count, limit = 0, tonumber(options.bytes)
    while count ~= limit do
        local data = stream:recv(65536)
        if data == "" then
            return count, "end"
        end
        stream:sendall(data)
        count = count + #data
    end
    pcall(stream.unwrap, stream) -- the peer may not answer our close_notify
    return count, "limit"
end

-- http answers GET /N with N bytes, and sends a request's body back.
local function http(stream)
    local buffer = ""
    while not buffer:find("\r\n\r\n", 1, true) do
        local data = stream:recv(65536)
        if data == "" then
            return 0, "no request"
        end
        buffer = buffer .. data
    end
    local head, body = buffer:match("^(.-\r\n\r\n)(.*)$")
    local length = tonumber(head:lower():match("\ncontent%-length: *(%d+)")) or 0
    local size = tonumber(head:match("^GET /(%d+)")) or 0
    stream:sendall(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"):format(length + size))
    stream:sendall(("0123456789abcdef"):rep(math.ceil(size / 16)):sub(1, size))
    local count = 0
    while true do
        if #body > 0 then
            stream:sendall(body)
            count = count + #body
        end
        if count >= length then
            break
        end
        body = stream:recv(65536)
        if body == "" then
            return count, "cut"
        end
    end
    pcall(stream.unwrap, stream)
    return count + size, "done"
end

program.serve(function(plain)
    local ok, failure = pcall(function()
        local stream = context:wrap_socket(plain, { server_side = true, suppress_ragged_eofs = false })
        local peer = stream:getpeercert()
        program.print("connected", stream:version(), stream:cipher()[1], stream:selected_alpn_protocol() or "-",
            peer and peer.subject and peer.subject[#peer.subject][1][2] or "-")
        program.print("served", (options.mode == "http" and http or echo)(stream))
        stream:close()
    end)
    if not ok then
        program.print("failed", tostring(failure))
    end
    plain:close()
end)
