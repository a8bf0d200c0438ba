--- Derives the meaning of each parameter and result of the ABI: the kind of an id, the group of a constant, a
--- descriptor, a truth value and so on. The sources are the markers of base.h, the names, and the form of the comments.
--- If they are not sufficient the generator fails, and reports what the header must say.

local classes = require "generator.classes"

local meaning = {}

---@class cleat.Meaning what an int32_t is
---@field kind "id"|"fd"|"boolean"|"constant"|"flags"|"number"
---@field of string? the kind of object, or "any", of an id
---@field groups string[]? the groups of constants

local where -- file:line of the function in hand

---@param format string
local function fail(format, ...)
    error({ message = where .. ": " .. format:format(...) }, 0)
end

-- Integers whose name has the same meaning in every function.
local NUMBERS = {}
for name in ([[index path_length hits misses port flowinfo scope_id limit backlog wanted number bits value ordinal line
        x509 x509_ca crl which_count reason code depth config_id max_name_length hash_algorithm signature_algorithm period
        lifetime count cipher lost_count]]):gmatch("%S+") do
    NUMBERS[name] = { kind = "number" }
end

-- Doubles that are seconds since 1970; others are durations.
local TIMES = {
    time = true, not_before = true, not_after = true, this_update = true, next_update = true, revoked_at = true,
}

-- The same for constants, where the comment does not say otherwise ("name: CLEAT_X_*").
local NAMED = {
    family = { kind = "constant", groups = { "CLEAT_AF_*" } },
    socktype = { kind = "constant", groups = { "CLEAT_SOCK_*" } },
    proto = { kind = "constant", groups = { "CLEAT_IPPROTO_*" } },
    tls_version = { kind = "constant", groups = { "CLEAT_TLS*_VERSION" } },
    level = { kind = "constant", groups = { "CLEAT_SOL_*", "CLEAT_IPPROTO_*" } },
    option = { kind = "constant", groups = { "CLEAT_SO_*", "CLEAT_TCP_*", "CLEAT_IPV6_V6ONLY" } },
    server_side = { kind = "boolean" },
    sent = { kind = "boolean" },
}

-- Groups whose constants are bits, to be combined.
local FLAGS = {
    ["CLEAT_AI_*"] = true, ["CLEAT_MSG_*"] = true, ["CLEAT_OP_*"] = true, ["CLEAT_POLL*"] = true, ["CLEAT_EPOLL*"] = true, ["CLEAT_VERIFY_*"] = true,
    ["CLEAT_KEY_USAGE_*"] = true, ["CLEAT_NI_*"] = true,
}

-- Bytes in: texts in UTF-8, names of files and directories, and other bytes.
local BYTES = {
    text = "host service server_hostname ciphers curve groups algorithms prompt digest name transport label public_name"
        .. " names",
    path = "cafile capath certfile keyfile dhfile keylogfile",
    bytes = "data certs key keys secrets password protocols response scts sct untrusted signature"
        .. " identity identity_hint context_value ech_configs",
}
local KIND_OF_BYTES = {}
for kind, names in pairs(BYTES) do
    for name in names:gmatch("%S+") do
        KIND_OF_BYTES[name] = kind
    end
end

---@param groups string[]
---@return cleat.Meaning
local function constants(groups)
    return { kind = FLAGS[groups[1]] and "flags" or "constant", groups = groups }
end

