--- Names of hosts, services, protocols and interfaces, and packed addresses (Python's gethostbyname, getservbyname,
--- inet_pton and similar functions, section 17.2). Functions that may query a name server wait with the default waiter,
--- if there is one, so that other coroutines run during the query.

local C = require "cleat.backend"
local Buffer = require "cleat.buffer"
local address = require "cleat.socket.address"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local resolution = require "cleat.socket.resolution"
local status = require "cleat.status"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall
local const = C.const
local INET, INET6 = const.AF_INET, const.AF_INET6
local BROADCAST = "255.255.255.255"

local names = {}

local function waits()
    return address.waits(waiting.default)
end

local function name_of(f, argument, value)
    check.string(f, argument, value)
    return check.optional_path(f, argument, value)
end

-- first returns the first address of a host and its family, as Python's setipaddr does.
local function first(host, family)
    if host == "" and family == 0 then
        errors.raise(errors.error, "wildcard resolved to multiple address")
    elseif host == "" then
        return "0.0.0.0", INET
    elseif host == "<broadcast>" or host == BROADCAST then
        return BROADCAST, INET
    end
    local list, guard = resolution.addrinfo(host, nil, family, const.SOCK_DGRAM, 0, 0, waits())
    local result, text, of, _, _, _, _, scope = C.addrinfo_address(list, 0)
    C.guard_close(guard)
    errors.check(result)
    return scope ~= 0 and text .. "%" .. scope or text, of
end

local function text_of(...)
    local _, text = errors.check(...)
    return text
end

-- details returns the name, the aliases and the addresses in a list of the ABI, and closes the list.
local function details(list, guard)
    local aliases, addresses = {}, {}
    local name = text_of(C.addrinfo_canonname(list))
    for index = 0, errors.check(C.addrinfo_alias_count(list)) - 1 do
        aliases[index + 1] = text_of(C.addrinfo_alias(list, index))
    end
    for index = 0, errors.check(C.addrinfo_count(list)) - 1 do
        addresses[index + 1] = text_of(C.addrinfo_address(list, index))
    end
    C.guard_close(guard)
    return name, aliases, addresses
end

-- The h_errno and the text of hstrerror for each EAI_*.
local REASONS = {
    [const.EAI_NONAME] = { 1, "Unknown host" }, [const.EAI_AGAIN] = { 2, "Host name lookup failure" },
    [const.EAI_FAIL] = { 3, "Unknown server error" }, [const.EAI_NODATA] = { 4, "No address associated with name" },
}

local function raise_herror(result)
    local reason = status.class(result) == const.RESOLVE and REASONS[status.value(result)]
    if not reason then
        return errors.check(result)
    end
    return errors.raise(errors.herror, reason[1], reason[2])
end

--- Returns an IPv4 address of a host. getaddrinfo returns all addresses, of IPv6 too.
---
---     print(socket.gethostbyname("127.0.0.1")) --> 127.0.0.1
---
--- Raises: socket.gaierror if the host is unknown; TypeError, and ValueError for a null byte.
--- Python: 1.4.
---@param hostname string a name or an address; "" for the wildcard address
---@return string
function names.gethostbyname(hostname)
    name_of("gethostbyname", "hostname", hostname)
    return (first(hostname, INET))
end

