--- Fetches a page over HTTPS: the client example of Python's documentation (section 17.3.5.2), in Lua.

local USAGE = [[
Usage: https_get.lua [--cafile FILE] [--connect HOST:PORT] URL

Prints the server's certificate, what was negotiated, and the page. Trusts the system's CA
certificates, or those of a PEM file. On a bad certificate it prints the reason and exits with 1.

    --cafile FILE         trust these CA certificates instead of the system's
    --connect HOST:PORT   connect there, whatever host the URL names
]]

local pprint = require("cleat.python").pprint
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local function fail(...)
    io.stderr:write("https_get: ", ...)
    io.stderr:write("\n")
    os.exit(1)
end

local function parse_arguments(words)
    local options = {}
    local i = 1
    while i <= #words do
        local word = words[i]
        if word == "-h" or word == "--help" then
            io.write(USAGE)
            os.exit(0)
        elseif word == "--cafile" or word == "--connect" then
            i = i + 1
            options[word:sub(3)] = words[i] or fail(word, " needs a value; see --help")
        elseif word:sub(1, 1) == "-" or options.url then
            fail("what is ", word, "? See --help")
        else
            options.url = word
        end
        i = i + 1
    end
    return options
end

-- split_address splits "host:port" or "[::1]:port"; the port may be omitted.
local function split_address(text, default)
    local host, port = text:match("^%[(.-)%]:?(%d*)$")
    if not host then
        host, port = text:match("^([^:]+):?(%d*)$")
    end
    if not host then
        fail("not an address: ", text)
    end
    return host, port == "" and default or tonumber(port)
end

local function fetch(options)
    local host_port, path = options.url:match("^https://([^/?#]+)([^#]*)")
    if not host_port then
        fail("not an https:// address: ", options.url)
    end
    local host, port = split_address(host_port, 443)
    local to_host, to_port = host, port
    if options.connect then
        to_host, to_port = split_address(options.connect, port)
    end

    local context = ssl.create_default_context { cafile = options.cafile }
    local conn = context:wrap_socket(socket.create_connection({ to_host, to_port }, 30), { server_hostname = host })
    local cert = conn:getpeercert()
    pprint(cert)
    pprint(conn:cipher())
    pprint(conn:version())
    print()

    if path:sub(1, 1) ~= "/" then
        path = "/" .. path
    end
    conn:sendall(("GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: cleat\r\n\r\n"):format(path, host_port))
    local reply = {}
    local data = conn:recv(16384)
    while data ~= "" do
        assert(io.write(data))
        reply[#reply + 1] = data
        data = conn:recv(16384)
    end
    pcall(conn.unwrap, conn) -- sends close_notify; raises if the server closes without its own
    conn:close()

    -- An attacker can truncate a connection, so compare the length of the page with Content-Length.
    local head, body = table.concat(reply):match("^(.-\r?\n)\r?\n(.*)$")
    local length = head and tonumber(head:lower():match("\ncontent%-length:%s*(%d+)"))
    if not head or length and #body < length then
        fail("the page is not complete")
    end
    assert(io.stdout:flush()) -- reports a full disk
end

local options = parse_arguments(arg)
if not options.url then
    io.stderr:write(USAGE)
    os.exit(2)
end

local ok, err = pcall(fetch, options)
if not ok then
    fail(tostring(err))
end
