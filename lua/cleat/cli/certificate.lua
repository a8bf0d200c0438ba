--- The facts about a certificate, as a table for JSON and as rows of text.

local json = require "cleat.cli.json"
local output = require "cleat.cli.output"
local tls = require "cleat.cli.tls"

local certificate = {}

local DAY = 86400

local PURPOSES = {
    ["1.3.6.1.5.5.7.3.1"] = "serverAuth", ["1.3.6.1.5.5.7.3.2"] = "clientAuth", ["1.3.6.1.5.5.7.3.3"] = "codeSigning",
    ["1.3.6.1.5.5.7.3.4"] = "emailProtection", ["1.3.6.1.5.5.7.3.8"] = "timeStamping", ["1.3.6.1.5.5.7.3.9"] = "OCSPSigning",
    ["2.5.29.37.0"] = "any",
}
local KEYS = { rsaEncryption = "RSA", ["id-ecPublicKey"] = "EC", ED25519 = "Ed25519" }

--- Formats a time as ISO 8601. The years of certificates can exceed the range of os.date.
---@param seconds number
---@return string
function certificate.time(seconds)
    local days, rest = math.floor(seconds / DAY), seconds % DAY
    -- the date of a day, counted from 0000-03-01
    local z = days + 719468
    local era = math.floor(z / 146097)
    local of_era = z - era * 146097
    local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) - math.floor(of_era / 146096)) / 365)
    local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
    local month = math.floor((5 * of_year + 2) / 153)
    local day = of_year - math.floor((153 * month + 2) / 5) + 1
    month = month < 10 and month + 3 or month - 9
    year = year + era * 400 + (month <= 2 and 1 or 0)
    return ("%04d-%02d-%02dT%02d:%02d:%02dZ"):format(year, month, day, math.floor(rest / 3600), math.floor(rest / 60) % 60,
        math.floor(rest % 60))
end

--- Describes the time until the end of a validity: "expires in 12 days", "has expired 3 days ago".
---@param seconds number
---@param now number
---@return string
function certificate.left(seconds, now)
    local left = seconds - now
    local count = math.floor(math.abs(left) / DAY)
    local words = count == 1 and "1 day" or count > 1 and count .. " days" or math.floor(math.abs(left) / 3600) .. " hours"
    return left >= 0 and "expires in " .. words or "has expired " .. words .. " ago"
end

--- Returns the whole days until a certificate expires, negative after that.
---@param of cleat.ssl.CertificateObject
---@param now number
---@return integer
function certificate.days(of, now)
    return math.floor((of.not_after - now) / DAY)
end

-- field reads a field of a certificate, and adds a problem if the extension is malformed.
local function field(of, name, problems)
    local ok, value = pcall(function()
        return of[name]
    end)
    if not ok then
        problems[#problems + 1] = name .. ": " .. tostring(value)
        return nil
    end
    return value
end

local function names(list)
    local all = {}
    for _, pair in ipairs(list or {}) do
        local value = type(pair[2]) == "table" and tls.name(pair[2]) or output.safe(pair[2])
        all[#all + 1] = { pair[1], value }
    end
    return all
end

local function sorted(set)
    local list = {}
    for name in pairs(set or {}) do
        list[#list + 1] = name
    end
    table.sort(list)
    return list
end

local function timestamps(list)
    local all = {}
    for _, sct in ipairs(list) do
        all[#all + 1] = {
            time = sct.timestamp and certificate.time(sct.timestamp),
            log = sct.log_id and (sct.log_id:gsub(".", function(c) return ("%02x"):format(c:byte()) end)),
            version = sct.version,
        }
    end
    return json.array(all)
end

--- Returns everything that is shown about a certificate.
---@param of cleat.ssl.CertificateObject
---@param now number
---@return table
function certificate.facts(of, now)
    local problems = {}
    local key = KEYS[of.public_key_algorithm] or of.public_key_algorithm
    local purposes = field(of, "extended_key_usage", problems)
    for i, purpose in ipairs(purposes or {}) do
        purposes[i] = PURPOSES[purpose] or purpose
    end
    local usage = field(of, "key_usage", problems)
    local scts = field(of, "scts", problems)
    local all = {
        subject = tls.name(of.subject),
        issuer = tls.name(of.issuer),
        names = json.array(names(field(of, "subject_alt_names", problems))),
        serial = of.serial_number,
        version = of.version,
        not_before = certificate.time(of.not_before),
        not_after = certificate.time(of.not_after),
        days_left = certificate.days(of, now),
        seconds_left = of.not_after - now,
        valid_now = of.not_before <= now and now <= of.not_after,
        key = { type = key, bits = of.public_key_bits, curve = field(of, "curve", problems) },
        signature = of.signature_algorithm,
        ca = of.is_ca,
        self_issued = tls.name(of.subject) == tls.name(of.issuer),
        key_usage = usage and json.array(sorted(usage)),
        extended_key_usage = purposes and json.array(purposes),
        ocsp = json.array(field(of, "ocsp_uris", problems) or {}),
        crl = json.array(field(of, "crl_uris", problems) or {}),
        issuers = json.array(field(of, "ca_issuers_uris", problems) or {}),
        scts = scts and timestamps(scts),
        sha256 = of:fingerprint(),
        sha1 = of:fingerprint "sha1",
        spki_sha256 = of:spki_fingerprint(),
    }
    all.problems = problems[1] and json.array(problems) or nil
    return all
end

local function joined(list)
    local all = {}
    for i, value in ipairs(list) do
        all[i] = output.safe(value):gsub(",", "\\,")
    end
    return table.concat(all, ", ")
end

--- Formats alternative names as a list. A comma in a name is escaped: it does not separate two names.
---@param pairs_of string[][] from facts
---@return string
function certificate.list(pairs_of)
    local all = {}
    for i, pair in ipairs(pairs_of) do
        local value = pair[1] == "DirName" and pair[2] or pair[2]:gsub(",", "\\,")
        all[i] = (pair[1] == "DNS" and "" or pair[1] .. ":") .. value
    end
    return table.concat(all, ", ")
end

--- Returns rows of {label, text} for output.rows.
---@param of table from facts
---@param paint fun(colour: string, text: string): string
---@param left string from left
---@return table[]
function certificate.rows(of, paint, left)
    local rows = {}
    local function add(label, text)
        if text and text ~= "" then
            rows[#rows + 1] = { label, text }
        end
    end
    add("subject", of.subject)
    add("names", certificate.list(of.names))
    add("issuer", of.issuer .. (of.self_issued and " (itself)" or ""))
    add("valid", ("%s to %s: %s"):format(of.not_before, of.not_after,
        of.valid_now and left or paint("red", of.days_left < 0 and left or "not yet")))
    add("key", ("%s, %d bits%s"):format(of.key.type, of.key.bits, of.key.curve and ", " .. of.key.curve or ""))
    add("signature", of.signature)
    add("serial", of.serial)
    add("CA", of.ca and "yes" or "no")
    add("key usage", of.key_usage and joined(of.key_usage))
    add("purposes", of.extended_key_usage and joined(of.extended_key_usage))
    add("OCSP", joined(of.ocsp))
    add("CRL", joined(of.crl))
    add("issuers", joined(of.issuers))
    local times = {}
    for _, sct in ipairs(of.scts or {}) do
        times[#times + 1] = sct.time
    end
    add("SCTs", table.concat(times, ", "))
    add("SHA-256", of.sha256)
    add("key's SHA-256", of.spki_sha256)
    for _, problem in ipairs(of.problems or {}) do
        add("malformed", paint("red", output.safe(problem)))
    end
    return rows
end

return certificate
