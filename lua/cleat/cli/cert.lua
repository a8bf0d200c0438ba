--- `cleat cert`: shows the certificates of files.

local certificate = require "cleat.cli.certificate"
local failure = require "cleat.cli.failure"
local json = require "cleat.cli.json"
local output = require "cleat.cli.output"
local ssl = require "cleat.ssl"
local tls = require "cleat.cli.tls"

local FAILED, USAGE = 1, 2
local LIMIT = 64 * 1024 * 1024

local function read(name)
    local file, problem
    if name == "-" then
        file = io.stdin
    else
        file, problem = io.open(name, "rb")
    end
    local data
    if file then
        data, problem = file:read(LIMIT)
        if name ~= "-" then
            file:close()
        end
    end
    if not data then
        failure.raise(USAGE, problem and output.safe(problem) or name .. ": is empty")
    end
    return data
end

-- parse parses a certificate. Errors name the file and the number of the certificate.
local function parse(name, number, text)
    local ok, made = pcall(ssl.Certificate, text)
    if not ok then
        failure.raise(USAGE, ("%s: certificate %d: %s"):format(name, number, (tls.explain(made))))
    end
    return made
end

-- element_size returns the size of the DER element at a position; nil if there is none.
local function element_size(der, at)
    local tag, first = der:byte(at, at + 1)
    if tag ~= 0x30 or not first then
        return nil
    elseif first < 128 then
        return 2 + first
    elseif first < 129 or first > 132 then
        return nil
    end
    local size = 0
    for i = 1, first - 128 do
        size = size * 256 + (der:byte(at + 1 + i) or 0)
    end
    return 2 + first - 128 + size
end

local LABELS = { CERTIFICATE = true, ["TRUSTED CERTIFICATE"] = true, ["X509 CERTIFICATE"] = true }

-- next_block returns the label of the next PEM block at or after a position, the block, and the position behind it. A
-- block ends at the next "-----", so that the search takes linear time even if blocks have no end.
local function next_block(data, at)
    while true do
        local start, last, label = data:find("%-%-%-%-%-BEGIN ([%u%d ]+)%-%-%-%-%-", at)
        local stop = start and data:find("-----", last + 1, true)
        if not stop then
            return nil
        end
        local ending = "-----END " .. label .. "-----"
        at = stop
        if data:sub(stop, stop + #ending - 1) == ending then
            at = stop + #ending
            return label, data:sub(start, at - 1), at
        end
    end
end

-- load returns the certificates of a file: PEM with any text in between, or concatenated DER.
local function load(name)
    local data, list = read(name), {}
    if data:find("-----BEGIN ", 1, true) then
        local label, block, at = next_block(data, 1)
        while label do
            if LABELS[label] then
                list[#list + 1] = parse(name, #list + 1, block .. "\n")
            end
            label, block, at = next_block(data, at)
        end
    else
        local at = 1
        while at <= #data do
            local size = element_size(data, at)
            if not size or at + size - 1 > #data then
                break
            end
            list[#list + 1] = parse(name, #list + 1, data:sub(at, at + size - 1))
            at = at + size
        end
    end
    if not list[1] then
        failure.raise(USAGE, ("%s: contains no certificate in PEM or DER"):format(output.safe(name)))
    end
    return list
end

-- check_key checks that a private key belongs to a certificate: a context accepts both only if it does.
local function check_key(first, keyfile)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    local name = os.tmpname()
    local file = assert(io.open(name, "wb"))
    file:write(first:public_bytes())
    file:close()
    local ok, problem = pcall(context.load_cert_chain, context, name, keyfile)
    os.remove(name)
    if ok then
        return nil
    elseif ssl.SSLError:is(problem) and problem.reason == "KEY_VALUES_MISMATCH" then
        return ("the key of %s does not belong to the certificate of %s"):format(output.safe(keyfile), tls.subject(first))
    elseif ssl.SSLError:is(problem) and problem.reason == "KEY_TYPE_MISMATCH" then
        return ("the key of %s is of another type than the certificate of %s"):format(output.safe(keyfile), tls.subject(first))
    end
    return failure.raise(USAGE, "--key: " .. tls.explain(problem))
end

local function check_host(first, host)
    local ok, matches = pcall(first.matches, first, host)
    if not ok then
        failure.raise(USAGE, "--host: " .. tostring(matches))
    end
    return not matches and ("the certificate of %s is not for %s"):format(tls.subject(first), output.safe(host)) or nil
end

local function check_end(each, days, now)
    if each.not_after - now < days * 86400 then
        return ("the certificate of %s %s"):format(tls.subject(each), certificate.left(each.not_after, now))
    end
end

-- checks returns the failures of all requested checks.
local function checks(files, options, now)
    local faults = {}
    for index, file in ipairs(files) do
        faults[#faults + 1] = index == 1 and options.key and check_key(file[1], options.key) or nil
        faults[#faults + 1] = options.host and check_host(file[1], options.host) or nil
        for _, each in ipairs(options.warn_days and file or {}) do
            faults[#faults + 1] = check_end(each, options.warn_days, now)
        end
    end
    return faults
end

local function show(files, options, now)
    local paint, width = output.painter(1), output.columns(1)
    local all = {}
    for _, file in ipairs(files) do
        for index, each in ipairs(file) do
            if options.pem then
                output.write(each:public_bytes())
            elseif options.json then
                local facts = certificate.facts(each, now)
                facts.file, facts.index = file.name, index
                all[#all + 1] = facts
            else
                local rows = certificate.rows(certificate.facts(each, now), paint, certificate.left(each.not_after, now))
                local title = ("%s, certificate %d of %d"):format(output.safe(file.name), index, #file)
                output.write(paint("bold", title), "\n", output.rows(rows, width, 2), "\n")
            end
        end
    end
    if options.json then
        output.write(json.encode(json.array(all)), "\n")
    end
end

return function(options)
    local files, now = {}, os.time()
    for _, name in ipairs(options.files) do
        local list = load(name)
        list.name = name
        files[#files + 1] = list
    end
    show(files, options, now)
    local faults = checks(files, options, now)
    for _, fault in ipairs(faults) do
        output.note("cleat cert: ", fault, "\n")
    end
    return faults[1] and FAILED or 0
end
