--- The commands of `cleat`, their arguments, options and exit statuses, as data for the parser (parser.lua), the help,
--- and the manual page (script/generator/manual.lua).

---@class cleat.cli.Option
---@field names string "-j --json"
---@field value string? the name of its value in the help; nil for a switch
---@field text string
---@field many boolean? whether it may be given several times; the result is an array
---@field choices string[]?
---@field number boolean? whether the value is a number above 0
---@field default string?

local PROTOCOLS = { "smtp", "imap", "pop3", "xmpp", "ftp", "ldap", "postgres", "mysql" }

local STARTTLS = { names = "--starttls", value = "PROTOCOL", choices = PROTOCOLS,
    text = "begin in plaintext, and start TLS with the commands of this protocol" }

-- How to reach a server, and how to verify it.
local REACHING = {
    STARTTLS,
    { names = "--servername", value = "NAME",
        text = "send this name to the server (SNI), and require its certificate to match it (default: HOST)" },
    { names = "--cafile", value = "FILE",
        text = "trust the CA certificates in this PEM file instead of the system's" },
    { names = "--capath", value = "DIRECTORY",
        text = "trust the CA certificates in this directory (prepared by `openssl rehash`) instead of the system's" },
    { names = "--cert", value = "FILE", text = "present this client certificate; a PEM file with the certificate and its chain" },
    { names = "--key", value = "FILE", text = "its private key, in PEM (default: the file of --cert)" },
    { names = "--alpn", value = "NAMES", text = "offer these application protocols: a comma-separated list, such as h2,http/1.1" },
}

