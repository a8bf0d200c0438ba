-- PKCS#11 tokens of SoftHSM. Programs find a token by SOFTHSM2_CONF.
local optional = require "support.optional"
local process = require "support.process"

local softhsm = { MODULE = "/usr/lib/softhsm/libsofthsm2.so" }

-- missing returns nil, or the reason why there can be no token.
function softhsm.missing()
    return optional.program "softhsm2-util" or optional.program "pkcs11-tool"
end

-- make creates a token with the PIN "correct", and with private keys from files, by id. It writes softhsm2.conf to the
-- directory, and returns its name.
function softhsm.make(directory, label, keys)
    local conf = process.write_file(directory .. "/softhsm2.conf", ("directories.tokendir = %s/tokens\nlog.level = ERROR\n")
        :format(directory))
    local script = { ("set -e; cd %s; mkdir -p tokens; export SOFTHSM2_CONF=%s"):format(process.quote(directory),
        process.quote(conf)), "softhsm2-util --init-token --free --label " .. label .. " --pin correct --so-pin correct" }
    for id, key in pairs(keys) do
        script[#script + 1] = ("openssl pkcs8 -topk8 -nocrypt -in %s -out key.p8"):format(process.quote(key))
        script[#script + 1] = ("softhsm2-util --import key.p8 --token %s --id %s --label key-%s --pin correct; rm key.p8"):format(
            label, id, id)
    end
    local result = process.run { "sh", "-c", table.concat(script, "\n") }
    assert(result.status == 0, result.output .. result.errors)
    return conf
end

return softhsm
