-- Python's documentation, 17.3.5.2: a client that tunes its security settings itself.
--
-- Usage: doc_client_manual.lua [CA_BUNDLE [HOST [PORT]]]
require "cleat.python"

local socket = require "socket"
local ssl = require "ssl"

local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
context.verify_mode = ssl.CERT_REQUIRED
context.check_hostname = true
-- This assumes that your operating system places a bundle of all CA certificates there; if not, you'll get an error and
-- have to adjust the location.
context:load_verify_locations(arg[1] or "/etc/ssl/certs/ca-bundle.crt")

local conn = context:wrap_socket(socket.socket(socket.AF_INET), { server_hostname = "www.python.org" })
conn:connect { arg[2] or "www.python.org", tonumber(arg[3] or 443) }
print(conn:version(), conn:getpeercert().subjectAltName[1][2])
conn:close()
