-- Every call of an SSLSocket and an SSLObject in every state of a connection, as docs/states.md lists it, and in
-- Python's ssl, which goes through the same states in its own process. CLEAT_WRITE_STATES=1 writes the tables of the
-- page.
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local states = require "support.states"

local EPIPE = 32
local PAGE = "docs/states.md"
local BEGIN, END = "<!-- begin: written by spec/ssl/states_spec.lua -->\n", "<!-- end -->\n"

local BOTH_KINDS, SOCKET, OBJECT = { "SSLSocket", "SSLObject" }, { "SSLSocket" }, { "SSLObject" }
local WRITES = { "write", "send", "sendall" }
local OWN_SENT = { "own sent", "own sent, data", "own sent, peer's arrived", "both", "own sent, ended" }
local TAKEN_AWAY = { "unwrapped", "shut down" }
local DATA = { "open, data", "own sent, data" }

-- The results of the handshake.
local AGREED = { get_channel_binding = true, shared_ciphers = true, selected_alpn_protocol = true }
local OF_ROLE = { getpeercert = true, server_side = true, server_hostname = true }

local established = {}
for _, state in ipairs(states.STATES) do
    if not ("fresh unwrapped closed"):find(state[1], 1, true) and state[1] ~= "shut down" then
        established[#established + 1] = state[1]
    end
end

-- Where Python 3.11's result differs, and why. All of the calls in all of the states (and kinds, versions) have these
-- results.
local NO_PLAINTEXT = "Python's method continues in plaintext after TLS has ended. cleat's SSLSocket never does: "
    .. "the socket that `unwrap()` returns speaks plaintext"
local DIFFERENCES = {
    { BOTH_KINDS, WRITES, OWN_SENT, python = "SSLError PROTOCOL_IS_SHUTDOWN", cleat = "SSLZeroReturnError",
        why = "a subclass of SSLError, which Python's documentation specifies for a write after TLS was closed" },
    { OBJECT, { "write" }, { "unwrapped" }, python = "SSLError PROTOCOL_IS_SHUTDOWN",
        cleat = "SSLZeroReturnError", why = "the same" },
    { SOCKET, { "sendall" }, { "open", "open, data", "peer's arrived", "peer's received" }, python = "none", cleat = "1",
        why = "like Python 2.7's, `sendall()` of a TLS socket returns the number of bytes" },
    { SOCKET, WRITES, { "ended" }, python = "SSLEOFError", cleat = "EPIPE",
        why = "an error of the system is a `socket.error` with its errno" },
    { SOCKET, WRITES, { "peer's received, ended" }, python = "SSLZeroReturnError", cleat = "EPIPE", why = "the same" },
    { SOCKET, { "unwrap" }, { "peer's received, ended" }, python = "SSLZeroReturnError", cleat = "EPIPE",
        why = "the same: this side's close_notify could not be sent" },
    { SOCKET, { "unwrap" }, { "ended" }, python = "EPIPE", cleat = "SSLEOFError",
        why = "the peer closed its socket without close_notify; cleat reports that, not the failed send" },
    { SOCKET, { "unwrap" }, { "own sent, ended" }, python = "SSLEOFError; then SSLError SHUTDOWN_WHILE_IN_INIT", cleat = "SSLEOFError",
        why = "OpenSSL treats a failed connection as one before its handshake. cleat's second result is the same as the first" },
    { OBJECT, { "unwrap" }, { "ended", "own sent, ended" }, python = "SSLEOFError; then SSLError SHUTDOWN_WHILE_IN_INIT",
        cleat = "SSLEOFError", why = "the same" },
    { BOTH_KINDS, { "unwrap" }, DATA, python = "SSLError APPLICATION_DATA_AFTER_CLOSE_NOTIFY; then SSLError SHUTDOWN_WHILE_IN_INIT",
        cleat = "SSLError APPLICATION_DATA_ON_SHUTDOWN", why = "BoringSSL names the reason differently; and as above" },
    { BOTH_KINDS, { "unwrap" }, { "fresh" }, python = "SSLError SHUTDOWN_WHILE_IN_INIT", cleat = "ValueError",
        why = "a mistake of the program, not an error of the peer" },
    { SOCKET, { "do_handshake", "getpeercert" }, TAKEN_AWAY, python = "AttributeError", cleat = "ValueError",
        why = "Python's error comes from its implementation: \"'NoneType' object has no attribute …\"" },
    { SOCKET, { "getpeercert" }, { "closed" }, python = "AttributeError", cleat = "EBADF", why = "the same" },
    { SOCKET, { "recv" }, { "unwrapped" }, python = "EAGAIN", cleat = "ValueError", why = NO_PLAINTEXT },
    { SOCKET, { "recv_into" }, { "unwrapped" }, python = "EAGAIN", cleat = "ValueError", why = "the same" },
    { SOCKET, { "recv" }, { "shut down" }, python = '""', cleat = "ValueError", why = "the same" },
    { SOCKET, { "recv_into" }, { "shut down" }, python = "0", cleat = "ValueError", why = "the same" },
    { SOCKET, { "send" }, { "unwrapped" }, python = "1", cleat = "ValueError", why = "the same" },
    { SOCKET, { "sendall" }, { "unwrapped" }, python = "none", cleat = "ValueError", why = "the same" },
    { SOCKET, { "send", "sendall" }, { "shut down" }, python = "EPIPE", cleat = "ValueError", why = "the same" },
    { BOTH_KINDS, { "get_channel_binding" }, established, versions = { "TLSv1.3" }, python = "value", cleat = "none",
        why = "\"tls-unique\" is not defined for TLS 1.3 (RFC 8446 appendix C.5)" },
    { OBJECT, { "get_channel_binding" }, { "unwrapped" }, versions = { "TLSv1.3" }, python = "value", cleat = "none", why = "the same" },
}

local function key(...)
    return table.concat({ ... }, "\t")
end

local function both(first, second)
    return first == second and first or first .. "; then " .. second
end

-- each calls f(cell's key, difference) for all cells of a difference; an SSLObject has fewer calls.
local function each(difference, has, f)
    for _, kind in ipairs(difference[1]) do
        for _, call in ipairs(difference[2]) do
            for _, state in ipairs(difference[3]) do
                for _, version in ipairs(difference.versions or states.VERSIONS) do
                    for _, role in ipairs(states.ROLES) do
                        local name = key(kind, version, role, state, call)
                        if has[name] then
                            f(name)
                        end
                    end
                end
            end
        end
    end
end

local function walk()
    local cells, order = {}, {}
    states.walk(function(first, second, ...)
        local name = key(...)
        cells[name] = both(first, second)
        order[#order + 1] = name
    end)
    return cells, order
end

local function walk_python()
    local certificate, private = pki.chain("server-ec")
    local result = process.run { "python3", "spec/support/states.py", certificate, private, pki.path("root.pem"), timeout = 60 }
    assert(result.status == 0, result.errors)
    local cells = {}
    for name, first, second in result.output:gmatch("([^\n]+)\t([^\t\n]*)\t([^\t\n]*)\n") do
        cells[name] = both(first, second)
    end
    return cells
end

-- The page.

local COLUMNS = {
    { "read", { "read", "read_into", "recv", "recv_into" } }, { "write", { "write", "send", "sendall" } },
    { "do_handshake", { "do_handshake" } }, { "unwrap", { "unwrap" } }, { "pending", { "pending" } },
    { "getpeercert", { "getpeercert" } }, { "cipher", { "cipher" } },
}

-- numbers returns those of the differences by their reasons, and the cells' numbers.
local function number(cells)
    local numbers, reasons, last = {}, {}, nil
    for _, difference in ipairs(DIFFERENCES) do
        if difference.why:sub(1, 8) ~= "the same" and difference.why ~= last then
            last = difference.why
            reasons[#reasons + 1] = { difference }
        else
            table.insert(reasons[#reasons], difference)
        end
        each(difference, cells, function(name)
            numbers[name] = #reasons
        end)
    end
    return numbers, reasons
end

-- shown returns a result in the words of the page.
local function shown(call, answer)
    if answer == "value" or answer == "value; then ValueError" then
        answer = answer:gsub("^value", call == "unwrap" and "the socket" or "value")
    end
    return answer
end

-- a cell of a column: calls with the same result are listed together.
local function column(cells, numbers, kind, state, calls)
    local parts, by_answer = {}, {}
    for _, call in ipairs(calls) do
        local name = key(kind, "TLSv1.3", "client", state, call)
        if cells[name] then
            local text = shown(call, cells[name]) .. (numbers[name] and " [" .. numbers[name] .. "]" or "")
            if not by_answer[text] then
                by_answer[text] = { text = text }
                parts[#parts + 1] = by_answer[text]
            end
            table.insert(by_answer[text], call)
        end
    end
    for index, part in ipairs(parts) do
        parts[index] = #parts > 1 and ("%s: %s"):format(table.concat(part, ", "), part.text) or part.text
    end
    return table.concat(parts, "<br>")
end

local function render(cells)
    local numbers, reasons = number(cells)
    local out = {}
    local function line(...)
        out[#out + 1] = table.concat({ ... }) .. "\n"
    end
    for _, kind in ipairs(states.KINDS) do
        line("\n## ", kind, "\n")
        local head, rule = { "state" }, { "---" }
        for index, of in ipairs(COLUMNS) do
            head[index + 1], rule[index + 1] = of[1], "---"
        end
        line("| ", table.concat(head, " | "), " |")
        line("| ", table.concat(rule, " | "), " |")
        for _, state in ipairs(states.STATES) do
            if states.applies(kind, state[1]) then
                local row = { state[2] }
                for index, of in ipairs(COLUMNS) do
                    row[index + 1] = column(cells, numbers, kind, state[1], of[2])
                end
                line("| ", table.concat(row, " | "), " |")
            end
        end
    end
    line("\n## Where Python's results differ\n")
    line("| | cleat | Python | calls | why |")
    line("| --- | --- | --- | --- | --- |")
    for index, list in ipairs(reasons) do
        for _, difference in ipairs(list) do
            line("| ", ("[%d]"):format(index), " | ", difference.cleat, " | ", difference.python, " | ",
                table.concat(difference[2], ", "), " | ", difference.why, " |")
        end
    end
    return table.concat(out)
end

describe("The states of a connection:", function()
    teardown(process.cleanup)

    local cells, order
    setup(function()
        cells, order = walk()
    end)

    it("each call in each of them has Python's result, or is a listed difference", function()
        local python = walk_python()
        local expected = {}
        for index, difference in ipairs(DIFFERENCES) do
            assert.are_not.equal(difference.python, difference.cleat)
            local count = 0
            each(difference, cells, function(name)
                count = count + 1
                assert.are.equal(difference.python, python[name], name .. ": Python's")
                assert.is_nil(expected[name], name .. " is listed twice")
                expected[name] = difference.cleat
            end)
            assert(count > 0, "difference " .. index .. " applies to no cell")
        end
        local compared = 0
        for _, name in ipairs(order) do
            if python[name] then
                compared = compared + 1
                assert.are.equal(expected[name] or python[name], cells[name], name)
                python[name] = nil
            else
                assert(name:find("^SSLObject\t.*\tclosed\t"), name .. " is missing in Python's results") -- which has no close
            end
        end
        assert.is_nil(next(python))
        assert(compared > 2000, compared)
    end)

    it("an SSLObject raises after close()", function()
        for _, version in ipairs(states.VERSIONS) do
            for _, role in ipairs(states.ROLES) do
                for _, call in ipairs { "read", "read_into", "write", "do_handshake", "unwrap", "pending", "getpeercert",
                    "shared_ciphers" } do
                    assert.are.equal("EBADF", cells[key("SSLObject", version, role, "closed", call)])
                end
                for _, call in ipairs { "version", "cipher", "selected_alpn_protocol", "get_channel_binding" } do
                    assert.are.equal("none", cells[key("SSLObject", version, role, "closed", call)])
                end
            end
        end
    end)

    it("version and role affect only the results of the handshake", function()
        for _, name in ipairs(order) do
            local kind, version, role, state, call = name:match("^(.-)\t(.-)\t(.-)\t(.-)\t(.-)$")
            local agreed = cells[key(kind, version, role, state, "cipher")] == "value"
            if call == "version" then
                assert.are.equal(agreed and '"' .. version .. '"' or "none", cells[name], name)
            elseif AGREED[call] and not agreed and not (kind == "SSLObject" and state == "closed") then
                assert.are.equal("none", cells[name], name)
            elseif not AGREED[call] and not OF_ROLE[call] then
                assert.are.equal(cells[key(kind, "TLSv1.3", "client", state, call)], cells[name], name)
            end
        end
    end)

    it("the peer's chains and its verification are available when cipher() is", function()
        local seen = 0
        states.walk_certificates(function(first, second, kind, version, role, state, call)
            local agreed = cells[key(kind, version, role, state, "cipher")] == "value"
            local of_server = agreed and role == "client" -- the client has sent no certificate
            local expected = {
                get_unverified_chain = of_server and "2" or "0", get_verified_chain = of_server and "3" or "0",
                get_verify_result = of_server and "0" or "none",
            }
            if kind == "SSLObject" and state == "closed" and call ~= "get_verify_result" then
                expected[call] = "EBADF"
            end
            local name = key(kind, version, role, state, call)
            assert.are.equal(expected[call], first, name)
            assert.are.equal(expected[call], second, name)
            seen = seen + 1
        end)
        assert(seen > 300, seen)
    end)

    it("docs/states.md equals the results", function()
        local page = process.read_file(process.root .. "/" .. PAGE)
        local _, from = page:find(BEGIN, 1, true)
        local to = page:find(END, 1, true)
        assert(from and to, "the marks")
        local wanted = render(cells) .. "\n"
        if os.getenv("CLEAT_WRITE_STATES") then
            process.write_file(process.root .. "/" .. PAGE, page:sub(1, from) .. wanted .. page:sub(to))
        else
            assert.are.equal(wanted, page:sub(from + 1, to - 1))
        end
    end)
end)

describe("close_notify that the network has not accepted:", function()
    for _, version in ipairs(states.VERSIONS) do
        it("unwrap() sends it, even if a read has received the peer's (" .. version .. ")", function()
            local client, server = link.open({ version = version }, { version = version })
            client:settimeout(0)
            server:settimeout(0)
            raises("SSLWantReadError", {}, client.read, client, 1) -- session tickets
            raises("SSLWantReadError", {}, server.unwrap, server)
            local text = ("x"):rep(65536)
            local sent, ok, count = 0, true, 0
            while ok do
                sent = sent + count
                ok, count = pcall(client.write, client, text)
            end
            raises("SSLWantWriteError", {}, client.unwrap, client)
            raises("SSLZeroReturnError", {}, client.read, client, 1)
            raises("SSLWantWriteError", {}, client.unwrap, client) -- and not success
            local received, done, data = 0, false, ""
            repeat
                received = received + #data
                done = done or pcall(client.unwrap, client)
                ok, data = pcall(server.read, server, 65536)
                if not ok and ssl.SSLWantReadError:is(data) then
                    ok, data = not done, ""
                end
            until not ok
            raises.check(data, "SSLZeroReturnError")
            assert.is_true(done)
            assert(received >= sent, received)
            client:close()
            server:close()
        end)
    end

    it("unwrap() twice raises EPIPE twice if the peer has closed its socket", function()
        local client, server = link.open()
        client:settimeout(0)
        server:settimeout(0)
        raises("SSLWantReadError", {}, client.read, client, 1)
        raises("SSLWantReadError", {}, server.unwrap, server)
        assert.are.equal("", client:read(1))
        server:close()
        for _ = 1, 2 do
            raises("socket.error", { errno = EPIPE }, client.unwrap, client)
        end
        client:close()
    end)
end)
