--- The plaintext part of protocols that start TLS with a command. It reads exactly up to the end of the server's reply:
--- bytes that an attacker appends become part of the handshake, which then fails, and are never interpreted as a reply.

local compat = require "cleat.compat"
local failure = require "cleat.cli.failure"
local loop = require "cleat.cli.loop"
local output = require "cleat.cli.output"

local starttls = {}

local LINE, MESSAGE, LINES = 4096, 65536, 200 -- limits for the plaintext of the server

---@class cleat.cli.Plain
---@field sock cleat.Socket
---@field deadline number
---@field name string
local Plain = {}
Plain.__index = Plain

local TAIL = 64 -- no pattern of read_until matches more bytes

local function refuse(format, ...)
    failure.raise(1, format:format(...))
end

local function shown(text)
    return "'" .. output.safe((text:gsub("[\r\n]+$", "")):sub(1, 200)) .. "'"
end

-- limit sets the socket's timeout. A server that keeps sending does not extend the deadline.
function Plain:limit()
    local left = self.deadline - loop.now()
    if left <= 0 then
        refuse "the server did not reply in time (--timeout)"
    end
    self.sock:settimeout(left)
end

function Plain:send(text)
    self:limit()
    self.sock:sendall(text)
end

function Plain:read(size)
    local parts, left = {}, size
    while left > 0 do
        self:limit()
        local data = self.sock:recv(left)
        if data == "" then
            refuse "the server has closed the connection before TLS"
        end
        parts[#parts + 1] = data
        left = left - #data
    end
    return table.concat(parts)
end

-- read_until reads until the text ends with a match of one of two patterns
function Plain:read_until(pattern, limit, other)
    local bytes, tail = {}, ""
    repeat
        bytes[#bytes + 1] = self:read(1)
        tail = tail:sub(1 - TAIL) .. bytes[#bytes]
        if #bytes > limit then
            refuse("the server's reply is too long: it begins with %s", shown(table.concat(bytes, "", 1, 60)))
        end
    until tail:find(pattern) or other and tail:find(other)
    return table.concat(bytes)
end

function Plain:line()
    return self:read_until("\n$", LINE)
end

-- read_reply reads a reply of SMTP or FTP: in its last line a space follows the code
function Plain:read_reply(code)
    local lines = {}
    repeat
        lines[#lines + 1] = self:line()
        if #lines > LINES then
            refuse "the server's reply has too many lines"
        end
    until lines[#lines]:find "^%d%d%d[ \r\n]"
    if lines[#lines]:sub(1, 3) ~= code then
        refuse("the server replies %s", shown(lines[#lines]))
    end
    return table.concat(lines)
end

local begin, ports = {}, {}

ports.smtp = 25
function begin.smtp(plain)
    plain:read_reply "220"
    plain:send "EHLO localhost\r\n"
    if not plain:read_reply("250"):upper():find "\n250[ -]STARTTLS%f[\r\n]" then
        refuse "the server does not offer STARTTLS"
    end
    plain:send "STARTTLS\r\n"
    plain:read_reply "220"
end

ports.ftp = 21
function begin.ftp(plain)
    plain:read_reply "220"
    plain:send "AUTH TLS\r\n"
    plain:read_reply "234"
end

ports.imap = 143
function begin.imap(plain)
    local greeting = plain:line()
    if not greeting:find "^%* OK" then
        refuse("the server greets with %s", shown(greeting))
    end
    plain:send "a STARTTLS\r\n"
    local line
    for _ = 1, LINES do
        line = plain:line()
        if line:find "^a " then
            break
        end
    end
    if not line:find "^a OK" then
        refuse("the server replies %s", shown(line))
    end
end

ports.pop3 = 110
function begin.pop3(plain)
    for _, command in ipairs { "", "STLS\r\n" } do
        plain:send(command)
        local line = plain:line()
        if not line:find "^%+OK" then
            refuse("the server replies %s", shown(line))
        end
    end
end

ports.xmpp = 5222
function begin.xmpp(plain)
    local domain = plain.name:gsub("[<>&'\"]", "")
    plain:send(("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        .. "to='%s' version='1.0'>"):format(domain))
    local features = plain:read_until("</?stream:features/?>$", MESSAGE, "</stream:error>$")
    if features:find "<stream:features>$" then
        features = plain:read_until("</stream:features>$", MESSAGE)
    end
    if features:find "</stream:error>$" then
        refuse("the server replies %s", shown(features:match "<stream:error.*$"))
    end
    if not features:find("urn:ietf:params:xml:ns:xmpp-tls", 1, true) then
        refuse "the server does not offer STARTTLS"
    end
    plain:send "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
    local answer = plain:read_until("/>$", LINE)
    if not answer:find "^%s*<proceed%s" then
        refuse("the server replies %s", shown(answer))
    end
end

local function ber(tag, content)
    return string.char(tag, #content) .. content -- up to 127 bytes
end

ports.ldap = 389
function begin.ldap(plain)
    plain:send(ber(48, ber(2, "\1") .. ber(119, ber(128, "1.3.6.1.4.1.1466.20037"))))
    local tag, size = plain:read(2):byte(1, 2)
    if size > 128 and size <= 131 then -- the length is encoded in 1 to 3 bytes
        local bytes = plain:read(size - 128)
        size = 0
        for i = 1, #bytes do
            size = size * 256 + bytes:byte(i)
        end
    end
    if tag ~= 48 or size > MESSAGE then
        refuse "the server does not reply with LDAP"
    end
    local code = plain:read(size):match "^\2\1\1\120[^\10]+\10\1(.)" -- messageID 1, ExtendedResponse, resultCode
    if code ~= "\0" then
        refuse("the server refuses StartTLS%s", code and ": LDAP result code " .. code:byte() or "")
    end
end

ports.postgres = 5432
function begin.postgres(plain)
    plain:send "\0\0\0\8\4\210\22\47" -- SSLRequest
    local answer = plain:read(1)
    if answer ~= "S" then
        refuse(answer == "N" and "the server does not support TLS" or "the server does not reply as PostgreSQL does")
    end
end

ports.mysql = 3306
function begin.mysql(plain)
    local a, b, c, sequence = plain:read(4):byte(1, 4)
    local size = a + b * 256 + c * 65536
    local packet = size <= MESSAGE and plain:read(size) or ""
    if packet:byte() == 255 then
        refuse("the server refuses: %s", shown(packet:sub(4)))
    end
    local low, high = packet:match "^\10[^%z]*%z.............(.)(.)" -- protocol 10: its version, and then capabilities
    if not low or sequence ~= 0 then
        refuse "the server does not reply as MySQL does"
    elseif math.floor((low:byte() + high:byte() * 256) / 2048) % 2 ~= 1 then
        refuse "the server does not support TLS"
    end
    -- SSLRequest: CLIENT_PROTOCOL_41, CLIENT_SSL and CLIENT_SECURE_CONNECTION; packets up to 16 MB; utf8
    plain:send("\32\0\0\1\0\138\0\0\0\0\0\1\33" .. ("\0"):rep(23))
end

--- Returns the default port of a protocol that begins in plaintext; 443 without a protocol.
---@param protocol string?
---@return integer
function starttls.port(protocol)
    return protocol and ports[protocol] or 443
end

--- Executes the plaintext part of a protocol, up to the start of TLS. Raises a failure if the server refuses.
---@param sock cleat.Socket
---@param protocol string
---@param name string the server's domain for XMPP
---@param deadline number
function starttls.begin(sock, protocol, name, deadline)
    local plain = setmetatable({ sock = sock, name = name, deadline = deadline }, Plain)
    local ok, problem = compat.pcall(begin[protocol], plain)
    if not ok then
        if failure.is(problem) then
            problem.message = ("%s: %s"):format(protocol, problem.message)
        end
        error(problem, 0)
    end
end

return starttls
