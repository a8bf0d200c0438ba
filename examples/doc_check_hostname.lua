-- Python's documentation, 17.3.3: SSLContext.check_hostname.
--
-- Usage: doc_check_hostname.lua [HOST [PORT]], to connect somewhere else; SSL_CERT_FILE may name trusted CAs.
require "cleat.python"

local socket, ssl = require "socket", require "ssl"

local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
context.verify_mode = ssl.CERT_REQUIRED
context.check_hostname = true
context:load_default_certs()

local s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
local ssl_sock = context:wrap_socket(s, { server_hostname = "www.verisign.com" })
ssl_sock:connect { arg[1] or "www.verisign.com", tonumber(arg[2] or 443) }

print(ssl_sock:version(), ssl_sock:getpeercert().subjectAltName[1][2])
ssl_sock:close()
