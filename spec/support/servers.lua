-- The servers of docs/recipes.md: Debian's programs, each in the foreground, as an unprivileged user, with its
-- configuration and files in a separate directory.
--
--   local server = servers.redis(certfile, keyfile)
--   server.port
local limits = require "support.limits"
local optional = require "support.optional"
local process = require "support.process"
local socket = require "cleat.socket"

local servers = {}

local SBIN = "PATH=/usr/sbin:/sbin:" .. (os.getenv "PATH" or "/usr/bin:/bin")

local function shell(command)
    local pipe = assert(io.popen(command))
    local line = pipe:read "*l"
    pipe:close()
    return line
end

-- Some of them refuse to run as root, and the others do not need it.
local IS_ROOT = shell "id -u" == "0"
local ID = IS_ROOT and "65534" or "" -- a user without files and privileges
local USER, GROUP = shell("id -un " .. ID), shell("id -gn " .. ID)

-- missing returns nil, or why a server cannot be started.
function servers.missing(name)
    if name == "websockets" then
        return optional.file("/usr/lib/python3/dist-packages/websockets", "python3-websockets")
    elseif name == "postgresql" then
        return optional.file("/usr/lib/postgresql/*/bin/postgres", name)
    end
    return optional.program(name)
end

local count = 0

-- directory makes a directory with copies of a certificate and its key. It belongs to the user that the server runs as.
local function directory(certfile, keyfile)
    count = count + 1
    local name = ("%s/server-%d"):format(process.directory(), count)
    os.execute(("chmod 711 %s && mkdir -p %s/data && cp %s %s/cert.pem && cp %s %s/key.pem && chmod 600 %s/key.pem"):format(
        process.quote(process.directory()), name, certfile, name, keyfile, name, name))
    return name
end

local function own(name)
    if IS_ROOT then
        os.execute(("chown -R %s:%s %s"):format(USER, GROUP, name))
    end
end