--- Returns the canonical name of a host, its aliases and its IPv4 addresses.
---
---     local name, aliases, addresses = socket.gethostbyname_ex("127.0.0.1")
---     print(name, #aliases, addresses[1]) --> 127.0.0.1	0	127.0.0.1
---
--- Raises: socket.gaierror if the host is unknown; socket.herror; TypeError, ValueError.
--- Python: 1.4.
---@param hostname string
---@return string name
---@return string[] aliases
---@return string[] addresses
function names.gethostbyname_ex(hostname)
    hostname = name_of("gethostbyname_ex", "hostname", hostname)
    local list, guard = resolution.lookup(const.LOOKUP_HOST, hostname, 0, 0, waits())
    if list < 0 then
        local err = errors.from_status(list)
        if errors.gaierror:is(err) then
            first(hostname, INET) -- raises the error of getaddrinfo
            raise_herror(list)
        end
        errors.throw(err)
    end
    return details(list, guard)
end

local function by_address(host)
    local list, guard = resolution.lookup(const.LOOKUP_ADDRESS, (first(host, 0)), 0, 0, waits())
    if list < 0 then
        raise_herror(list)
    end
    return details(list, guard)
end

--- Returns the name, the aliases and the addresses of the host that has an address (reverse lookup).
---
---     local name, aliases, addresses = socket.gethostbyaddr("127.0.0.1")
---     print(name, addresses[1]) --> localhost	127.0.0.1
---
--- Raises: socket.herror if the address has no name; socket.gaierror if a host name is unknown; TypeError, and
--- ValueError for a null byte.
--- Python: 1.4.
---@param ip_address string an IPv4 or IPv6 address, or a host name
---@return string name
---@return string[] aliases
---@return string[] addresses
function names.gethostbyaddr(ip_address)
    return by_address(name_of("gethostbyaddr", "ip_address", ip_address))
end

--- Returns the host name of this machine.
---
---     print("running on " .. socket.gethostname())
---
--- Python: 1.4.
---@return string
function names.gethostname()
    return text_of(C.host_name())
end

--- Returns the fully qualified name of a host: of its name and aliases the first that contains a dot, or its name if
--- none does. The name of an unknown host is returned unchanged.
---
---     io.write("mail from root@", socket.getfqdn(), "\n")
---
--- Raises: TypeError, and ValueError for a null byte.
--- Python: 2.0.
---@param name string? a name or an address; nil, "", "0.0.0.0" and "::" for this machine
---@return string
function names.getfqdn(name)
    name = name == nil and "" or name_of("getfqdn", "name", name):match("^%s*(.-)%s*$")
    if name == "" or name == "0.0.0.0" or name == "::" then
        name = names.gethostname()
    end
    local ok, canonical, aliases = pcall(by_address, name)
    if not ok then
        if not errors.error:is(canonical) then
            error(canonical, 0)
        end
        return name
    end
    table.insert(aliases, 1, canonical)
    for _, alias in ipairs(aliases) do
        if alias:find(".", 1, true) then
            return alias
        end
    end
    return canonical
end

--- Returns the host name and the service name of an address.
---
---     local address = { "127.0.0.1", 80 }
---     print(socket.getnameinfo(address, socket.NI_NUMERICHOST + socket.NI_NUMERICSERV)) --> 127.0.0.1	80
---
--- Raises: socket.gaierror, with `EAI_NONAME` if the host is not a numeric address, or has no name and `flags` contains
--- NI_NAMEREQD; TypeError and ValueError for a malformed address.
--- Python: 2.2.
---@param sockaddr [string, integer]|[string, integer, integer, integer] {host, port}, or {host, port, flowinfo,
--- scopeid} for IPv6; the host is a numeric address
---@param flags integer? a sum of `NI_*`; 0 by default
---@return string host
---@return string service
function names.getnameinfo(sockaddr, flags)
    flags = check.optional_integer("getnameinfo", "flags", flags, 0)
    local ipv6 = type(sockaddr) == "table" and type(sockaddr[1]) == "string" and sockaddr[1]:find(":", 1, true)
    local host, port = address.pack("getnameinfo", ipv6 and INET6 or INET, sockaddr)
    local list, guard = resolution.lookup(const.LOOKUP_NAMES, host, port, flags, waits())
    errors.check(list)
    local name, service = text_of(C.addrinfo_canonname(list)), text_of(C.addrinfo_service(list))
    C.guard_close(guard)
    return name, service
end

-- found returns the results of a lookup in the system's files, or raises socket.error with `text` if nothing was found.
local function found(text, result, ...)
    if result < 0 and status.class(result) == const.RESOLVE then
        return errors.raise(errors.error, text)
    end
    return errors.check(result, ...)
end

--- Returns the port number of a service.
---
---     print(socket.getservbyname("https", "tcp")) --> 443
---
--- Raises: socket.error "service/proto not found"; TypeError, ValueError.
--- Python: 1.4.
---@param servicename string
---@param protocolname string? "tcp" or "udp"; nil for any
---@return integer
function names.getservbyname(servicename, protocolname)
    name_of("getservbyname", "servicename", servicename)
    check.optional_path("getservbyname", "protocolname", protocolname)
    return (found("service/proto not found", C.service_port(servicename, protocolname)))
end

--- Returns the name of the service with a port number.
---
---     print(socket.getservbyport(443, "tcp")) --> https
---
--- Raises: socket.error "port/proto not found"; TypeError, ValueError.
--- Python: 2.4.
---@param port integer
---@param protocolname string? "tcp" or "udp"; nil for any
---@return string
function names.getservbyport(port, protocolname)
    port = check.integer("getservbyport", "port", port)
    check.optional_path("getservbyport", "protocolname", protocolname)
    if port < 0 or port > 65535 then
        errors.raise(errors.ValueError, "getservbyport: port must be 0-65535.")
    end
    local _, name = found("port/proto not found", C.service_name(port, protocolname))
    return name
end

--- Returns the number of a protocol, which is an `IPPROTO_*`.
---
---     local sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.getprotobyname("tcp"))
---     print(sock.proto == socket.IPPROTO_TCP) --> true
---
--- Raises: socket.error "protocol not found"; TypeError, ValueError.
--- Python: 1.4.
---@param protocolname string
---@return integer
function names.getprotobyname(protocolname)
    protocolname = name_of("getprotobyname", "protocolname", protocolname)
    return (found("protocol not found", C.protocol_number(protocolname)))
