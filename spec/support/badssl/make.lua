-- Makes all chains of the cases. This is a program: make.lua DIRECTORY. badssl.lua describes the directory's files.
--
-- No signed bytes contain another signature. So the chains are built twice: first without signatures, to collect the
-- bytes to sign, which openssl then signs; and again with the signatures. Bytes that occur in two chains are signed
-- once.
local directory = arg[1]
package.path = arg[0]:match("^(.*)/support/badssl/make.lua$") .. "/?.lua;" .. package.path

local cases = require "support.badssl.cases"
local chain = require "support.badssl.chain"
local pem_text = require "support.pem_text"

-- Keys by name: arguments of openssl genpkey. All that begin with rsa are RSA's.
local EC = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:"
local KEYS = {
    root = EC .. "named_curve", intermediate = EC .. "named_curve", leaf = EC .. "named_curve", other = EC .. "named_curve",
    explicit = EC .. "explicit",
    k1 = "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -pkeyopt ec_param_enc:named_curve",
    ["rsa-512"] = "-algorithm RSA -pkeyopt rsa_keygen_bits:512", ["rsa-1024"] = "-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
    ["rsa-2048"] = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
}

local function path(name)
    return directory .. "/" .. name
end

local function write(name, data)
    local file = assert(io.open(path(name), "wb"))
    assert(file:write(data))
    file:close()
end

local function read(name)
    local file = assert(io.open(path(name), "rb"))
    local data = file:read("*a")
    file:close()
    return data
end

-- shell runs lines of sh in the directory.
local function shell(lines)
    write("run.sh", "set -eu\n" .. table.concat(lines, "\n") .. "\n")
    local pipe = io.popen("cd '" .. directory .. "' && sh run.sh >run.log 2>&1; echo $?")
    local status = pipe:read("*l")
    pipe:close()
    assert(status == "0", status ~= "0" and "openssl failed:\n" .. read("run.log"))
end

local function make_keys()
    local lines, spki = {}, {}
    for name, options in pairs(KEYS) do
        lines[#lines + 1] = ("openssl genpkey %s -out %s.key"):format(options, name)
        lines[#lines + 1] = ("openssl pkey -in %s.key -pubout -outform DER -out %s.spki"):format(name, name)
    end
    shell(lines)
    for name in pairs(KEYS) do
        spki[name] = read(name .. ".spki")
    end
    return spki
end

-- each calls f(name, built) for each variant of each case.
local function each(world, f)
    for _, case in ipairs(cases) do
        for _, variant in ipairs { "wrong", "right" } do
            f(case.name .. "." .. variant, chain.build(world, case[variant] or {}))
        end
    end
end

local function sign_all(world)
    local lines, signatures = {}, {}
    function world.sign(key, digest, bytes)
        local id = key .. " " .. digest .. " " .. bytes
        if not signatures[id] then
            local name = "tbs." .. #lines
            signatures[id] = name
            write(name, bytes)
            lines[#lines + 1] = ("openssl dgst -%s -sign %s.key -out %s.sig %s"):format(digest, key, name, name)
        end
        return "signature"
    end
    each(world, function() end)
    shell(lines)
    for id, name in pairs(signatures) do
        signatures[id] = read(name .. ".sig")
    end
    function world.sign(key, digest, bytes)
        return signatures[key .. " " .. digest .. " " .. bytes]
    end
end

local function write_chain(name, built)
    local sent, trusted, lists, message = {}, {}, {}, {}
    local function length(bytes)
        return string.char(math.floor(#bytes / 65536), math.floor(#bytes / 256) % 256, #bytes % 256) .. bytes
    end
    for i, one in ipairs(built.chain) do
        sent[i] = pem_text("CERTIFICATE", one.der)
        message[i] = length(one.der)
    end
    for i, one in ipairs(built.trust) do
        trusted[i] = pem_text("CERTIFICATE", one.der)
    end
    for i, bytes in ipairs(built.crls) do
        lists[i] = pem_text("X509 CRL", bytes)
    end
    write(name .. ".leaf.pem", sent[1])
    write(name .. ".chain.pem", table.concat(sent))
    write(name .. ".message", length(table.concat(message)))
    write(name .. ".trust.pem", table.concat(trusted))
    if #lists > 0 then
        write(name .. ".crl.pem", table.concat(lists))
    end
end

-- Files that were made from the same sources less than a day ago are kept.
local sources = io.popen(("cd '%s' && cat *.lua cases/*.lua ../der.lua ../pem_text.lua | cksum"):format(arg[0]:match("^(.*)/")))
local stamp = sources:read("*l")
sources:close()
local made = io.open(path("stamp"))
local old = made and made:read("*a")
if made then
    made:close()
end
if old and old:match("^(.-)\n") == stamp and os.time() - tonumber(old:match("\n(%d+)")) < 20 * 3600 then
    return
end
os.execute("rm -rf '" .. directory .. "'/*")
local world = { now = os.time(), spki = make_keys() }
sign_all(world)
each(world, write_chain)
os.execute("rm -f '" .. directory .. "'/tbs.* '" .. directory .. "'/run.*")
write("stamp", stamp .. "\n" .. world.now)