local function command(words)
    local all = { "env", SBIN, timeout = 120, directory = words.directory }
    if IS_ROOT then
        for _, word in ipairs { "setpriv", "--reuid=" .. USER, "--regid=" .. GROUP, "--clear-groups" } do
            all[#all + 1] = word
        end
    end
    for _, word in ipairs(words) do
        all[#all + 1] = word
    end
    return all
end

-- listening waits until a process accepts connections on a port.
function servers.listening(program, port)
    local deadline = process.clock() + limits.bound(20)
    while true do
        local probe = socket.socket()
        local code = probe:connect_ex { "127.0.0.1", port }
        probe:close()
        if code == 0 then
            return
        elseif program:poll() or process.clock() > deadline then
            error(("%s does not listen:\n%s%s"):format(program.name, program:output(), program:errors()), 0)
        end
        process.sleep(0.01)
    end
end

-- start starts a server. text: its configuration, which is written to dir/conf.lua (Prosody needs this ending);
-- words(port, dir): its command; ready: a pattern of the output of a ready server, if it listens before that.
local function start(certfile, keyfile, text, words, ready)
    local dir = directory(certfile, keyfile)
    local server, port = process.on_free_port(function(port)
        process.write_file(dir .. "/conf.lua", (text:gsub("@(%u+)", { PORT = port, DIR = dir, USER = USER, GROUP = GROUP })))
        own(dir)
        local program = process.start(command(words(port, dir)))
        local ok, message = pcall(servers.listening, program, port)
        if ok and ready then
            ok, message = pcall(program.wait_for, program, ready, 20)
        end
        if not ok then
            program:stop()
            error(message, 0)
        end
        return program
    end)
    server.port, server.directory = port, dir
    return server
end

servers["redis-server"] = function(certfile, keyfile)
    local text = [[
port 0
tls-port @PORT
bind 127.0.0.1
dir @DIR/data
tls-cert-file @DIR/cert.pem
tls-key-file @DIR/key.pem
tls-auth-clients no
requirepass secret
save ""
]]
    return start(certfile, keyfile, text, function(_, dir)
        return { "redis-server", dir .. "/conf.lua" }
    end)
end

function servers.mosquitto(certfile, keyfile)
    local text = [[
listener @PORT 127.0.0.1
certfile @DIR/cert.pem
keyfile @DIR/key.pem
allow_anonymous true
]]
    return start(certfile, keyfile, text, function(_, dir)
        return { "mosquitto", "-c", dir .. "/conf.lua" }
    end)
end

function servers.slapd(certfile, keyfile)
    local text = [[
include /etc/ldap/schema/core.schema
pidfile @DIR/pid
TLSCertificateFile @DIR/cert.pem
TLSCertificateKeyFile @DIR/key.pem
security simple_bind=128
database ldif
directory @DIR/data
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw secret
]]
    return start(certfile, keyfile, text, function(port, dir)
        return { "slapd", "-f", dir .. "/conf.lua", "-h", "ldap://127.0.0.1:" .. port, "-d", "0" }
    end)
end

function servers.dovecot(certfile, keyfile)
    local text = [[
protocols = imap
listen = 127.0.0.1
base_dir = @DIR/data/run
state_dir = @DIR/data/state
log_path = /dev/stderr
default_internal_user = @USER
default_internal_group = @GROUP
default_login_user = @USER
ssl = required
ssl_cert = <@DIR/cert.pem
ssl_key = <@DIR/key.pem
mail_location = maildir:@DIR/data/mail
first_valid_uid = 1
first_valid_gid = 1
passdb {
    driver = static
    args = password=secret
}
userdb {
    driver = static
    args = uid=@USER gid=@GROUP home=@DIR/data
}
service imap-login {
    chroot =
    inet_listener imap {
        port = @PORT
    }
    inet_listener imaps {
        port = 0
    }
}
service anvil {
    chroot =
}
]]
    return start(certfile, keyfile, text, function(_, dir)
        return { "dovecot", "-F", "-c", dir .. "/conf.lua" }
    end)
end

-- more: further lines of its configuration.
function servers.exim4(certfile, keyfile, more)
    local text = (more or "") .. [[
primary_hostname = mail.example.org
exim_user = @USER
exim_group = @GROUP
spool_directory = @DIR/data
log_file_path = @DIR/data/%slog
pid_file_path = @DIR/data/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = @PORT
tls_advertise_hosts = *
tls_certificate = @DIR/cert.pem
tls_privatekey = @DIR/key.pem
queue_only = true
rfc1413_query_timeout = 0s
host_lookup =
acl_smtp_mail = sender
acl_smtp_rcpt = recipient
begin acl
sender:
    deny !encrypted = *
         message = STARTTLS first
    accept
recipient:
    accept
begin routers
local:
    driver = accept
    transport = local
begin transports
local:
    driver = appendfile
    file = @DIR/data/mail
]]
    return start(certfile, keyfile, text, function(_, dir)
        return { "exim4", "-C", dir .. "/conf.lua", "-bdf" }
    end)
end

function servers.prosody(certfile, keyfile)
    local text = [[
pidfile = "@DIR/data/pid"
data_path = "@DIR/data"
log = { error = "*console" }
modules_enabled = { "tls", "saslauth", "disco" }
modules_disabled = { "s2s" }
interfaces = { "127.0.0.1" }
c2s_ports = { @PORT }
c2s_require_encryption = true
authentication = "internal_hashed"
ssl = { certificate = "@DIR/cert.pem", key = "@DIR/key.pem" }
VirtualHost "example.org"
]]
    return start(certfile, keyfile, text, function(_, dir)
        return { "prosody", "-F", "--config", dir .. "/conf.lua" }
    end)
end

function servers.postgresql(certfile, keyfile)
    local bin = shell "ls -d /usr/lib/postgresql/*/bin | tail -n 1"
    local text = ([[
#!/bin/sh
set -e
rm -rf @DIR/data/db
BIN/initdb --pgdata @DIR/data/db --auth trust --username postgres --no-sync --no-instructions >@DIR/data/log
cat >>@DIR/data/db/postgresql.conf <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
ssl = on
ssl_cert_file = '@DIR/cert.pem'
ssl_key_file = '@DIR/key.pem'
shared_buffers = 1MB
END
printf 'hostssl all alice 127.0.0.1/32 scram-sha-256\nhostssl all all 127.0.0.1/32 trust\n' >@DIR/data/db/pg_hba.conf
echo "CREATE ROLE alice LOGIN PASSWORD 'secret'" | BIN/postgres --single -D @DIR/data/db postgres >>@DIR/data/log
exec BIN/postgres -D @DIR/data/db -p @PORT
]]):gsub("BIN", bin)
    return start(certfile, keyfile, text, function(_, dir)
        return { "sh", dir .. "/conf.lua" }
    end, "(ready to accept connections)")
end

local WEBSOCKETS = [[
import asyncio, ssl, websockets

async def echo(connection, path=None):
    async for message in connection:
        await connection.send(message)

async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("@DIR/cert.pem", "@DIR/key.pem")
    async with websockets.serve(echo, "127.0.0.1", @PORT, ssl=context):
        await asyncio.Future()

asyncio.run(main())
]]

function servers.websockets(certfile, keyfile)
    return start(certfile, keyfile, WEBSOCKETS, function(_, dir)
        return { "/usr/bin/python3", "-I", dir .. "/conf.lua" }
    end)
end

-- http.server closes connections without close_notify. It responds with "hello", or with the body of a POST.
local HTTP = [[
import http.server, ssl

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"hello")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("@DIR/cert.pem", "@DIR/key.pem")
server = http.server.ThreadingHTTPServer(("127.0.0.1", @PORT), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
]]

function servers.http(certfile, keyfile)
    return start(certfile, keyfile, HTTP, function(_, dir)
        return { "/usr/bin/python3", "-I", dir .. "/conf.lua" }
    end)
end

-- Anonymous users read and write below data/root. require_ssl_reuse is on, vsftpd's default.
function servers.vsftpd(certfile, keyfile)
    local text = [[
listen=YES
background=NO
listen_address=127.0.0.1
listen_port=@PORT
run_as_launching_user=YES
anonymous_enable=YES
anon_root=@DIR/data/root
secure_chroot_dir=@DIR/data/empty
write_enable=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
seccomp_sandbox=NO
xferlog_enable=NO
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
ssl_ciphers=HIGH
rsa_cert_file=@DIR/cert.pem
rsa_private_key_file=@DIR/key.pem
]]
    return start(certfile, keyfile, text, function(_, dir)
        os.execute(("cd %s/data && mkdir -p root/upload empty && chmod 555 root empty && chmod 755 root/upload"):format(dir))
        own(dir)
        return { "vsftpd", dir .. "/conf.lua" }
    end)
end

local TINYPROXY = [[
Port @PORT
Listen 127.0.0.1
Timeout 60
BasicAuth user secret
]]

-- tinyproxy needs no certificate.
function servers.tinyproxy(certfile, keyfile)
    return start(certfile, keyfile, TINYPROXY, function(_, dir)
        return { "tinyproxy", "-d", "-c", dir .. "/conf.lua" }
    end)
end

return servers
