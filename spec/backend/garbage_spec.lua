-- Every function of the backend with bad arguments, alone and in pairs. A value of another type raises an error that
-- names the first such argument, in the same words on both backends; for other values the function returns a result or
-- a status. spec/c/garbage.c tests the C functions' own handling of bad values.
local backend = require "cleat.backend"
local handles = require "support.handles"
local process = require "support.process"
local signatures = require "support.signatures"

local const = backend.const
local INT_MIN, INT_MAX = -0x80000000, 0x7fffffff
local NAN = 0 / 0
local BUFFER_SIZE = 64

local buffer = backend.buffer_new(BUFFER_SIZE)
local guard = backend.guard_new(0)
local live, peer, descriptor, stale = {}, nil, nil, nil

local make = {
    socket = function()
        if peer then
            backend.close(peer)
        end
        local _, first, second = backend.socket_pair(const.AF_UNIX, const.SOCK_STREAM, 0)
        peer = second
        return first
    end,
    addrinfo = function()
        return backend.addrinfo_resolve("127.0.0.1", "80", const.AF_INET, const.SOCK_STREAM, 0, const.AI_NUMERICHOST)
    end,
    context = function()
        return backend.context_new(const.PROTOCOL_TLS)
    end,
    connection = function()
        local context = backend.context_new(const.PROTOCOL_TLS)
        local connection = backend.connection_over_memory(context, 0, nil)
        backend.close(context)
        return connection
    end,
    certificate = function()
        return backend.certificate_from_pem(require("support.pki").read "root.pem")
    end,
}

-- renew makes the ids again that a function may have closed.
local function renew()
    for name, new in pairs(make) do
        if not live[name] or backend.kind(live[name]) ~= const["KIND_" .. name:upper()] then
            live[name] = new()
            assert(live[name] > 0, name)
        end
    end
    if not descriptor then
        local _, first, second = backend.socket_pair(const.AF_UNIX, const.SOCK_STREAM, 0)
        descriptor = backend.socket_detach(first)
        backend.close(second)
    end
end

local function close_all()
    for name, id in pairs(live) do
        backend.close(id)
        live[name] = nil
    end
    backend.close(peer)
    backend.close(backend.socket_from_fd(descriptor))
    peer, descriptor = nil, nil
end

-- A value is { what } if the function accepts it, { what, wrong = words } if it must raise. The first value of a list
-- is a valid one.
local function wrong(words, ...)
    local list = {}
    for i = 1, select("#", ...) do
        list[i] = { (select(i, ...)), wrong = words }
    end
    return list
end

local function accepted(...)
    local list = {}
    for i = 1, select("#", ...) do
        list[i] = { (select(i, ...)) }
    end
    return list
end

