--- The standard output and the standard error: errors of writing, colours, widths and tables.

local C = require "cleat.backend"
local characters = require "cleat.cli.characters"
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

local function escape(bytes)
    return (bytes:gsub(".", function(byte)
        return ("\\x%02x"):format(byte:byte())
    end))
end

--- Makes text from certificates and servers safe for a terminal. Control characters, which could control the terminal,
--- characters that change the direction of text, and bytes that are not UTF-8 become escapes.
---@param text string
---@return string
function output.safe(text)
    if text:find "[\128-\255]" then
        local parts, at = {}, 1
        while at <= #text do
            local size = characters.size(text, at)
            local piece = text:sub(at, at + (size or 1) - 1)
            parts[#parts + 1] = size and piece or escape(piece)
            at = at + #piece
        end
        text = table.concat(parts)
    end
    return characters.replace_unsafe(text, escape)
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
