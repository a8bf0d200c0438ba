--- The standard output and the standard error: errors of writing, colours, widths and tables.

local C = require "cleat.backend"
local failure = require "cleat.cli.failure"

local output = {}

local EPIPE = C.const.EPIPE

--- Writes to the standard output. If its reader has closed the pipe the command ends without a message, as after
--- SIGPIPE.
---@param ... string
function output.write(...)
    local written, message, number = io.stdout:write(...)
    if written then
        written, message, number = io.stdout:flush()
    end
    if not written then
        if number == EPIPE then
            failure.exit(1)
        end
        failure.raise(1, "cannot write to the standard output: " .. tostring(message))
    end
end

--- Writes to the standard error. Failures cannot be reported anywhere, and are ignored.
---@param ... string
function output.note(...)
    io.stderr:write(...)
end

--- Returns the width of a descriptor's terminal, or COLUMNS; nil if there is neither.
---@param fd integer
---@return integer?
function output.columns(fd)
    local columns = C.descriptor_columns(fd)
    if columns > 0 then
        return math.max(columns, 40)
    end
    columns = tonumber(os.getenv "COLUMNS" or "")
    return columns and columns >= 40 and columns <= 1000 and math.floor(columns) or nil
end

---@param fd integer
---@return boolean
function output.is_terminal(fd)
    return C.descriptor_columns(fd) >= 0
end

local COLOURS = { red = "\27[31m", green = "\27[32m", yellow = "\27[33m", bold = "\27[1m" }

--- Returns a function paint(colour, text) for a descriptor. It has no effect if the descriptor is not a terminal or the
--- terminal is dumb, and with NO_COLOR (no-color.org).
---@param fd integer
function output.painter(fd)
    local none = os.getenv "NO_COLOR"
    if not output.is_terminal(fd) or none and none ~= "" or os.getenv "TERM" == "dumb" then
        return function(_, text)
            return text
        end
    end
    return function(colour, text)
        return COLOURS[colour] .. text .. "\27[0m"
    end
end

--- Makes text from certificates and servers safe for a terminal: control characters, which could control the terminal,
--- and bytes that are not UTF-8 become escapes.
---@param text string
---@return string
function output.safe(text)
    text = text:gsub("[%z\1-\31\127]", function(byte)
        return ("\\x%02x"):format(byte:byte())
    end)
    -- C1 control characters in UTF-8, and invalid bytes
    text = text:gsub("\194([\128-\159])", function(byte)
        return ("\\x%02x"):format(byte:byte())
    end)
    local parts, at = {}, 1
    while at <= #text do
        local first = text:byte(at)
        local size = first < 0x80 and 1 or first >= 0xc2 and first < 0xe0 and 2 or first >= 0xe0 and first < 0xf0 and 3
            or first >= 0xf0 and first < 0xf5 and 4 or 0
        local piece = size > 0 and text:sub(at, at + size - 1) or nil
        if not piece or size > 1 and not piece:find("^.[\128-\191]+$") or #piece < size then
            parts[#parts + 1] = ("\\x%02x"):format(first)
            at = at + 1
        else
            parts[#parts + 1] = piece
            at = at + size
        end
    end
    return table.concat(parts)
end

-- Returns the number of characters of a UTF-8 text.
local function length(text)
    local _, continued = text:gsub("[\128-\191]", "")
    return #text - continued
end

-- Breaks a text into lines of a width. Longer words are not broken.
local function wrap(text, width)
    local lines, line = {}, nil
    for word in text:gmatch "%S+" do
        if line and length(line) + 1 + length(word) > width then
            lines[#lines + 1] = line
            line = word
        else
            line = line and line .. " " .. word or word
        end
    end
    lines[#lines + 1] = line
    return lines
end

--- Formats rows of {label, text} in two columns, the second of which is wrapped to the width. margin: spaces before
--- each line.
---@param rows table[]
---@param width integer?
---@param margin integer?
---@return string
function output.rows(rows, width, margin)
    local widest = 0
    for _, row in ipairs(rows) do
        widest = math.max(widest, length(row[1]))
    end
    local before, lines = (" "):rep(margin or 0), {}
    for _, row in ipairs(rows) do
        local label = row[1] .. (" "):rep(widest - length(row[1]) + 2)
        local room = math.max((width or 100) - #before - widest - 2, 20)
        local text = row[2]
        for _, line in ipairs(#text > 0 and wrap(text, room) or { "" }) do
            lines[#lines + 1] = (before .. label .. line):gsub("%s+$", "") .. "\n"
            label = (" "):rep(widest + 2)
        end
    end
    return table.concat(lines)
end

return output
