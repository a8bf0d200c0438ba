-- Names of hosts, services, protocols and interfaces, and addresses as bytes: values and errors equal those of this
-- machine's Python.
local C = require "cleat.backend"
local errors = require "cleat.errors"
local handles = require "support.handles"
local process = require "support.process"
local raises = require "support.raises"
local scheduler = require "support.scheduler"
local socket = require "cleat.socket"

local pcall = require("cleat.compat").pcall -- its functions may yield on Lua 5.1 too

-- python evaluates expressions, and returns a line for each: the values of a tuple are separated by tabs, those of
-- lists by commas, bytes are in hexadecimal, and an error is its class and its text.
local function python(expressions)
    local code = [[
import socket, sys
def show(value):
    if isinstance(value, (list, tuple)): return ",".join(map(show, value))
    return value.hex() if isinstance(value, bytes) else str(value)
for text in sys.argv[1:]:
    try:
        value = eval(text, {"socket": socket})
        print("\t".join(map(show, value)) if isinstance(value, tuple) else show(value))
    except OSError as err: print("!", type(err).__name__, err)
    except (ValueError, TypeError, OverflowError) as err: print("!", type(err).__name__, err)
]]
    local lines = {}
    local result = process.run { "/usr/bin/python3", "-E", "-s", "-c", code, (table.unpack or unpack)(expressions) }
    assert.are.equal("", result.errors)
    for line in result.output:gmatch("[^\n]*\n") do
        lines[#lines + 1] = line:sub(1, -2)
    end
    return lines
end

local function hex(bytes)
    return (bytes:gsub(".", function(char)
        return ("%02x"):format(char:byte())
    end))
end

local function shown(value)
    if type(value) ~= "table" then
        return tostring(value)
    end
    local parts = {}
    for index, each in ipairs(value) do
        parts[index] = shown(each)
    end
    return table.concat(parts, ",")
end

local PYTHON_NAMES = { ["socket.error"] = "OSError", ["socket.gaierror"] = "gaierror", ["socket.herror"] = "herror" }

-- outcome returns a call's results or error in the form of python().
local function outcome(f, ...)
    local results = { pcall(f, ...) }
    if not results[1] then
        local err = results[2]
        return ("! %s %s"):format(PYTHON_NAMES[err.class.name] or err.class.name, tostring(err))
    end
    local parts = {}
    for index = 2, #results do
        parts[index - 1] = shown(results[index])
    end
    return table.concat(parts, "\t")
end

-- compare checks pairs of Python's expression and cleat's call.
local function compare(cases)
    local expressions = {}
    for index, case in ipairs(cases) do
        expressions[index] = "socket." .. case[1]
    end
    for index, expected in ipairs(python(expressions)) do
        assert.are.equal(expected, cases[index][2], cases[index][1])
    end
end

-- A name that is too long is unknown without a query to a name server, whose responses can take seconds.
local UNKNOWN = ("unknown."):rep(40)

describe("names:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("of hosts: results equal Python's", function()
        local cases = {}
        for _, name in ipairs { "localhost", "127.0.0.1", "", "127.1", UNKNOWN } do
            for _, f in ipairs { "gethostbyname", "gethostbyname_ex", "gethostbyaddr" } do
                if f ~= "gethostbyname_ex" or name ~= "" then
                    cases[#cases + 1] = { ("%s(%q)"):format(f, name), outcome(socket[f], name) }
                end
            end
        end
        for _, name in ipairs { "<broadcast>", "255.255.255.255" } do
            cases[#cases + 1] = { ("gethostbyname(%q)"):format(name), outcome(socket.gethostbyname, name) }
        end
        -- an address that probably has no name: herror
        cases[#cases + 1] = { "gethostbyaddr('127.3.4.5')", outcome(socket.gethostbyaddr, "127.3.4.5") }
        for _, name in ipairs { "localhost", " localhost ", "", "0.0.0.0", UNKNOWN, "127.0.0.1" } do
            cases[#cases + 1] = { ("getfqdn(%q)"):format(name), outcome(socket.getfqdn, name) }
        end
        cases[#cases + 1] = { "getfqdn()", outcome(socket.getfqdn) }
        cases[#cases + 1] = { "gethostname()", outcome(socket.gethostname) }
        compare(cases)
        assert.are.equal("127.0.0.1", socket.gethostbyname("localhost"))
        assert.are.equal("localhost", (socket.gethostbyaddr("127.0.0.1")))
        raises("socket.gaierror", {}, socket.gethostbyname, UNKNOWN)
    end)

    it("of addresses with ports: results equal Python's", function()
        local N, D = socket.NI_NUMERICHOST, socket.NI_DGRAM
        local cases = {}
        for _, case in ipairs { { "('127.0.0.1', 443)", { "127.0.0.1", 443 } }, { "('127.0.0.1', 53)", { "127.0.0.1", 53 } } } do
            for _, flags in ipairs { 0, N, N + socket.NI_NUMERICSERV, D, socket.NI_NAMEREQD, socket.NI_NOFQDN } do
                cases[#cases + 1] = { ("getnameinfo(%s, %d)"):format(case[1], flags), outcome(socket.getnameinfo, case[2], flags) }
            end
        end
        for _, case in ipairs {
            { "('::1', 443, 0, 0)", { "::1", 443, 0, 0 } }, { "('fe80::1', 1, 0, 1)", { "fe80::1", 1, 0, 1 } },
            { "('127.3.4.5', 60001)", { "127.3.4.5", 60001 } }, { "('localhost', 1)", { "localhost", 1 } },
        } do
            cases[#cases + 1] = { ("getnameinfo(%s, %d)"):format(case[1], N), outcome(socket.getnameinfo, case[2], N) }
        end
        compare(cases)
        raises("socket.gaierror", { errno = socket.EAI_NONAME }, socket.getnameinfo, { "localhost", 1 })
        raises("ValueError", { match = "port must be 0-65535" }, socket.getnameinfo, { "127.0.0.1", 65536 })
        raises("ValueError", { match = "flags" }, socket.getnameinfo, { "127.0.0.1", 1 }, 0x1000)
        raises("TypeError", { match = "getnameinfo() argument must be an address {host, port}, not string" }, socket.getnameinfo, "x")
    end)

    it("of services, protocols and interfaces: results equal Python's", function()
        local cases = {}
        for _, case in ipairs {
            { "getservbyname", "https" }, { "getservbyname", "https", "tcp" }, { "getservbyname", "domain", "udp" },
            { "getservbyname", "https", "none" }, { "getservbyname", "no-such-service" },
            { "getservbyport", 443 }, { "getservbyport", 53, "udp" }, { "getservbyport", 443, "none" }, { "getservbyport", 60001 },
            { "getprotobyname", "tcp" }, { "getprotobyname", "icmp" }, { "getprotobyname", "none" },
            { "if_nametoindex", "lo" }, { "if_nametoindex", "none" }, { "if_indextoname", 9999 },
            { "if_indextoname", socket.if_nametoindex("lo") }, { "if_nametoindex", ("long"):rep(100) },
        } do
            local arguments = {}
            for index = 2, #case do
                arguments[index - 1] = type(case[index]) == "number" and case[index] or ("%q"):format(case[index])
            end
            cases[#cases + 1] = { ("%s(%s)"):format(case[1], table.concat(arguments, ", ")),
                outcome(socket[case[1]], (table.unpack or unpack)(case, 2)) }
        end
        cases[#cases + 1] = { "if_nameindex()", outcome(socket.if_nameindex) }
        compare(cases)
        raises("ValueError", { match = "getservbyport: port must be 0-65535." }, socket.getservbyport, 65536)
        raises("socket.error", { match = "service/proto not found" }, socket.getservbyname, "no-such-service")
        raises("socket.error", { errno = 6 }, socket.if_indextoname, 0)
    end)

    it("addresses as bytes, and numbers in network order: results equal Python's", function()
        local cases = {}
        local function add(expression, f, ...)
            local text = outcome(function(...)
                local result = f(...)
                return type(result) == "string" and expression:find("^inet_[ap]to") and hex(result) or result
            end, ...)
            cases[#cases + 1] = { expression, text }
        end
        for _, text in ipairs { "127.0.0.1", "127.1", "0x7f000001", "255.255.255.255", "", "1.2.3.4.5", "256.1.1.1", "::1" } do
            cases[#cases + 1] = { ("inet_aton(%q)"):format(text), outcome(function()
                return hex(socket.inet_aton(text))
            end) }
            cases[#cases + 1] = { ("inet_pton(2, %q)"):format(text), outcome(function()
                return hex(socket.inet_pton(socket.AF_INET, text))
            end) }
        end
        for _, text in ipairs { "::1", "2001:db8::1", "::ffff:1.2.3.4", "fe80::1%lo", "1.2.3.4", ":::", ("1"):rep(300) } do
            cases[#cases + 1] = { ("inet_pton(10, %q)"):format(text), outcome(function()
                return hex(socket.inet_pton(socket.AF_INET6, text))
            end) }
        end
        add("inet_pton(99, '1.2.3.4')", socket.inet_pton, 99, "1.2.3.4")
        add("inet_ntoa(b'\\x7f\\0\\0\\1')", socket.inet_ntoa, "\127\0\0\1")
        add("inet_ntoa(b'abc')", socket.inet_ntoa, "abc")
        add("inet_ntop(2, b'abcd')", socket.inet_ntop, socket.AF_INET, "abcd")
        add("inet_ntop(2, b'abc')", socket.inet_ntop, socket.AF_INET, "abc")
        add("inet_ntop(10, b'abcd')", socket.inet_ntop, socket.AF_INET6, "abcd")
        add("inet_ntop(10, bytes(15) + b'\\1')", socket.inet_ntop, socket.AF_INET6, ("\0"):rep(15) .. "\1")
        add("inet_ntop(99, b'abcd')", socket.inet_ntop, 99, "abcd")
        for _, f in ipairs { "htonl", "ntohl", "htons", "ntohs" } do
            for _, number in ipairs { 0, 1, 0x1234, 0xffff } do
                add(("%s(%d)"):format(f, number), socket[f], number)
            end
        end
        add("htonl(0xffffffff)", socket.htonl, 0xffffffff)
        add("ntohl(0x7f000001)", socket.ntohl, socket.INADDR_LOOPBACK)
        compare(cases)
        local buffer = socket.buffer(4)
        buffer:set(0, "\1\2\3\4")
        assert.are.equal("1.2.3.4", socket.inet_ntoa(buffer))
        for _, case in ipairs { { "htons", 0x10000 }, { "ntohs", -1 }, { "htonl", 0x100000000 }, { "ntohl", -1 } } do
            raises("ValueError", { match = case[1] .. "() argument 'x' must be between 0 and" }, socket[case[1]], case[2])
        end
        raises("TypeError", { match = "htons() argument 'x' must be an integer" }, socket.htons, 1.5)
    end)

    it("are refused if they have another type or a zero byte", function()
        for _, case in ipairs {
            { "gethostbyname", "hostname" }, { "gethostbyname_ex", "hostname" }, { "gethostbyaddr", "ip_address" },
            { "getservbyname", "servicename" }, { "getprotobyname", "protocolname" }, { "if_nametoindex", "if_name" },
            { "inet_aton", "ip_string" }, { "getfqdn", "name" },
        } do
            local f, argument = socket[case[1]], case[2]
            local match = ("%s() argument '%s' "):format(case[1], argument)
            raises("TypeError", { match = match .. "must be a string, not 7" }, f, 7)
            raises("TypeError", { match = match .. "must be a string, not table" }, f, { [argument] = "localhost" })
            raises("ValueError", { match = match .. "has an embedded null byte" }, f, "local\0host")
        end
        raises("TypeError", { match = "inet_ntoa() argument 'packed_ip' must be a string or a buffer" }, socket.inet_ntoa, 1)
    end)

    it("are looked up while other coroutines run", function()
        local loop = scheduler.new()
        local found = {}
        local unknown = outcome(socket.gethostbyname_ex, UNKNOWN)
        assert.are.equal("! gaierror", unknown:sub(1, 10))
        socket.setdefaultwaiter(loop.waiter)
        for _, case in ipairs {
            { "gethostbyname", "localhost" }, { "gethostbyname_ex", "localhost" }, { "gethostbyaddr", "127.0.0.1" },
            { "getnameinfo", { "127.0.0.1", 443 } }, { "getfqdn", "localhost" }, { "gethostbyname_ex", UNKNOWN },
        } do
            loop:start(function()
                local text = outcome(socket[case[1]], case[2])
                found[#found + 1] = case[1] .. ": " .. text
            end)
        end
        loop:run(30)
        while loop.waits == 0 do -- a lookup may finish before it waits
            loop:start(function()
                socket.gethostbyaddr("127.0.0.1")
            end)
            loop:run(30)
        end
        socket.setdefaultwaiter(nil)
        table.sort(found)
        local wanted = {
            "getfqdn: " .. socket.getfqdn("localhost"),
            "gethostbyaddr: " .. outcome(socket.gethostbyaddr, "127.0.0.1"), "gethostbyname: 127.0.0.1",
            "gethostbyname_ex: " .. unknown, "gethostbyname_ex: " .. outcome(socket.gethostbyname_ex, "localhost"),
            "getnameinfo: " .. outcome(socket.getnameinfo, { "127.0.0.1", 443 }),
        }
        table.sort(wanted)
        assert.are.same(wanted, found)
    end)

    it("can time out by their waiter, and leak nothing", function()
        local count = C.handle_count()
        socket.setdefaultwaiter(function()
            return false
        end)
        local ok, err = true, nil
        while ok do -- as above
            ok, err = pcall(socket.gethostbyaddr, "127.0.0.1")
        end
        socket.setdefaultwaiter(nil)
        assert.is_false(ok)
        assert.is_true(socket.timeout:is(err))
        assert.are.equal(count, C.handle_count())
    end)
end)

describe("constants of socket", function()
    it("have the same values as Python's on this machine", function()
        local expressions, found = {}, {}
        for name, value in pairs(socket) do
            if name:find("^%u+%d?_%u") then
                expressions[#expressions + 1] = ("getattr(socket, %q, None)"):format(name)
                found[#found + 1] = { name, value }
            end
        end
        local absent = {}
        for index, line in ipairs(python(expressions)) do
            local name, value = found[index][1], found[index][2]
            if line == "None" then
                absent[name] = true
            else
                assert.are.equal(tonumber(line:match("%d+$") and line:match("%-?%d+$") or line), value, name)
            end
        end
        assert.are.same({}, absent)
        assert.is_true(#found > 150)
        assert.are.equal(errors.timeout, socket.TimeoutError)
        assert.are.equal(socket.timeout, socket.TimeoutError)
        assert.are.equal(errors.TimeoutError, socket.timeout)
    end)
end)