--- The group of that name: as a comment writes it, "CLEAT_TLS1_*VERSION" for "CLEAT_TLS*_VERSION" too.
---@param model cleat.Model
---@param name string
---@return string?
local function group_named(model, name)
    local pattern = "^" .. name:gsub("%*", "[%%w_]*") .. "$"
    for _, group in ipairs(meaning.groups(model)) do
        if group.name == name then
            return name
        end
    end
    for _, group in ipairs(meaning.groups(model)) do
        if group.constants[1].name:find(pattern) and group.constants[#group.constants].name:find(pattern) then
            return group.name
        end
    end
end

--- The groups of constants, in the order of the headers. A comment for two groups makes two.
---@param model cleat.Model
---@return {name: string, comment: string, header: string, constants: cleat.Constant[], flags: boolean}[]
function meaning.groups(model)
    if model.groups then
        return model.groups
    end
    local list = {}
    for _, header in ipairs(model.headers) do
        for _, item in ipairs(header.items) do
            local by_name = {}
            for _, constant in ipairs(item.constants or {}) do
                local name = constant.name
                for i, pattern in ipairs(item.patterns) do
                    if name:find(pattern) then
                        name = item.names[i]
                        break
                    end
                end
                local group = by_name[name]
                if not group then
                    group = { name = name, comment = item.comment, header = header.name, constants = {}, flags = FLAGS[name] }
                    by_name[name], list[#list + 1] = group, group
                end
                constant.group = name
                group.constants[#group.constants + 1] = constant
            end
        end
    end
    model.groups = list
    return list
end

---@param model cleat.Model
---@param name string
---@return boolean
local function is_kind(model, name)
    for _, kind in ipairs(model.kinds) do
        if kind.name == name then
            return true
        end
    end
    return false
end

-- Parameters that are ids, and not named like their kind.
local INPUT_IDS = { issuer = "certificate", ech_keys = "ech_key" }

-- Outputs of ids that are not named like their kind.
local OUTPUT_IDS = { first = "socket", second = "socket", sender = "addrinfo" }

--- The kind of object that an id-making function makes: the last word of its name, or the first.
---@param model cleat.Model
---@param f cleat.Function
---@return string
local function made(model, f)
    local short = (f.guards or f.name):gsub("^cleat_", "")
    local last, first = short:match("[%l%d]+$"), short:match("^[%l%d]+")
    if is_kind(model, last) and f.comment:find("returns the id of", 1, true) then
        -- cleat_connection_over_socket makes a connection, cleat_context_ca_certificate a certificate.
        if not short:find("_over_%l+$") then
            return last
        end
    end
    local two = short:match("^[%l%d]+_[%l%d]+") -- cleat_ech_key_new makes an ech_key
    if is_kind(model, two) then
        return two
    end
    return is_kind(model, first) and first
        or fail("%s makes an id: its name must begin or end with the kind of object", f.name)
end

--- The constants that a comment says of a parameter: "which: CLEAT_NAME_*", "flags are CLEAT_AI_*",
--- "which (CLEAT_X_*)", "events is one set of CLEAT_POLL*", "alert: CLEAT_X_*; or a CLEAT_Y_*".
---@param model cleat.Model
---@param comment string
---@param name string
---@return cleat.Meaning?
local function commented(model, comment, name)
    for _, form in ipairs {
        "%f[%w_]" .. name .. ":[^.:]-(CLEAT_[%u%d_]*%*[%u%d_]*)", "%f[%w_]" .. name .. " are (CLEAT_[%u%d_]*%*[%u%d_]*)",
        "%f[%w_]" .. name .. " %((CLEAT_[%u%d_]*%*[%u%d_]*)%)", "%f[%w_]" .. name .. " is one set of (CLEAT_[%u%d_]*%*[%u%d_]*)",
    } do
        local group = comment:match(form)
        local found = group and group_named(model, group)
        if found then
            local other = comment:match("%f[%w_]" .. name .. ":[^.:]-; or a (CLEAT_[%u%d_]*%*)")
            return constants { found, other ~= group and other and group_named(model, other) or nil }
        elseif group then
            fail("there is no group of constants %s", group)
        end
    end
    if comment:find("%f[%w_]" .. name .. ": 0 or 1") or comment:find("%f[%w_]" .. name .. ": 1 %l")
        and not comment:find("%f[%w_]" .. name .. ": 1 or more") and not comment:find("%f[%w_]" .. name .. ": 1 to [%u%d]") then
        return { kind = "boolean" }
    end
end

--- A further value that a parameter may have: "alert: -1 to go on", "fd may be -1".
---@param model cleat.Model
---@param f cleat.Function
---@param name string
---@return integer?
local function also(model, f, name)
    local base = f.guards and classes.find(model, f.guards) or f
    local comment = base.comment
    local number = comment:match("%f[%w_]" .. name .. ": CLEAT_[%u%d_]*%*, or (%-?%d+) for ") or comment:match("%f[%w_]" .. name .. ": (%-?%d+) to %l") or comment:match("%f[%w_]" .. name .. ": (%-?%d+) for ")
        or comment:match("%f[%w_]" .. name .. " may be (%-?%d+)%f[%D]")
    -- "as in cleat_socket_new", "does what cleat_addrinfo_resolve does": the same parameter there
    local other = not number and (comment:match("%f[%w_]" .. name .. " as in (cleat_[%w_]+)")
        or comment:match "which does what (cleat_[%w_]+) does")
    return other and also(model, classes.find(model, other), name) or math.tointeger(tonumber(number))
end

--- The meaning of an int32_t that a function takes or stores.
---@param model cleat.Model
---@param f cleat.Function
---@param parameter cleat.Parameter
---@return cleat.Meaning
local function integer(model, f, parameter)
    local name = parameter.name
    if parameter.new_id then
        return { kind = "id", of = name == "guard_id" and made(model, f) or is_kind(model, name) and name or OUTPUT_IDS[name]
            or fail("%s stores an id in %s: name it like the kind of object", f.name, name) }
    elseif name == "id" then
        return { kind = "id", of = "any" }
    elseif is_kind(model, name) then
        return { kind = "id", of = name }
    elseif INPUT_IDS[name] then
        return { kind = "id", of = INPUT_IDS[name] }
    elseif name == "fd" or name == "fds" then
        return { kind = "fd" }
    end
    local base = f.guards and classes.find(model, f.guards) or f
    local found = commented(model, base.comment, name) or NUMBERS[name]
    local getter = not found and name ~= "id" and classes.find(model, (base.name:gsub("_set_", "_")))
    if getter and getter ~= base then
        found = meaning.result(model, getter)
        found = found.kind == "count" and { kind = "number" } or found
    end
    -- "as cleat_certificate_name_count": the meaning of the same parameter there.
    for other in base.comment:gmatch("%f[%w_]cleat_[%w_]+") do
        local referred = not found and other ~= base.name and classes.find(model, other)
        found = referred and commented(model, referred.comment, name) or found
    end
    return found or NAMED[name] or fail('what is %s of %s? Say "%s: CLEAT_X_*" or "%s: 0 or 1" in the comment, or name it '
        .. "in script/generator/meaning.lua", name, f.name, name, name)
end

--- The first sentence of a function's comment after "returns": its result.
---@param model cleat.Model
---@param f cleat.Function
---@return string
local function first_sentence(model, f)
    local comment = (f.guards and classes.find(model, f.guards) or f).comment
    return comment:match("%f[%w]returns (.-)%.[%s]") or comment:match("%f[%w]returns (.-)%.?$")
end

--- What a function's result is, where it is not negative: a meaning of an integer, or
--- { kind = "ok" } for CLEAT_OK, "length" of a text out, "count" of bytes or things, "status" (cleat_error_status
--- alone).
---@param model cleat.Model
---@param f cleat.Function
---@return cleat.Meaning
function meaning.result(model, f)
    where = f.where
    local base = f.guards and classes.find(model, f.guards) or f
    local said = first_sentence(model, f)
    if base.new_id then
        if said:find("%f[%w]or 0%f[%W]") and not base.or_zero then
            fail("%s returns an id or 0: mark it with CLEAT_OR_ZERO", f.name)
        end
        return { kind = "id", of = made(model, base), none = base.or_zero }
    end
    for _, parameter in ipairs(base.parameters) do
        if parameter.kind == "text" then
            if not said:find("^the length") and not said:find("^the same") then
                fail('%s must say that it "returns the length of" what it copies to out', f.name)
            end
            return { kind = "length" }
        end
    end
    local group = said:match("^.-(CLEAT_[%u%d_]*%*[%u%d_]*)")
    if said:find("^CLEAT_OK%f[^%w_]") then
        return { kind = "ok" }
    elseif said:find("^how ") or said:find("^the number of ") and not said:find("^the number of an? ") or said:find("^data_len ") or said:find("^buf_cap ")
        or said:find("^the length of the line ") then
        return { kind = "count" }
    elseif said:find("^1 ") or said:find(", 0 or 1%f[%W]") then
        return { kind = "boolean" }
    elseif said:find("^a descriptor ") or said:find("^the socket's descriptor") or said:find("^the watch's descriptor")
        or said:find("^the instance's descriptor") then
        return { kind = "fd" }
    elseif group then
        return constants { group_named(model, group) or fail("there is no group of constants %s", group) }
    elseif said:find("^the status ") then
        return { kind = "status" }
    elseif said:find("%f[%a]version%f[%A]") or said:find("%f[%a]VERSION") or said:find("_VERSION ") or said:find("%f[%a]number%f[%A]")
        or said:find("^the CLEAT_[%u_]+ ") then
        return { kind = "number" }
    end
    fail('%s "returns %s": say what it is in the form of another function (CLEAT_OK, the id of, the length of, how many, '
        .. "1 if, a CLEAT_X_*, the number, ...)", f.name, said)
end

--- Whether the text that the function returns is the name of a file or directory.
---@param model cleat.Model
---@param f cleat.Function
---@return boolean
local function is_path(model, f)
    local said = first_sentence(model, f)
    return said:find("%f[%a]path%f[%A]") ~= nil or said:find("name of the file", 1, true) ~= nil
end

--- The parameters of a function, with their meanings.
---@param model cleat.Model
---@param f cleat.Function
---@return table[]
function meaning.parameters(model, f)
    where = f.where
    local list = {}
    for i, p in ipairs(f.parameters) do
        local entry = { name = p.name, direction = p.kind:find("out$") and "out" or "in", size = p.size }
        if p.kind == "int" then
            entry.meaning = integer(model, f, p)
            entry.kind = entry.meaning.kind
            entry.also = entry.kind ~= "boolean" and also(model, f, p.name) or nil
        elseif p.kind == "int_out" then
            entry.meaning = integer(model, f, p)
            entry.kind = entry.meaning.kind
        elseif p.kind == "double" or p.kind == "double_out" then
            entry.kind = TIMES[p.name] and "time" or "seconds"
        elseif p.kind == "bytes" then
            entry.kind = KIND_OF_BYTES[p.name]
                or fail("is %s of %s a text, a path or bytes? Name it in script/generator/meaning.lua", p.name, f.name)
            entry.absent = p.absent
        elseif p.kind == "text" or p.kind == "buf" then
            entry.direction = "out"
            entry.kind = (p.kind == "buf" or p.binary) and "bytes" or is_path(model, f) and "path" or "text"
            entry.full_length = p.kind == "text" or nil
        else -- arrays
            entry.meaning = integer(model, f, { kind = "int", name = p.name:gsub("^revents$", "events") })
            entry.kind = entry.meaning.kind
            entry.array = true
        end
        list[i] = entry
    end
    local said, marked = f.comment:lower():find("%f[%a]absent%f[%A]"), false
    for _, p in ipairs(f.parameters) do
        marked = marked or p.absent or false
    end
    if said and not marked then
        fail("the comment of %s speaks of what is absent: mark the parameter with CLEAT_ABSENT", f.name)
    end
    return list
end

--- The parameter whose id the function closes when it succeeds.
---@param f cleat.Function
---@return string?
function meaning.closes(f)
    where = f.where
    for _, parameter in ipairs(f.parameters) do
        if parameter.closes then
            return parameter.name
        end
    end
    if f.comment:find("closes the id%f[%A]") then
        fail("%s closes an id: mark the parameter with CLEAT_CLOSES", f.name)
    end
end

--- Whether a call may block: "no", "timeout" (until its timeout) or "unbounded".
---@param model cleat.Model
---@param f cleat.Function
---@return "no"|"timeout"|"unbounded"
function meaning.blocks(model, f)
    where = f.where
    local base = f.guards and classes.find(model, f.guards) or f
    local timeout = false
    for _, parameter in ipairs(base.parameters) do
        timeout = timeout or parameter.name == "timeout"
    end
    local resolves = false
    for _, class in ipairs(classes.of(model, base)) do
        resolves = resolves or class == "CLEAT_RESOLVE"
    end
    if base.no_wait and not timeout and not resolves then
        fail("CLEAT_NO_WAIT is for a function with a timeout or with the class CLEAT_RESOLVE")
    end
    if resolves and not base.may_block and not base.no_wait and not timeout then
        fail("%s may resolve a name: mark it with CLEAT_MAY_BLOCK, or with CLEAT_NO_WAIT", f.name)
    end
    return base.may_block and "unbounded" or timeout and not base.no_wait and "timeout" or "no"
end

return meaning
