-- Python's documentation, 17.3.5.2: client-side operation.
--
-- Usage: doc_client.lua [HOST [PORT]], to connect somewhere else; SSL_CERT_FILE may name trusted CAs.
require "cleat.python"

local pprint = require("cleat.python").pprint
local socket = require "socket"
local ssl = require "ssl"

-- A context with the recommended security settings for client sockets, including automatic certificate verification:
local context = ssl.create_default_context()

local conn = context:wrap_socket(socket.socket(socket.AF_INET), { server_hostname = "www.python.org" })
conn:connect { arg[1] or "www.python.org", tonumber(arg[2] or 443) }

-- You may then fetch the certificate:
local cert = conn:getpeercert()

-- Visual inspection shows that the certificate does identify the desired service:
pprint(cert)

-- Now the channel is established and the certificate verified, you can proceed to talk with the server:
conn:sendall("HEAD / HTTP/1.0\r\nHost: linuxfr.org\r\n\r\n")
local lines = {}
for line in (conn:recv(1024) .. "\r\n"):gmatch("(.-)\r\n") do
    lines[#lines + 1] = line
end
pprint(lines)
conn:close()
