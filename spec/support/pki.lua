-- The certificates of pki.sh, made once for all specs in build/spec-pki, or in a directory that the caller names.
local process = require "support.process"

local pki = {}

-- make fills a directory and returns it.
function pki.make(directory)
    local script = process.root .. "/spec/support/pki.sh"
    local result = process.run { "sh", script, directory, timeout = 60 }
    if result.status ~= 0 then
        error("pki.sh failed:\n" .. result.output .. result.errors, 2)
    end
    pki.directory = directory
    return directory
end

-- path returns the name of one of the files; the first call makes them.
function pki.path(name)
    if not pki.directory then
        pki.make(process.root .. "/build/spec-pki")
    end
    return pki.directory .. "/" .. name
end

function pki.read(name)
    return process.read_file(pki.path(name))
end

-- chain returns the names of a certificate chain and its key, as load_cert_chain and most commands need them.
function pki.chain(name)
    return pki.path(name .. ".pem"), pki.path(name .. ".key")
end

return pki