local function with(list, ...)
    local all = {}
    for _, part in ipairs { list, ... } do
        for _, option in ipairs(part) do
            all[#all + 1] = option
        end
    end
    return all
end

local TIMEOUT = { names = "--timeout", value = "SECONDS", number = true, default = "10" }

local function timeout(text)
    return { names = TIMEOUT.names, value = TIMEOUT.value, number = true, default = TIMEOUT.default, text = text }
end

local USAGE_ERROR = { 2, "the command line is invalid, or a file that it names cannot be used" }

local definitions = {
    name = "cleat",
    text = "TLS in a terminal: connects to servers, inspects them, serves files, and shows certificates.",
    detail = "The chain and the name of every server are verified, unless --insecure is given.",
    protocols = PROTOCOLS,
    environment = {
        { "CLEAT_LUA", "the Lua interpreter that runs the command: lua5.4, luajit …" },
        { "COLUMNS", "the width of tables and of the help, if the output is not a terminal" },
        { "NO_COLOR", "disables colours, if it is set and not empty" },
        { "SSL_CERT_FILE, SSL_CERT_DIR", "the CA certificates to trust instead of the system's" },
    },
    commands = {},
}

definitions.commands[1] = {
    name = "connect",
    text = "connects to a TLS server, sends the standard input to it, and writes the received data to the standard output",
    detail = "It writes the result of the handshake to the standard error. At the end of the input it sends close_notify, and reads the "
        .. "connection up to its end.",
    arguments = { { name = "target", value = "HOST[:PORT]",
        text = "the default port is 443, or with --starttls that of the protocol; write an IPv6 address with a port as [ADDRESS]:PORT" } },
    options = with(REACHING, {
        { names = "--tls-version", value = "VERSION", choices = { "1.0", "1.1", "1.2", "1.3" },
            text = "allow this version of TLS only" },
        { names = "--ech", value = "CONFIGS",
            text = "encrypt the name (Encrypted ClientHello) with these configurations of the server: Base64, as in "
                .. "the parameter ech of its HTTPS record in DNS" },
        { names = "--insecure", text = "verify nothing: an attacker on the network can read and modify everything" },
        { names = "--keep-open", text = "send no close_notify at the end of the input: for servers that treat it as the "
            .. "end of the connection, and do not finish their response" },
        { names = "--crlf", text = "convert line ends to CR LF, for SMTP, HTTP and similar protocols" },
        timeout "the time limit for the connection and the handshake",
        { names = "-q --quiet", text = "do not write the result of the handshake" },
        { names = "--json", text = "write the result of the handshake as a line of JSON" },
    }),
    statuses = {
        { 0, "the server has closed the connection with close_notify" },
        { 1, "the connection failed" },
        USAGE_ERROR,
        { 3, "the server's certificate was refused" },
        { 4, "the connection has ended without close_notify: the received data may be truncated" },
    },
}

definitions.commands[2] = {
    name = "inspect",
    text = "shows the certificates and the settings of TLS servers, and their problems",
    detail = "The exit status is that of the worst server, with the numbers of monitoring plugins.",
    arguments = { { name = "targets", value = "HOST[:PORT]", many = true, text = "as for `cleat connect`" } },
    options = with(REACHING, {
        { names = "--warn-days", value = "DAYS", number = true, default = "14",
            text = "warn if a certificate of the chain expires in fewer days" },
        { names = "--critical-days", value = "DAYS", number = true, default = "3",
            text = "report a critical problem if one expires in fewer days" },
        { names = "--brief", text = "make one connection only: do not test versions, groups and ECH" },
        timeout "the time limit for each connection, from the name lookup to the end of the handshake",
        { names = "--limit", value = "SECONDS", number = true, default = "60",
            text = "the time limit for the whole inspection of a server" },
        { names = "--json", text = "write JSON: an array with an object for each server" },
    }),
    statuses = {
        { 0, "OK: all servers were verified, and no certificate expires soon" },
        { 1, "WARNING: a certificate expires soon, or an old version of TLS is accepted" },
        { 2, "CRITICAL: a certificate was refused, or expires very soon, or a server refuses connections" },
        { 3, "UNKNOWN: a server could not be inspected, or the command line is invalid" },
    },
    usage_status = 3,
}

definitions.commands[3] = {
    name = "serve",
    text = "serves the files of a directory by HTTPS, or sends received data back",
    detail = "Without --cert it makes a self-signed certificate, and writes the name of its file: clients verify "
        .. "it with `--cafile FILE`. The private key is not written to a file.",
    arguments = { { name = "directory", value = "DIRECTORY", optional = true,
        text = "serve the files of this directory (default: the current one), without names that begin with a dot" } },
    options = {
        { names = "--echo", text = "send the data of each client back, and serve no files" },
        { names = "--listen", value = "ADDRESS", default = "127.0.0.1",
            text = "listen on this address; with 0.0.0.0 or :: other machines can connect" },
        { names = "--port", value = "PORT", default = "0", text = "listen on this port; 0 is any free one" },
        { names = "--cert", value = "FILE", text = "a PEM file with the server's certificate and its chain" },
        { names = "--key", value = "FILE", text = "its private key, in PEM (default: the file of --cert)" },
        { names = "--name", value = "NAME", many = true,
            text = "a name or address in the self-signed certificate; may be given several times (default: localhost, "
                .. "127.0.0.1 and ::1, and the address of --listen)" },
        { names = "--days", value = "DAYS", number = true, default = "1", text = "for how many days the self-signed certificate is valid" },
        { names = "--cert-out", value = "FILE", text = "write the self-signed certificate to this file" },
        { names = "--client-ca", value = "FILE",
            text = "require clients to have a certificate of a CA in this PEM file" },
        timeout "the time limit for an idle client, and for a request",
        { names = "-q --quiet", text = "do not write a line for each request" },
    },
    statuses = {
        { 1, "it could not listen" },
        USAGE_ERROR,
        { 130, "Ctrl-C has ended it" },
    },
}

definitions.commands[4] = {
    name = "cert",
    text = "shows the certificates in files, in PEM or DER",
    arguments = { { name = "files", value = "FILE", many = true, text = "\"-\" is the standard input" } },
    options = {
        { names = "--key", value = "FILE", text = "check that this private key belongs to the first certificate of the first file" },
        { names = "--host", value = "NAME", text = "check that the first certificate of each file is valid for this host" },
        { names = "--warn-days", value = "DAYS", number = true,
            text = "fail if a certificate has expired, or expires in fewer days" },
        { names = "--pem", text = "write the certificates in PEM, and nothing else" },
        { names = "--json", text = "write JSON: an array with an object for each certificate" },
    },
    statuses = {
        { 0, "the certificates were shown, and all checks have succeeded" },
        { 1, "a check failed: --key, --host or --warn-days" },
        USAGE_ERROR,
    },
}

return definitions