local function joined(...)
    local list = {}
    for _, part in ipairs { ... } do
        for _, value in ipairs(part) do
            list[#list + 1] = value
        end
    end
    return list
end

local no_integers = wrong("must be an integer", nil, true, "1", "", {}, 1.5, -0.5, 2 ^ 31, -2 ^ 31 - 1, 2 ^ 53, 1e300,
    NAN, 1 / 0, -1 / 0, print, io.stdout, buffer, guard)

local GOOD_INTEGERS = {
    family = const.AF_UNIX, type = const.SOCK_STREAM, version = const.TLS1_2_VERSION, level = const.SOL_SOCKET,
    option = const.SO_KEEPALIVE, number = const.ENOENT,
}

local many = {}
for i = 1, 5000 do
    many[i] = -1
end
local long = ("a"):rep(70000)

-- VALUES: the values to try, by kind of argument. They are made once unless a call may change them.
local hosts = joined(accepted("127.0.0.1", nil, "", "a\0b", "\0", long),
    wrong("must be a string or nil", 1, true, {}, io.stdout, buffer))
local paths -- paths for a Unix socket, set by setup: binding it makes a file
local logs -- names of a file that the function makes, set by setup
local texts = joined(accepted("x", "\255\254\128", "\2h2"), hosts)
local capacities = joined(accepted(2, 0, 1, 600, 5000, 70000, -1, INT_MIN), no_integers)
local capacities_into = joined(accepted(BUFFER_SIZE, 0, 1),
    wrong("is out of bounds", -1, BUFFER_SIZE + 1, INT_MIN, INT_MAX), no_integers)
local doubles = joined(accepted(0, NAN, -0.0), wrong("must be a number", nil, false, "0", {}, io.stdout))
local arrays = joined(accepted({ -1, INT_MAX }, {}, { 0 }, many),
    wrong("must be an array of integers", nil, 1, "x", { 1.5 }, { "1" }, { {} }, { 0, 2 ^ 31 }, buffer))
local offsets = joined(accepted(0), wrong("is out of bounds", -1, INT_MIN, INT_MAX), no_integers)
local buffers = joined(accepted(buffer), wrong("must be a buffer", nil, "x", 1, {}, io.stdout, guard))
local sources = joined(accepted("x", buffer, "", long),
    wrong("must be a string or a buffer", nil, 1, {}, io.stdout, guard))

local VALUES = {
    int = function(argument)
        local name = argument.name
        if name == "id" or make[name] then
            return joined(accepted(live[name] or live.socket, 0, -1, INT_MIN, INT_MAX, stale, live.context, live.socket),
                no_integers)
        elseif name == "fd" then
            return joined(accepted(descriptor, -1, INT_MIN, INT_MAX), no_integers)
        end
        return joined(accepted(GOOD_INTEGERS[name] or 0, 0, 1, 3.0, -1, INT_MIN, INT_MAX), no_integers)
    end,
    double = function()
        return doubles
    end,
    bytes = function(argument, variant)
        if argument.name == "keylogfile" then
            return logs
        elseif argument.name ~= "host" then
            return texts
        end
        return variant.name == "socket_bind" and paths or hosts -- another host would be looked up by DNS
    end,
    ints = function()
        return arrays
    end,
    capacity = function(_, variant)
        return (variant.name .. "_"):find "_into_" and capacities_into or capacities
    end,
    offset = function()
        return offsets
    end,
    buffer = function()
        return buffers
    end,
    source = function()
        return sources
    end,
}

local function close_new(value)
    local number = type(value) == "number" and value % 1 == 0 and value > 0 and value <= INT_MAX
    if not number or value == peer or backend.kind(value) < 0 then
        return
    end
    for _, id in pairs(live) do
        if id == value then
            return
        end
    end
    backend.close(value)
end

-- words: the message for the first wrong argument, or nil.
local function check(variant, arguments, words, ok, status, ...)
    local place = variant.name
    if words then
        if ok or status ~= words then
            error(("%s: expected %q, got %s"):format(place, words, tostring(status)), 0)
        end
        return
    elseif not ok then
        error(("%s raised: %s"):format(place, tostring(status)), 0)
    end
    if type(status) ~= "number" or status % 1 ~= 0 or status > INT_MAX or status < INT_MIN then
        error(("%s returned %s"):format(place, tostring(status)), 0)
    end
    local results = select("#", ...)
    if results ~= (status < 0 and 0 or variant.results) then
        error(("%s: %d results follow the status %d"):format(place, results, status), 0)
    end
    if variant.name == "socket_detach" and status >= 0 then
        backend.close(backend.socket_from_fd(status))
    elseif variant.name == "socket_from_fd" and status > 0 and arguments[1] == descriptor then
        descriptor = nil
        backend.close(status)
    else
        close_new(status)
    end
    for i = 1, results do
        close_new((select(i, ...)))
    end
end

local unpack = table.unpack or unpack

-- No function may ask for a password at the terminal.
local terminal = io.open "/dev/tty"
if terminal then
    terminal:close()
end

-- try calls with the a-th value of the first argument, the b-th of the second and valid ones for the others. It returns
-- false if there is no such value.
local function try(variant, first, a, second, b)
    renew()
    local arguments, words = {}, nil
    for i, argument in ipairs(variant.arguments) do
        local list = VALUES[argument.kind](argument, variant)
        local index = i == first and a or i == second and b or 1
        if index > #list then
            return false
        end
        local value = list[index]
        arguments[i] = value[1]
        if value.wrong and not words then
            words = ("cleat.backend: %s: argument %d %s"):format(variant.name, i, value.wrong)
        end
    end
    if terminal and not words and variant.name:find "^terminal_" then
        return true
    end
    check(variant, arguments, words, pcall(backend[variant.name], unpack(arguments, 1, #variant.arguments)))
    return true
end

describe("The backend", function()
    after_each(close_all)
    handles.watch(before_each, after_each)
    setup(function()
        paths = joined(accepted(process.directory() .. "/x"), hosts)
        table.remove(paths, 2)
        logs = joined(accepted(process.directory() .. "/log", process.directory() .. "/\255\254\128"), paths)
    end)
    teardown(process.cleanup)
    before_each(function()
        stale = backend.context_new(const.PROTOCOL_TLS)
        backend.close(stale)
    end)

    for _, variant in ipairs(signatures) do
        it("returns a status or raises, for any arguments of " .. variant.name, function()
            local count = #variant.arguments
            try(variant, 0, 0, 0, 0)
            for first = 1, count do
                local a = 1
                while try(variant, first, a, 0, 0) do
                    for second = first + 1, count do
                        local b = 2
                        while try(variant, first, a, second, b) do
                            b = b + 1
                        end
                    end
                    a = a + 1
                end
            end
        end)
    end

    it("refuses calls without arguments", function()
        renew()
        for _, variant in ipairs(signatures) do
            local first = variant.arguments[1]
            if first and first.kind ~= "bytes" then
                local ok, words = pcall(backend[variant.name])
                assert.is_false(ok)
                assert.matches("^cleat%.backend: " .. variant.name .. ": argument 1 must be ", words)
            end
        end
    end)
end)
