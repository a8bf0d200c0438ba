--- HTTP/1.1 messages (RFC 9112). If two parsers could interpret a response differently, the request fails.

local failure = require "cleat.https.failure"

local concat, find, match, sub = table.concat, string.find, string.match, string.sub
local attempt, call, fail, show = failure.attempt, failure.call, failure.fail, failure.show

local message = {}

local LINES_MAX = 256 -- in a head, and in the trailer of a chunked body
local INTERIM_MAX = 16 -- 1xx responses before the final one
local LENGTH_DIGITS = 15 -- a double represents it exactly
local SIZE_DIGITS = 13 -- the same in hexadecimal
local PIECE = 16384

message.TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"

local function malformed(what, ...)
    return fail("malformed response: " .. what, ...)
end

-- trim removes spaces and tabs around a value. A single pattern for both ends would take quadratic time.
local function trim(value)
    local first = find(value, "[^ \t]")
    return first and sub(value, first):match("^.*[^ \t]") or ""
end

-- read_fields reads header lines up to the empty line. It returns an array of {name, value}, with names in lower case.
local function read_fields(connection)
    local fields, lines = {}, 0
    local folded -- the parts of a value that is folded over several lines
    local function unfold()
        if folded then
            fields[#fields][2] = trim(concat(folded, " "))
            folded = nil
        end
    end
    while true do
        local line = connection:line()
        if line == "" then
            unfold()
            return fields
        end
        lines = lines + 1
        if lines > LINES_MAX then
            malformed("more than %d header lines", LINES_MAX)
        elseif find(line, "^[ \t]") then
            if not fields[1] then
                malformed("it begins with a blank")
            end
            folded = folded or { fields[#fields][2] }
            folded[#folded + 1] = trim(line)
        else
            unfold()
            local at = find(line, ":", 1, true)
            local name = at and sub(line, 1, at - 1)
            if not name or not find(name, message.TOKEN) then
                malformed("header %s", show(name or line))
            end
            fields[#fields + 1] = { name:lower(), trim(sub(line, at + 1)) }
        end
    end
end

-- joined makes a table of headers as LuaSocket does: values with the same name are joined by commas.
local function joined(fields)
    local lists, headers = {}, {}
    for _, field in ipairs(fields) do
        local list = lists[field[1]]
        if list then
            list[#list + 1] = field[2]
        else
            lists[field[1]] = { field[2] }
        end
    end
    for name, list in pairs(lists) do
        headers[name] = concat(list, ", ")
    end
    return headers
end

-- framing returns how the body is delimited (RFC 9112, section 6.3): "chunked", its length, or nil if it ends with the
-- connection.
local function framing(version, fields)
    local length, coding
    for _, field in ipairs(fields) do
        local name, value = field[1], field[2]
        if name == "content-length" then
            if length then
                malformed("Content-Length is there twice")
            elseif not find(value, "^%d+$") or #match(value, "^0*(%d*)") > LENGTH_DIGITS then
                malformed("Content-Length %s", show(value))
            end
            length = tonumber(value)
        elseif name == "transfer-encoding" then
            if coding then
                malformed("Transfer-Encoding is there twice")
            elseif value:lower() ~= "chunked" then
                malformed("Transfer-Encoding %s", show(value))
            end
            coding = "chunked"
        end
    end
    if coding and length then
        malformed("both Transfer-Encoding and Content-Length")
    elseif coding and version == "0" then
        malformed("Transfer-Encoding in a response of HTTP/1.0")
    end
    return coding or length
end

-- read_one reads a head. bare: whether to ignore the headers about the body.
local function read_one(connection, bare)
    local status = connection:line()
    local version, code = match(status, "^HTTP/1%.(%d) (%d%d%d)$")
    if not version then
        version, code = match(status, "^HTTP/1%.(%d) (%d%d%d) ")
    end
    code = tonumber(code)
    if not code or code < 100 then
        malformed("status line %s", show(status))
    end
    local fields = read_fields(connection)
    return code, fields, status, not bare and framing(version, fields) or nil
end

local function counts(code)
    if code == 101 then
        malformed("it switches protocols")
    end
    return code >= 200
end

--- Reads the head of the final response, and skips 1xx responses.
---@param connection cleat.https.Connection
---@return integer code
---@return table<string, string> headers
---@return string status the first line
---@return "chunked"|integer|nil length of the body; nil if it ends with the connection
function message.read_head(connection)
    for _ = 0, INTERIM_MAX do
        local code, fields, status, length = read_one(connection)
        if counts(code) then
            return code, joined(fields), status, length
        end
    end
    return malformed("more than %d responses of 1xx", INTERIM_MAX)
end

--- Reads the head of a proxy's response to CONNECT. A 2xx response has no body, whatever its headers say (RFC 9112,
--- section 6.3).
---@param connection cleat.https.Connection
---@return integer code
---@return string status
function message.read_tunnel(connection)
    for _ = 0, INTERIM_MAX do
        local code, _, status = read_one(connection, true)
        if counts(code) then
            return code, status
        end
    end
    return malformed("more than %d responses of 1xx", INTERIM_MAX)
end

-- read_size reads the line before a chunk.
local function read_size(connection)
    local line = connection:line()
    local digits, rest = match(line, "^(%x+)[ \t]*(.*)$")
    if not digits or #match(digits, "^0*(%x*)") > SIZE_DIGITS or (rest ~= "" and sub(rest, 1, 1) ~= ";") then
        malformed("chunk size %s", show(line))
    end
    return tonumber(digits, 16)
end

-- The sources below return nil at the end of the body, as LTN12's do.

local function by_length(connection, length)
    return function()
        if length == 0 then
            return nil
        end
        local data = connection:read(math.min(length, PIECE))
        if data == "" then
            fail("closed")
        end
        length = length - #data
        return data
    end
end

local function by_chunks(connection)
    local size = 0 -- the remaining bytes of the chunk; nil at the end of the body
    local first = true
    return function()
        if size == 0 then
            if not first and connection:line() ~= "" then
                malformed("a chunk is longer than its size")
            end
            first, size = false, read_size(connection)
            if size == 0 then
                size = nil
                read_fields(connection) -- the trailer is ignored (RFC 9110, section 6.5.1)
            end
        end
        if not size then
            return nil
        end
        local data = connection:read(math.min(size, PIECE))
        if data == "" then
            fail("closed")
        end
        size = size - #data
        return data
    end
end

local function to_the_end(connection)
    return function()
        local data = connection:read(PIECE)
        return data ~= "" and data or nil
    end
end

--- The default step of LTN12.
---@param source function
---@param sink function
function message.step(source, sink)
    local chunk, source_error = source()
    local ok, sink_error = sink(chunk, source_error)
    if chunk and ok then
        return 1
    end
    return nil, source_error or sink_error
end

-- pump moves all chunks from a source to a sink. If one of them fails, the request fails.
local function pump(source, sink, step)
    local ok, err
    repeat
        ok, err = call(step or message.step, source, sink)
    until not ok
    if err ~= nil then
        failure.report(err)
    end
end

--- Receives a body.
---@param connection cleat.https.Connection
---@param length "chunked"|integer|nil see message.read_head
---@param sink function
---@param step function?
function message.receive_body(connection, length, sink, step)
    local read = not length and to_the_end(connection) or length == "chunked" and by_chunks(connection)
        or by_length(connection, length)
    pump(function()
        return attempt(read)
    end, sink, step)
end

local function checked(chunk)
    if type(chunk) ~= "string" then
        failure.bad("source must return strings, not %s", show(chunk))
    end
    return chunk
end

local function send_chunk(connection, chunk)
    if chunk == nil then
        connection:write("0\r\n\r\n")
    elseif checked(chunk) ~= "" then -- an empty chunk would end the body
        connection:write(("%X\r\n"):format(#chunk))
        connection:write(chunk)
        connection:write("\r\n")
    end
    return 1
end

--- Sends a body.
---@param connection cleat.https.Connection
---@param length integer? the Content-Length; nil for chunks
---@param source function
---@param step function?
function message.send_body(connection, length, source, step)
    local sent = 0
    local function send_part(_, chunk)
        sent = sent + (chunk and #checked(chunk) or 0)
        if sent > length or (chunk == nil and sent < length) then
            fail("source has returned %s than the %d bytes of Content-Length", sent > length and "more" or "less", length)
        end
        connection:write(chunk or "")
        return 1
    end
    pump(source, function(chunk)
        return attempt(length and send_part or send_chunk, connection, chunk)
    end, step)
end

return message