end

--- Returns the number of a network interface. It is the `scopeid` of link-local IPv6 addresses.
---
---     print(socket.if_indextoname(socket.if_nametoindex("lo"))) --> lo
---
--- Raises: socket.error "no interface with this name"; TypeError, ValueError.
--- Python: 3.3.
---@param if_name string
---@return integer
function names.if_nametoindex(if_name)
    if_name = name_of("if_nametoindex", "if_name", if_name)
    local index = C.interface_index(if_name)
    if index < 0 and status.class(index) == const.SYS then
        errors.raise(errors.error, "no interface with this name")
    end
    return (errors.check(index))
end

--- Returns the name of the network interface with a number.
---
---     print(socket.if_indextoname(socket.if_nametoindex("lo"))) --> lo
---
--- Raises: socket.error with ENXIO if there is no such interface; TypeError and ValueError for a number out of range.
--- Python: 3.3.
---@param if_index integer
---@return string
function names.if_indextoname(if_index)
    if_index = check.integer("if_indextoname", "if_index", if_index, 0)
    if if_index == 0 then
        errors.throw(errors.from_errno(const.ENXIO))
    end
    return text_of(C.interface_name(if_index))
end

--- Lists the network interfaces.
---
---     for _, interface in ipairs(socket.if_nameindex()) do
---         if interface[2] == "lo" then
---             print(interface[1] == socket.if_nametoindex("lo")) --> true
---         end
---     end
---
--- Raises: socket.error.
--- Python: 3.3.
---@return [integer, string][] # each entry is {number, name}
function names.if_nameindex()
    local list = {}
    for name in text_of(C.interface_names()):gmatch("[^\n]+") do
        local index = C.interface_index(name)
        if index > 0 then -- 0 if it was removed meanwhile
            list[#list + 1] = { index, name }
        end
    end
    return list
end

local function bytes_of(f, argument, value)
    if type(value) == "string" then
        return value
    elseif not Buffer._contents(value) then
        check.fail(f, argument, "a string or a buffer", value)
    end
    return tostring(value)
end

-- packed converts an address to bytes.
local function packed(f, family, value)
    local result, bytes = C.inet_pton(family, name_of(f, "ip_string", value), 16)
    if result < 0 and status.class(result) == const.USAGE then
        errors.raise(errors.error, "illegal IP address string passed to " .. f)
    end
    errors.check(result)
    return bytes
end

--- Converts an IPv4 address to four bytes in network order. It accepts short forms such as "127.1", which inet_pton
--- refuses.
---
---     print(socket.inet_aton("127.0.0.1") == "\127\0\0\1") --> true
---
--- Raises: socket.error for other strings; TypeError, and ValueError for a null byte.
--- Python: 1.4.
---@param ip_string string
---@return string
function names.inet_aton(ip_string)
    return packed("inet_aton", const.AF_UNSPEC, ip_string)
end

--- Converts an IPv4 address of four bytes to text.
---
---     print(socket.inet_ntoa("\127\0\0\1")) --> 127.0.0.1
---
--- Raises: socket.error "packed IP wrong length for inet_ntoa"; TypeError.
--- Python: 1.4.
---@param packed_ip string|cleat.Buffer
---@return string
function names.inet_ntoa(packed_ip)
    local bytes = bytes_of("inet_ntoa", "packed_ip", packed_ip)
    if #bytes ~= 4 then
        errors.raise(errors.error, "packed IP wrong length for inet_ntoa")
    end
    return text_of(C.inet_ntop(INET, bytes))
end

--- Converts an address to bytes in network order: four for IPv4, 16 for IPv6.
---
---     print(#socket.inet_pton(socket.AF_INET6, "::1")) --> 16
---
--- Raises: socket.error for other strings, and with EAFNOSUPPORT for other families; TypeError, and ValueError for a
--- null byte.
--- Python: 2.3.
---@param address_family integer `AF_INET` or `AF_INET6`
---@param ip_string string
---@return string
function names.inet_pton(address_family, ip_string)
    address_family = check.integer("inet_pton", "address_family", address_family)
    if address_family ~= INET and address_family ~= INET6 then
        errors.throw(errors.from_errno(const.EAFNOSUPPORT))
    end
    return packed("inet_pton", address_family, ip_string)
end

--- Converts an address of four bytes (IPv4) or 16 bytes (IPv6) to text.
---
---     print(socket.inet_ntop(socket.AF_INET6, ("\0"):rep(15) .. "\1")) --> ::1
---
--- Raises: ValueError for other lengths and other families; TypeError.
--- Python: 2.3.
---@param address_family integer `AF_INET` or `AF_INET6`
---@param packed_ip string|cleat.Buffer
---@return string
function names.inet_ntop(address_family, packed_ip)
    address_family = check.integer("inet_ntop", "address_family", address_family)
    local bytes = bytes_of("inet_ntop", "packed_ip", packed_ip)
    if address_family ~= INET and address_family ~= INET6 then
        errors.raise(errors.ValueError, ("unknown address family %d"):format(address_family))
    elseif #bytes ~= (address_family == INET and 4 or 16) then
        errors.raise(errors.ValueError, "invalid length of packed IP address string")
    end
    return text_of(C.inet_ntop(address_family, bytes))
end

-- BoringSSL supports little-endian machines only, so the bytes are always swapped.
local function swapped(f, x, bytes)
    x = check.integer(f, "x", x, 0, 256 ^ bytes - 1)
    local result = 0
    for _ = 1, bytes do
        result = result * 256 + x % 256
        x = math.floor(x / 256)
    end
    return result
end

--- Converts a 32-bit number from host to network byte order.
---
---     print(socket.ntohl(socket.htonl(1))) --> 1
---
--- Raises: TypeError; ValueError for numbers that are negative or too large.
--- Python: 1.4.
---@param x integer
---@return integer
function names.htonl(x)
    return swapped("htonl", x, 4)
end

--- Converts a 16-bit number from host to network byte order.
---
---     print(socket.htons(1)) --> 256
---
--- Raises: TypeError; ValueError for numbers that are negative or too large.
--- Python: 1.4.
---@param x integer
---@return integer
function names.htons(x)
    return swapped("htons", x, 2)
end

--- Converts a 32-bit number from network to host byte order.
---
---     print(socket.ntohl(0x01000000)) --> 1
---
--- Raises: TypeError; ValueError for numbers that are negative or too large.
--- Python: 1.4.
---@param x integer
---@return integer
function names.ntohl(x)
    return swapped("ntohl", x, 4)
end

--- Converts a 16-bit number from network to host byte order.
---
---     print(socket.ntohs(256)) --> 1
---
--- Raises: TypeError; ValueError for numbers that are negative or too large.
--- Python: 1.4.
---@param x integer
---@return integer
function names.ntohs(x)
    return swapped("ntohs", x, 2)
end

return names
