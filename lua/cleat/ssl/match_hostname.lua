--- Host name matching: Python 2.7.16's ssl.match_hostname (section 17.3.1.4), with the same rules.
---
--- It works on the table of getpeercert(), so that a program can apply it to any certificate. `check_hostname` of
--- contexts does not use it: there the core compares the name during the handshake, so that the peer gets an alert, and
--- compares IP addresses too.
---
---   * The DNS names of subjectAltName are compared; if there are none, every commonName of the subject.
---   * "*" is a wildcard in the leftmost label only, and only once. It does not match a dot. Alone it matches at least
---     one character; with other characters in the label it matches any number, but never a part of an A-label (RFC
---     6125 section 6.4.3).
---   * The comparison ignores ASCII case, and covers the whole names, zero bytes included.

local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local repr = require "cleat.repr"

-- Returns whether a label matches a pattern; both are in lower case.
local function label_matches(pattern, label, is_a_label)
    local before, after = pattern:match("^([^*]*)%*([^*]*)$")
    if not before or (is_a_label and pattern ~= "*") then
        return pattern == label
    elseif pattern == "*" then
        return label ~= ""
    end
    return #label >= #before + #after and label:sub(1, #before) == before and
        label:sub(#label - #after + 1) == after
end

-- Returns whether a name of the certificate matches. Raises CertificateError for several wildcards.
local function name_matches(name, hostname)
    if name == "" then
        return false
    end
    local leftmost, remainder = name:match("^([^.]*)(.*)$")
    local _, wildcards = leftmost:gsub("%*", "")
    if wildcards > 1 then
        errors.raise(errors.CertificateError, "too many wildcards in certificate DNS name: " .. repr(name))
    end
    -- Python compares the prefix case-sensitively.
    local is_a_label = leftmost:sub(1, 4) == "xn--" or hostname:sub(1, 4) == "xn--"
    local label, rest = hostname:lower():match("^([^.]*)(.*)$")
    return rest == remainder:lower() and label_matches(leftmost:lower(), label, is_a_label)
end

-- list returns an empty array for a value that is not an array, so that an incomplete certificate has no names instead
-- of raising.
local function list(value)
    return type(value) == "table" and value or {}
end

local parse = keywords.parser("match_hostname", { "cert", "hostname" }, { tables = { cert = true } })

--- Checks that a certificate is valid for a host name, as Python 2.7 does: by the DNS names of subjectAltName, or if
--- there are none by the common names. It returns nothing, or raises. Contexts with `check_hostname` compare the name
--- during the handshake already.
---
---     local cert = conn:getpeercert()
---     ssl.match_hostname(cert, "localhost")
---     local ok, err = pcall(ssl.match_hostname, cert, "example.org")
---     print(ok, ssl.CertificateError:is(err)) --> false	true
---
--- Raises: CertificateError if the name does not match; ValueError if the table is nil or empty; TypeError.
--- Python: 2.7.9, 3.2; removed in 3.12.
---@param cert cleat.ssl.Certificate the result of SSLSocket:getpeercert
---@param hostname string
local function match_hostname(cert, hostname, ...)
    cert, hostname = parse(cert, hostname, ...)
    if cert == nil or (type(cert) == "table" and next(cert) == nil) then
        errors.raise(errors.ValueError, "empty or no certificate, match_hostname needs a SSL socket or SSL context " ..
            "with either CERT_OPTIONAL or CERT_REQUIRED")
    elseif type(cert) ~= "table" then
        check.fail("match_hostname", "cert", "a table", cert)
    end
    check.string("match_hostname", "hostname", hostname)

    local names = {}
    for _, entry in ipairs(list(cert.subjectAltName)) do
        if entry[1] == "DNS" then
            if name_matches(entry[2], hostname) then
                return
            end
            names[#names + 1] = repr(entry[2])
        end
    end
    if #names == 0 then
        for _, rdn in ipairs(list(cert.subject)) do
            for _, attribute in ipairs(list(rdn)) do
                if attribute[1] == "commonName" then
                    if name_matches(attribute[2], hostname) then
                        return
                    end
                    names[#names + 1] = repr(attribute[2])
                end
            end
        end
    end

    if #names == 0 then
        errors.raise(errors.CertificateError, "no appropriate commonName or subjectAltName fields were found")
    end
    errors.raise(errors.CertificateError, ("hostname %s doesn't match %s%s"):format(repr(hostname),
        #names > 1 and "either of " or "", table.concat(names, ", ")))
end

return { match_hostname = match_hostname }
