--- Contexts from the options of `connect` and `inspect`, and what is said of a connection and of its failure.

local failure = require "cleat.cli.failure"
local output = require "cleat.cli.output"
local ssl = require "cleat.ssl"

local tls = {}

tls.VERSIONS = {
    ["1.0"] = ssl.TLSVersion.TLSv1, ["1.1"] = ssl.TLSVersion.TLSv1_1, ["1.2"] = ssl.TLSVersion.TLSv1_2,
    ["1.3"] = ssl.TLSVersion.TLSv1_3,
}

local function setting(status, what, f, ...)
    local ok, problem = pcall(f, ...)
    if not ok then
        failure.raise(status, ("%s: %s"):format(what, tostring(problem)))
    end
    return problem
end

--- The application protocols of --alpn.
---@param text string
---@return string[]
function tls.protocols(text)
    local list = {}
    for name in text:gmatch "[^,]+" do
        list[#list + 1] = name
    end
    return list
end

--- Makes a context of the options. status: the exit status if one cannot be used.
---@param options table
---@param status integer
---@return cleat.ssl.SSLContext
function tls.context(options, status)
    local context
    if options.cafile or options.capath then
        context = setting(status, options.cafile and "--cafile" or "--capath", ssl.create_default_context,
            { cafile = options.cafile, capath = options.capath })
    else
        context = setting(status, "the system's CA certificates", ssl.create_default_context)
    end
    if options.key and not options.cert then
        failure.raise(status, "--key needs --cert")
    elseif options.cert then
        setting(status, "--cert", context.load_cert_chain, context, options.cert, options.key)
    end
    if options.alpn then
        setting(status, "--alpn", context.set_alpn_protocols, context, tls.protocols(options.alpn))
    end
    return context
end

--- Allows one version only.
---@param context cleat.ssl.SSLContext
---@param version string "1.2"
function tls.only(context, version)
    -- in the order in which neither is above the other
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = tls.VERSIONS[version]
    context.minimum_version = tls.VERSIONS[version]
end

--- A distinguished name as RFC 4514 writes it, the most specific part first: "CN=localhost, O=cleat tests".
---@param name string[][][]
---@return string
function tls.name(name)
    local SHORT = {
        commonName = "CN", organizationName = "O", organizationalUnitName = "OU", countryName = "C", localityName = "L",
        stateOrProvinceName = "ST", domainComponent = "DC", userId = "UID", streetAddress = "STREET",
    }
    local parts = {}
    for i = #name, 1, -1 do
        local values = {}
        for _, pair in ipairs(name[i]) do
            local value = pair[2]:gsub('[,+"\\<>;]', "\\%0")
            values[#values + 1] = (SHORT[pair[1]] or pair[1]) .. "=" .. value
        end
        parts[#parts + 1] = table.concat(values, "+")
    end
    return #parts > 0 and output.safe(table.concat(parts, ", ")) or "(empty)"
end

--- A certificate's name for people: its subject, or its first alternative name.
---@param certificate cleat.ssl.CertificateObject
---@return string
function tls.subject(certificate)
    local subject = certificate.subject
    local ok, names = pcall(function()
        return certificate.subject_alt_names
    end)
    if #subject == 0 and ok and names[1] and type(names[1][2]) == "string" then
        return output.safe(names[1][2])
    end
    return tls.name(subject)
end

--- What an error says, without the place in BoringSSL, and with what helps.
---@param err any
---@return string message
---@return string? hint
function tls.explain(err)
    if ssl.SSLCertVerificationError:is(err) then
        local about = err.certificate and ("%s (%d in the chain)"):format(tls.subject(err.certificate), err.depth) or nil
        return "the certificate was refused: " .. tostring(err.verify_message or err)
            .. (about and ": " .. about or ""), nil
    end
    local message = output.safe((tostring(err):gsub(" %([%w_]+%.cc?:%d+%)$", "")))
    local hint
    if ssl.SSLError:is(err) then
        if err.reason == "WRONG_VERSION_NUMBER" or err.reason == "HTTP_REQUEST" then
            hint = "the server does not answer in TLS: is the port right, or does the protocol need --starttls?"
        elseif err.reason == "TLSV1_ALERT_CERTIFICATE_REQUIRED" or err.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE" then
            hint = "the server may want a client certificate: --cert, --key"
        end
    end
    return message, hint
end

--- What helps against a refused certificate.
---@param err cleat.Error
---@param options table
---@return string
function tls.advice(err, options)
    local code = err.verify_code
    if code == 62 or code == 64 then
        return "the name was taken from the command line: --servername NAME asks for another one"
    elseif code == 18 or code == 19 or code == 20 or code == 21 then
        return (options.cafile or options.capath) and "the CA certificates that are trusted have not issued it"
            or "if you know who issued it, name the CA certificate: --cafile FILE"
    end
    return "--insecure connects all the same, to any server that answers"
end

return tls
