-- Certificates that sign each other at random, those of them that are sent and trusted, and the valid paths: computed
-- from the certificates' fields, and by openssl.
local certificate = require "support.badssl.certificate"
local pem_text = require "support.pem_text"
local process = require "support.process"

local paths = {}

-- pem: certificates as a text.
function paths.pem(list)
    local out = {}
    for i, one in ipairs(list) do
        out[i] = pem_text("CERTIFICATE", one.der)
    end
    return table.concat(out)
end

-- world: signs by building twice (see badssl/make.lua): sign_all(build) calls build two times. keys: names with
-- arguments of openssl genpkey.
function paths.world(keys)
    local directory = process.directory()
    local world = { now = os.time(), spki = {}, directory = directory }
    local function shell(lines)
        local script = process.write_file(directory .. "/sign.sh", "set -e\ncd " .. directory .. "\n" .. table.concat(lines, "\n"))
        local result = process.run { "sh", script, timeout = 300 }
        assert(result.status == 0, result.errors)
    end
    local lines = {}
    for name, options in pairs(keys) do
        lines[#lines + 1] = ("openssl genpkey %s -out %s.key"):format(options, name)
        lines[#lines + 1] = ("openssl pkey -in %s.key -pubout -outform DER -out %s.spki"):format(name, name)
    end
    shell(lines)
    for name in pairs(keys) do
        world.spki[name] = process.read_file(("%s/%s.spki"):format(directory, name))
    end
    function world.sign_all(build)
        local commands, names = {}, {}
        function world.sign(key, digest, bytes)
            local id = key .. digest .. bytes
            if not names[id] then
                names[id] = directory .. "/tbs." .. #commands
                process.write_file(names[id], bytes)
                commands[#commands + 1] = ("openssl dgst -%s -sign %s.key -out %s.sig %s"):format(digest, key, names[id], names[id])
            end
            return "signature"
        end
        build()
        shell(commands)
        function world.sign(key, digest, bytes)
            return process.read_file(names[key .. digest .. bytes] .. ".sig")
        end
        return build()
    end
    world.shell = shell
    return world
end

-- A separate generator, so that a seed is the same graph on every interpreter.
function paths.random(seed)
    local state = seed
    return function(n)
        state = (state * 16807) % 2147483647
        return state % n + 1
    end
end

local NAMES = { "A", "B", "C" }
local KEYS = { A = { "a1", "a2" }, B = { "b1", "b2" }, C = { "c1" }, leaf = { "leaf" } }
paths.KEYS = {}
for _, names in pairs(KEYS) do
    for _, name in ipairs(names) do
        paths.KEYS[name] = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve"
    end
end

-- graph: some CA certificates with three names, each name with one or two keys, a leaf, the certificates that are sent,
-- those that are trusted, and the flags.
function paths.graph(random)
    local function chance(percent)
        return random(100) <= percent
    end
    local function pick(list)
        return list[random(#list)]
    end
    local serial = 0
    local function make(fields, issuer_name)
        serial = serial + 1
        fields.serial = ("%04x"):format(0x1000 + serial)
        fields.issuer_subject, fields.signer = issuer_name, pick(KEYS[issuer_name])
        fields.issuer = { subject = issuer_name, key = fields.signer }
        fields.from, fields.to = -20, 20
        if chance(12) then
            fields.to = -1
        elseif chance(5) then
            fields.from = 1
        end
        fields.digest = chance(5) and "sha1" or nil
        fields.key_id = chance(85) and "id of " .. fields.key or nil
        if chance(85) then
            fields.authority_key_id = "id of " .. fields.signer
        elseif chance(20) then
            fields.authority_key_id = "id of another"
        end
        return fields
    end
    local graph = { cas = {}, flags = pick { 0, 0, 0x80000, 0x20 } }
    for i = 1, 4 + random(4) do
        local name = pick(NAMES)
        local fields = { subject = name, key = pick(KEYS[name]), ca = not chance(8), usage = { 5, 6 } }
        if chance(10) then
            fields.usage = pick { { 0 }, {} }
            fields.usage = #fields.usage > 0 and fields.usage or nil
        end
        fields.pathlen = fields.ca and chance(12) and random(2) - 1 or nil
        if chance(12) then
            fields.constraints = pick {
                { excluded = { certificate.dns "localhost" } }, { permitted = { certificate.ip "7f000000ff000000" } },
                { permitted = { certificate.ip "c0000200ffffff00" } }, { excluded = { certificate.ip "7f000000ffff0000" } },
            }
        end
        fields.extended = chance(10) and { pick { certificate.OID.server, certificate.OID.client } } or nil
        graph.cas[i] = make(fields, chance(30) and name or pick(NAMES))
    end
    graph.leaf = make({
        subject = "leaf", key = "leaf", ca = false, usage = { 0 }, extended = { certificate.OID.server },
        names = { certificate.dns "localhost", certificate.ip "7f000001" },
    }, pick(NAMES))
    graph.sent, graph.trust = { graph.leaf }, {}
    for _, one in ipairs(graph.cas) do
        if chance(80) then
            table.insert(graph.sent, 1 + random(#graph.sent), one)
        end
        if chance(30) then
            graph.trust[#graph.trust + 1] = one
        end
    end
    if chance(8) then
        graph.trust[#graph.trust + 1] = graph.leaf
    end
    if #graph.trust == 0 then
        graph.trust[1] = graph.cas[1]
    end
    return graph
end

local function contains(list, value)
    for _, one in ipairs(list or {}) do
        if one == value then
            return true
        end
    end
    return false
end

-- issued: whether one certificate may be the other's issuer, by name, identifiers and usage; and whether its key has
-- signed it.
local function issued(issuer, one)
    return issuer.subject == one.issuer_subject
        and not (one.authority_key_id and issuer.key_id and one.authority_key_id ~= issuer.key_id)
        and (not issuer.usage or contains(issuer.usage, 5))
end

local function is_root(one)
    return issued(one, one)
end

-- Text of a constraint -> whether the leaf is allowed.
local function allows(constraints)
    if not constraints then
        return true
    end
    local first = (constraints.permitted or constraints.excluded)[1]
    local inside = first == certificate.dns "localhost" or first:find("\127\0\0\0", 1, true) ~= nil
    if constraints.excluded then
        return not inside
    end
    return inside
end

local function strict(path, depth)
    local one = path[depth]
    local last = depth == #path
    if depth > 1 and not one.ca then
        return false
    end
    if #path == 1 then
        return true
    end
    if one.ca and not one.usage or not one.ca and contains(one.usage, 5) then
        return false
    end
    return (last or one.authority_key_id ~= nil) and (not one.ca or one.key_id ~= nil)
end

-- is_good: whether RFC 5280 and the graph's flags accept a path. The leaf is first.
function paths.is_good(graph, path)
    local top = path[#path]
    if graph.flags ~= 0x80000 and not (#path > 1 and is_root(top)) then
        return false
    end
    local below = 0
    for depth, one in ipairs(path) do
        if one.from > 0 or one.to < 0 or (one.digest and depth < #path) then
            return false
        end
        if graph.flags == 0x20 and not strict(path, depth) then
            return false
        end
        if depth > 1 then
            if not one.ca or (one.usage and not contains(one.usage, 5)) or (one.pathlen and below > one.pathlen)
                or (one.extended and one.extended[1] ~= certificate.OID.server) or not allows(one.constraints) then
                return false
            end
            if one.subject ~= one.issuer_subject then
                below = below + 1
            end
        end
    end
    return true
end

-- repeats: whether a path has a certificate with that name and key already.
local function repeats(path, subject, key)
    for _, one in ipairs(path) do
        if one.subject == subject and one.key == key then
            return true
        end
    end
    return false
end

-- all: every path from the leaf with valid signatures in which no name occurs twice with the same key.
function paths.all(graph)
    local out = {}
    local trusted = {}
    for _, one in ipairs(graph.trust) do
        trusted[one] = true
    end
    local known = {}
    for _, one in ipairs(graph.cas) do
        if trusted[one] or contains(graph.sent, one) then
            known[#known + 1] = one
        end
    end
    local function extend(path)
        local top = path[#path]
        if trusted[top] then
            out[#out + 1] = { (table.unpack or unpack)(path) }
        end
        for _, one in ipairs(known) do
            if issued(one, top) and one.key == top.signer and not repeats(path, one.subject, one.key) then
                path[#path + 1] = one
                extend(path)
                path[#path] = nil
            end
        end
    end
    extend { graph.leaf }
    return out
end

-- openssl: the command that verifies one path alone with openssl.
function paths.openssl(graph, path, write)
    local words = { "openssl verify -auth_level 2 -purpose sslserver -verify_hostname localhost -CAfile", write { path[#path] } }
    if #path > 2 then
        local between = {}
        for i = 2, #path - 1 do
            between[#between + 1] = path[i]
        end
        words[#words + 1] = "-untrusted " .. write(between)
    end
    words[#words + 1] = graph.flags == 0x80000 and "-partial_chain" or graph.flags == 0x20 and "-x509_strict" or ""
    words[#words + 1] = write { path[1] }
    return table.concat(words, " ")
end

return paths
