--- The demo: cleat with other programs, without any preparation. It exits with 0 only if every step has succeeded.
---
--- Run it by script/demo.

local USAGE = [[
Usage: script/demo

Makes a small PKI, lets the examples speak with nginx, curl and Python, and shows what they refuse.
]]

local here = arg[0]:match("^(.*/)") or "./"
package.path = here .. "../../spec/?.lua;" .. package.path

local nginx = require "support.nginx"
local pki = require "support.pki"
local process = require "support.process"

if arg[1] then
    io.write(USAGE)
    os.exit(arg[1]:match("^%-?%-h") and 0 or 2)
end

local HOST = "www.cleat.test" -- a name that cannot be resolved: --connect gives the examples the address

local results = {}

local function heading(text)
    io.write("\n", text, "\n")
end

-- show prints indented text; of a longer text it prints the first and the last lines only.
local function show(text, most)
    local lines = {}
    for line in (text:gsub("\r", "") .. "\n"):gmatch("(.-)\n") do
        lines[#lines + 1] = line
    end
    while lines[#lines] == "" do
        lines[#lines] = nil
    end
    for i, line in ipairs(lines) do
        if not most or #lines <= most or i < most or i == #lines then
            io.write(line == "" and "" or "    ", line, "\n")
        elseif i == most then
            io.write("    ...\n")
        end
    end
end

-- summary stores a line that is printed at the end.
local function summary(name, ok, text)
    results[#results + 1] = { name = name, ok = ok, text = text }
end

-- shorten replaces the directory of the PKI by "$PKI" in the output.
local function shorten(text)
    local long = pki.directory:gsub("%p", "%%%0")
    return (text:gsub(long, "$PKI"))
end

-- command prints a command as a user would type it, and runs `words`.
local function command(typed, words)
    io.write("  $ ", shorten(typed), "\n")
    io.stdout:flush()
    words.timeout = 20
    return process.run(words)
end

local function https_get(url, connect)
    local typed = { "script/lua examples/https_get.lua" }
    local words = { "examples/https_get.lua" }
    for _, word in ipairs { "--cafile", pki.path("root.pem"), "--connect", connect, url } do
        words[#words + 1] = word
        typed[#typed + 1] = word
    end
    return command(table.concat(typed, " "), process.lua(words))
end

local function step_pki()
    heading("1. A small PKI, made with the openssl command")
    pki.make(process.directory() .. "/pki")
    local list = {
        { "root.pem", "the root, which the clients below trust" },
        { "server-ec.pem", "a server: DNS " .. HOST .. " and localhost, IP 127.0.0.1; issued by an intermediate" },
        { "server-rsa.pem", "the same with an RSA key" },
        { "expired.pem", "the same, but of 2020" },
        { "other.pem", "a certificate for another host" },
        { "unknown.pem", "one under an unknown root" },
    }
    local ok = true
    for _, item in ipairs(list) do
        local file = io.open(pki.path(item[1]))
        ok = ok and file ~= nil
        if file then
            file:close()
        end
        show(("%-16s%s"):format(item[1], item[2]))
    end
    local verified = process.run {
        "openssl", "verify", "-CAfile", pki.path("root.pem"), "-untrusted", pki.path("intermediate.crt"),
        pki.path("server-ec.crt"),
    }
    summary("PKI", ok and verified.status == 0, "root, intermediate, good and bad leaves")
end

local function step_client()
    heading("2. examples/https_get.lua fetches a page from nginx")
    local page = "location = / { default_type text/plain; return 200 \"Hello from nginx, by $ssl_protocol.\\n\"; }"
    local server = nginx.start {
        { cert = "server-ec", lines = page }, { cert = "server-rsa", protocols = "TLSv1.2", lines = page },
        { cert = "expired" }, { cert = "other" }, { cert = "unknown" }, { listen = "" },
    }
    local good = https_get("https://" .. HOST .. "/", "127.0.0.1:" .. server.ports[1])
    show(good.output .. good.errors)
    local by_address = https_get("https://127.0.0.1:" .. server.ports[2] .. "/", "127.0.0.1:" .. server.ports[2])
    show(by_address.output .. by_address.errors, 3)
    summary("client", good.status == 0 and by_address.status == 0
        and good.output:find("('DNS', '" .. HOST .. "')", 1, true) and good.output:find("'TLSv1.3'", 1, true)
        and good.output:find("Hello from nginx, by TLSv1.3.", 1, true)
        and by_address.output:find("Hello from nginx, by TLSv1.2.", 1, true),
        "fetched from nginx by name (TLS 1.3, ECDSA) and by IP address (TLS 1.2, RSA)")
    return server
end

local PYTHON = [[
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[2])), 10), server_hostname="localhost") as s:
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    print(s.version(), s.cipher()[0])
    reply = b""
    while True:
        data = s.recv(1024)
        if not data:
            break
        reply += data
    print(reply.split(b"\r\n\r\n")[1].decode().strip())
]]

local function step_server()
    heading("3. examples/https_server.lua serves curl and Python")
    local certfile, keyfile = pki.chain("server-ec")
    io.write("  $ ", shorten(("script/lua examples/https_server.lua --cert %s --key %s &"):format(certfile, keyfile)), "\n")
    local server = process.start(process.lua {
        "examples/https_server.lua", "--cert", certfile, "--key", keyfile, timeout = 60,
    })
    server.port = server:wait_for("listening on (%d+)")
    show(server:output())
    local url = "https://localhost:" .. server.port .. "/"
    local curl = command("curl --cacert " .. pki.path("root.pem") .. " " .. url, {
        "curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", pki.path("root.pem"),
        "--resolve", "localhost:" .. server.port .. ":127.0.0.1", url,
    })
    show(curl.output .. curl.errors)
    local python = command("python3 (ssl.create_default_context, wrap_socket, sendall, recv)", {
        "/usr/bin/python3", "-I", "-c", PYTHON, pki.path("root.pem"), server.port,
    })
    show(python.output .. python.errors)
    summary("server", curl.status == 0 and python.status == 0 and curl.output:find("Made fast by TLSv1.3", 1, true)
        and python.output:find("Made fast by TLSv1.3", 1, true) and server:errors() == "",
        "served curl and Python's ssl, both verifying")
    return server
end

local function step_refusals(web, server)
    heading("4. What is refused, and why")
    local old = process.start {
        "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-tls1", "-cipher", "ALL:@SECLEVEL=0", "-cert",
        pki.path("server-rsa.pem"), "-key", pki.path("server-rsa.key"), timeout = 60,
    }
    local old_port = old:wait_for("ACCEPT [%d.]+:(%d+)")

    -- refuse checks that https_get exits with 1, prints no page, and prints the reason.
    local function refuse(name, port, reason, more)
        io.write("  ", name, ":\n")
        local result = https_get("https://" .. HOST .. "/", "127.0.0.1:" .. port)
        show(result.output .. result.errors)
        summary(name, result.status == 1 and result.output == "" and result.errors:find(reason, 1, true)
            and (not more or result.errors:find(more, 1, true)), more or reason)
    end
    refuse("expired certificate", web.ports[3], "CERTIFICATE_VERIFY_FAILED", "certificate has expired")
    refuse("certificate of another host", web.ports[4], "CERTIFICATE_VERIFY_FAILED", "'" .. HOST .. "'")
    refuse("unknown root", web.ports[5], "CERTIFICATE_VERIFY_FAILED", "unable to get local issuer certificate")
    refuse("plain HTTP where TLS is expected", web.ports[6], "WRONG_VERSION_NUMBER")
    refuse("a server that only speaks TLS 1.0", old_port, "PROTOCOL_VERSION")
    old:stop()

    io.write("  plain HTTP to the port of https_server.lua:\n")
    local result = command("curl http://localhost:" .. server.port .. "/", {
        "curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "300",
        "http://127.0.0.1:" .. server.port .. "/",
    })
    local reported, reason = pcall(server.wait_for, server, "(https_server: %[SSL: HTTP_REQUEST%][^\n]*)", 5)
    show(reported and reason or server:errors())
    summary("plain HTTP to our server", result.status ~= 0 and reported, "HTTP_REQUEST")
end

local function run()
    step_pki()
    local web = step_client()
    local server = step_server()
    step_refusals(web, server)
end

local start = process.clock()
local ok, failure = pcall(run)
process.cleanup()

heading("5. Summary")
local all = ok
for _, result in ipairs(results) do
    all = all and result.ok
    io.write(("    %-6s %-34s %s\n"):format(result.ok and "ok" or "FAILED", result.name, result.text))
end
if not ok then
    io.write("    FAILED ", tostring(failure), "\n")
end
io.write(("    %s in %.1f s\n"):format(all and "All as it should be," or "Not as it should be,", process.clock() - start))
os.exit(all and 0 or 1)
