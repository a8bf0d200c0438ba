--- HOST[:PORT] on the command line, and connections to it.

local addresses = require "cleat.socket.address"
local compat = require "cleat.compat"
local failure = require "cleat.cli.failure"
local idna = require "cleat.idna"
local loop = require "cleat.cli.loop"
local socket = require "cleat.socket"
local starttls = require "cleat.cli.starttls"

local pcall = compat.pcall

local target = {}

-- Returns whether a text is an IPv6 address, optionally with a zone.
local function is_ipv6(text)
    return text:find "^%x*:%x*:[%x:.]*%f[%z%%]%%?[%w]*$" ~= nil
end

-- Returns the port for a number from 1 to 65535 or the name of a service.
local function port_of(text)
    local number = text:find "^%d+$" and tonumber(text)
    if number then
        return number >= 1 and number <= 65535 and number or nil
    end
    local found, list = pcall(socket.getaddrinfo, "127.0.0.1", text, { type = socket.SOCK_STREAM })
    return found and list[1] and list[1][5][2] or nil
end

---@class cleat.cli.Target
---@field host string
---@field labels string the host with A-labels
---@field port integer
---@field name string host and port for messages

--- Parses HOST, HOST:PORT, [ADDRESS] and [ADDRESS]:PORT; an IPv6 address may stand alone.
---@param text string
---@param status integer the exit status if it is malformed
---@param protocol string? of --starttls
---@return cleat.cli.Target
function target.parse(text, status, protocol)
    local host, port = text:match "^%[([^%]]+)%]:?(.*)$"
    if not host then
        host, port = text:match "^([^:]+):([^:]*)$"
    end
    if not host then
        host, port = text, ""
    end
    if text:find "://" then
        failure.raise(status, ("'%s' is a URL: write HOST or HOST:PORT"):format(text))
    elseif host == "" or host:find "[%s/]" or host:find(":", 1, true) and not is_ipv6(host) then
        failure.raise(status, ("'%s' is not a host: write HOST, HOST:PORT or [ADDRESS]:PORT"):format(text))
    end
    local number = port == "" and starttls.port(protocol) or port_of(port)
    if not number or text:find ":$" then
        failure.raise(status, ("'%s' has no valid port: write a number from 1 to 65535, or the name of a service"):format(text))
    end
    local known, labels = pcall(idna.encode, host)
    if not known then
        failure.raise(status, ("'%s' is not a valid host: %s"):format(text, tostring(labels)))
    end
    local shown = host:find(":", 1, true) and "[" .. host .. "]" or host
    return { host = host, labels = labels, port = number, name = ("%s:%d"):format(shown, number) }
end

-- attempt connects to one address.
local function attempt(entry, timeout)
    local sock = socket.socket(entry[1], entry[2], entry[3])
    local ok, problem = pcall(function()
        sock:settimeout(math.max(timeout, 0.001))
        sock:connect(entry[5])
    end)
    if not ok then
        sock:close()
        return nil, problem
    end
    return sock
end

-- Tries each address, with an equal share of the remaining time.
local function connect(to, deadline)
    local list = addresses.resolve(to.labels, to.port, 0, socket.SOCK_STREAM, 0, 0, math.max(deadline - loop.now(), 0.001))
    local problem
    for index, entry in ipairs(list) do
        local sock
        sock, problem = attempt(entry, (deadline - loop.now()) / (#list - index + 1))
        if sock then
            return sock
        end
    end
    return error(problem, 0)
end

--- Connects, and executes the plaintext part of a protocol. deadline: on the clock of loop.now().
---@param to cleat.cli.Target
---@param deadline number
---@param protocol string?
---@param name string? the server's name for the protocol
---@return cleat.Socket
function target.connect(to, deadline, protocol, name)
    local sock = connect(to, deadline)
    if protocol then
        local ok, problem = pcall(starttls.begin, sock, protocol, name or to.host, deadline)
        if not ok then
            sock:close()
            error(problem, 0)
        end
    end
    return sock
end

return target
