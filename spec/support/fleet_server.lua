-- A server of a fleet. On each connection it answers one HTTP request with whether the session was resumed, and prints
-- the same on standard output. Arguments are name=value: cert, key (files), secret (32 characters or more), period
-- (seconds), store (a directory, which several servers may share), min, max (TLSv1_2, TLSv1_3), tickets (no).
local program = require "support.server_program"
local ssl = require "cleat.ssl"

local options = program.options()

local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context:load_cert_chain(options.cert, options.key)
context.minimum_version, context.maximum_version = ssl.TLSVersion[options.min], ssl.TLSVersion[options.max]
if options.tickets == "no" then
    context.options = context.options + ssl.OP_NO_TICKET
end
if options.secret then
    context:set_ticket_secret(options.secret, { period = tonumber(options.period) })
end

local function file_of(key)
    return options.store .. "/" .. key:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
end

if options.store then
    context:set_session_store {
        get = function(key)
            local file = io.open(file_of(key), "rb")
            if file then
                local bytes = file:read("*a")
                file:close()
                return bytes
            end
        end,
        put = function(key, bytes)
            local name = file_of(key)
            local file = assert(io.open(name .. ".new", "wb"))
            assert(file:write(bytes))
            file:close()
            assert(os.rename(name .. ".new", name))
        end,
        error = function(err)
            print("store: " .. tostring(err))
        end,
    }
end

local function answer(conn)
    local request = ""
    while not request:find("\r?\n\r?\n") do
        local data = conn:recv(65536)
        if data == "" then
            return
        end
        request = request .. data
    end
    local body = conn.session_reused and "resumed\n" or "full\n"
    conn:sendall(("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body))
    conn:unwrap()
end

program.serve(function(plain)
    local ok, conn = pcall(context.wrap_socket, context, plain, { server_side = true })
    if ok then
        program.print(conn:version(), conn.session_reused and "resumed" or "full")
        pcall(answer, conn)
        conn:close()
    else
        program.print("failed: " .. tostring(conn))
    end
    plain:close() -- after unwrap() it is open: s_client waits half a second for it
end)
