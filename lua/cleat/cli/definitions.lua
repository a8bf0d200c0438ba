--- The commands of `cleat`, their arguments, options and exit statuses, as data: the parser (parser.lua), the help, and
--- the manual page (script/generator/manual.lua) are made from it.

---@class cleat.cli.Option
---@field names string "-j --json"
---@field value string? the name of its value in the help; none for a switch
---@field text string
---@field many boolean? may be given several times: the result is an array
---@field choices string[]?
---@field number boolean? the value is a number above 0
---@field default string?

local PROTOCOLS = { "smtp", "imap", "pop3", "xmpp", "ftp", "ldap", "postgres", "mysql" }

local STARTTLS = { names = "--starttls", value = "PROTOCOL", choices = PROTOCOLS,
    text = "begin in plaintext, and ask the server for TLS by the commands of this protocol" }

-- How a server is reached, and who it must be.
local REACHING = {
    STARTTLS,
    { names = "--servername", value = "NAME",
        text = "the name that is sent to the server, and that its certificate must have (default: HOST)" },
    { names = "--cafile", value = "FILE",
        text = "trust the CA certificates of this PEM file, and not the system's" },
    { names = "--capath", value = "DIRECTORY",
        text = "trust the CA certificates of this directory (of `openssl rehash`), and not the system's" },
    { names = "--cert", value = "FILE", text = "the own certificate, with its chain, in PEM" },
    { names = "--key", value = "FILE", text = "its private key, in PEM (default: the file of --cert)" },
    { names = "--alpn", value = "NAMES", text = "offer these application protocols: names with commas between them, such as h2,http/1.1" },
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

local USAGE_ERROR = { 2, "the command line is wrong, or a file that it names cannot be used" }

local definitions = {
    name = "cleat",
    text = "TLS in a terminal: talks to servers, inspects them, serves files, and shows certificates.",
    detail = "Every connection is verified, chain and name, unless --insecure is given.",
    protocols = PROTOCOLS,
    environment = {
        { "CLEAT_LUA", "the Lua interpreter that runs the command: lua5.4, luajit …" },
        { "COLUMNS", "the width of tables and of the help, where there is no terminal" },
        { "NO_COLOR", "if it is set, and not empty: no colours" },
        { "SSL_CERT_FILE, SSL_CERT_DIR", "the CA certificates that are trusted in place of the system's" },
    },
    commands = {},
}

definitions.commands[1] = {
    name = "connect",
    text = "connects to a TLS server, sends it the standard input, and writes what it sends to the standard output",
    detail = "What was negotiated is written to the standard error. At the end of the input close_notify is sent, and the "
        .. "connection is read to its end.",
    arguments = { { name = "target", value = "HOST[:PORT]",
        text = "port 443 by default, and that of the protocol with --starttls; an IPv6 address with a port is [ADDRESS]:PORT" } },
    options = with(REACHING, {
        { names = "--tls-version", value = "VERSION", choices = { "1.0", "1.1", "1.2", "1.3" },
            text = "this version of TLS, and no other" },
        { names = "--ech", value = "CONFIGS",
            text = "hide the name by Encrypted ClientHello, with these configurations of the server: Base64, as in "
                .. "the parameter ech of its HTTPS record in DNS" },
        { names = "--insecure", text = "verify nothing: an attacker between both ends can read and change everything" },
        { names = "--keep-open", text = "send no close_notify at the end of the input: for servers that take it for the "
            .. "end of the conversation, and do not finish their answer" },
        { names = "--crlf", text = "send line ends as CR LF, as mail and HTTP have them" },
        timeout "for how long to wait for the connection and the handshake",
        { names = "-q --quiet", text = "do not write what was negotiated" },
        { names = "--json", text = "write what was negotiated as a line of JSON" },
    }),
    statuses = {
        { 0, "the server has ended the connection with close_notify" },
        { 1, "the connection failed" },
        USAGE_ERROR,
        { 3, "the server's certificate was refused" },
        { 4, "the connection has ended without close_notify: what was received may be cut short" },
    },
}

definitions.commands[2] = {
    name = "inspect",
    text = "shows what a TLS server presents and accepts, and what is wrong with it",
    detail = "The exit status is that of monitoring plugins, of the worst server.",
    arguments = { { name = "targets", value = "HOST[:PORT]", many = true, text = "as of `cleat connect`" } },
    options = with(REACHING, {
        { names = "--warn-days", value = "DAYS", number = true, default = "14",
            text = "warn if a certificate of the chain ends in less than this" },
        { names = "--critical-days", value = "DAYS", number = true, default = "3",
            text = "be critical if one ends in less than this" },
        { names = "--brief", text = "look at one connection only: do not try versions, groups and ECH" },
        timeout "for how long to wait for each connection, from the lookup of the name to the end of the handshake",
        { names = "--limit", value = "SECONDS", number = true, default = "60",
            text = "for how long to inspect each server in all" },
        { names = "--json", text = "write JSON: an array of one object for each server" },
    }),
    statuses = {
        { 0, "OK: all servers verify, and nothing ends soon" },
        { 1, "WARNING: a certificate ends soon, or an old version of TLS is accepted" },
        { 2, "CRITICAL: a certificate was refused, or ends very soon" },
        { 3, "UNKNOWN: a server could not be inspected, or the command line is wrong" },
    },
    usage_status = 3,
}

definitions.commands[3] = {
    name = "serve",
    text = "serves the files of a directory by HTTPS, or echoes what it receives",
    detail = "Without --cert it makes a certificate that is its own issuer, and writes the name of its file: clients verify "
        .. "it with `--cafile FILE`. Its key is in no file.",
    arguments = { { name = "directory", value = "DIRECTORY", optional = true,
        text = "whose files are served (default: the current one); files and directories that begin with a dot are not" } },
    options = {
        { names = "--echo", text = "send back what each client sends, and serve no files" },
        { names = "--listen", value = "ADDRESS", default = "127.0.0.1",
            text = "listen on this address of the machine: 0.0.0.0 or :: lets other machines connect" },
        { names = "--port", value = "PORT", default = "0", text = "listen on this port; 0 takes a free one" },
        { names = "--cert", value = "FILE", text = "the certificate, with its chain, in PEM" },
        { names = "--key", value = "FILE", text = "its private key, in PEM (default: the file of --cert)" },
        { names = "--name", value = "NAME", many = true,
            text = "a name or address for the certificate that is made; several times for several (default: localhost, "
                .. "127.0.0.1 and ::1, and the address of --listen)" },
        { names = "--days", value = "DAYS", number = true, default = "1", text = "for how many days it is valid" },
        { names = "--cert-out", value = "FILE", text = "write the certificate that is made to this file" },
        { names = "--client-ca", value = "FILE",
            text = "accept only clients with a certificate of a CA in this PEM file" },
        timeout "for how long a client may be silent, and for how long it may take for its request",
        { names = "-q --quiet", text = "do not write a line for each request" },
    },
    statuses = {
        { 1, "it could not listen" },
        USAGE_ERROR,
        { 130, "it was ended by Ctrl-C" },
    },
}

definitions.commands[4] = {
    name = "cert",
    text = "shows the certificates of files, in PEM or DER",
    arguments = { { name = "files", value = "FILE", many = true, text = "\"-\" is the standard input" } },
    options = {
        { names = "--key", value = "FILE", text = "check that this private key belongs to the first certificate of the first file" },
        { names = "--host", value = "NAME", text = "check that the first certificate of each file is for this host" },
        { names = "--warn-days", value = "DAYS", number = true,
            text = "fail if a certificate has ended, or ends in less than this" },
        { names = "--pem", text = "write the certificates in PEM, and nothing else" },
        { names = "--json", text = "write JSON: an array of one object for each certificate" },
    },
    statuses = {
        { 0, "all is as it was asked for" },
        { 1, "a check failed: --key, --host or --warn-days" },
        USAGE_ERROR,
    },
}

return definitions
