-- Common parts of the specs of cleat.https.
local https = require "cleat.https"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local ssl = require "cleat.ssl"

local support = {}

function support.trusting()
    return ssl.create_default_context { cafile = pki.path("root.pem") }
end

-- fetch: the generic form with a context that trusts root.pem; returns the body in place of 1.
function support.fetch(fields)
    local pieces, request = {}, {}
    for name, value in pairs(fields) do
        request[name] = value
    end
    request.sink = request.sink or function(chunk)
        pieces[#pieces + 1] = chunk
        return 1
    end
    if request.context == nil and request.cafile == nil then
        request.context = support.trusting()
    end
    local ok, code, headers, status = https.request(request)
    return ok and table.concat(pieces), code, headers, status
end

-- answer returns a job of support.peer that answers one request with these bytes and continues with these steps; and
-- its URL.
function support.answer(bytes, ...)
    local certfile, keyfile = pki.chain("server-ec")
    local job = peer.serve {
        tls = true, cert = certfile, key = keyfile, "handshake", "recv 16", "send " .. peer.hex(bytes), ...,
    }
    return job, ("https://localhost:%d/"):format(job.port)
end

-- python starts one of the programs beside this file, which prints its port.
function support.python(name, ...)
    local program = process.start {
        "/usr/bin/python3", "-I", ("%s/spec/support/%s.py"):format(process.root, name), timeout = 300, ...,
    }
    program.port = tonumber((program:wait_for("port (%d+)")))
    return program
end

return support
