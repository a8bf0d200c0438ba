--- Contexts for the options of `connect` and `inspect`, and the texts about connections and their errors.

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

--- Returns the application protocols of --alpn.
---@param text string
---@return string[]
function tls.protocols(text)
    local list = {}
    for name in text:gmatch "[^,]+" do
        list[#list + 1] = name
    end
    return list
end

--- Makes a context for the options. status: the exit status if an option cannot be used.
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

--- Allows one version of TLS only.
---@param context cleat.ssl.SSLContext
---@param version string "1.2"
function tls.only(context, version)
    -- in this order the minimum is never above the maximum
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = tls.VERSIONS[version]
    context.minimum_version = tls.VERSIONS[version]
end

--- Formats a distinguished name as in RFC 4514, the most specific part first: "CN=localhost, O=cleat tests".
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

--- Returns the name of a certificate for messages: its subject, or its first alternative name.
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

--- Returns the text of an error without the location in BoringSSL, and a hint.
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
            hint = "the server does not respond with TLS: is the port correct, or does the protocol need --starttls?"
        elseif err.reason == "TLSV1_ALERT_CERTIFICATE_REQUIRED" or err.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE" then
            hint = "the server may require a client certificate: --cert, --key"
        end
    end
    return message, hint
end

--- Returns a hint for a refused certificate.
---@param err cleat.Error
---@param options table
---@return string
function tls.advice(err, options)
    local code = err.verify_code
    if code == 62 or code == 64 then
        return "the name is the host on the command line: use --servername NAME for another one"
    elseif code == 18 or code == 19 or code == 20 or code == 21 then
        return (options.cafile or options.capath) and "none of the trusted CA certificates has issued it"
            or "to trust its issuer, pass the CA certificate: --cafile FILE"
    end
    return "--insecure connects without verification, to any server that responds"
end

return tls
