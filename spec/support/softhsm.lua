-- A PKCS#11 token of Debian's softhsm2, in a folder. Programs find it by SOFTHSM2_CONF.
local process = require "support.process"

local softhsm = { MODULE = "/usr/lib/softhsm/libsofthsm2.so" }

--- there: whether softhsm2 and OpenSC's pkcs11-tool are installed.
function softhsm.there()
    return os.execute "command -v softhsm2-util pkcs11-tool >/dev/null" == (_VERSION == "Lua 5.1" and 0 or true)
end

-- make: a token with the PIN "correct", and private keys by their id, from files; configured by softhsm2.conf in the
-- directory, whose name is returned.
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
