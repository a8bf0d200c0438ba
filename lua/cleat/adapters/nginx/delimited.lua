--- receiveuntil of a cosocket with TLS. The sizes of the pieces depend on nginx's automaton, which is therefore
--- repeated here: bytes that may be the beginning of the pattern are withheld, and returned together.

local reader = require "cleat.adapters.nginx.record_reader"

local byte, find, sub = string.byte, string.find, string.sub
local more = reader.more

local delimited = {}

-- recover returns the length of the longest prefix of the pattern that the last bytes match, after `state` bytes of the
-- pattern and a byte that does not match.
local function recover(pattern, state, last)
    local seen = sub(pattern, 1, state) .. string.char(last)
    for length = state, 1, -1 do
        if sub(seen, -length) == sub(pattern, 1, length) then
            return length
        end
    end
end

---@class cleat.adapters.nginx.Matcher
---@field pattern string
---@field inclusive boolean
---@field state integer how many bytes of the pattern have matched
---@field done boolean whether a call with a size has reached the pattern

local function finish(matcher, s, data, at, state, parts)
    s.rest, s.at, matcher.state = data, at, state
    return table.concat(parts)
end

-- step consumes data, and returns the next position, the state, and whether the call has ended. left: how many more
-- bytes it may return.
local function step(matcher, data, at, state, parts, left)
    local pattern = matcher.pattern
    local emitted
    if state == 0 then
        local place = find(data, sub(pattern, 1, 1), at, true)
        local run = (place or #data + 1) - at
        if run >= left then
            parts[#parts + 1] = sub(data, at, at + left - 1)
            return at + left, 0, 0
        end
        parts[#parts + 1] = sub(data, at, at + run - 1)
        return place and place + 1 or #data + 1, place and 1 or 0, left - run
    end
    local last = byte(data, at)
    if last == byte(pattern, state + 1) then
        return at + 1, state + 1, left
    end
    local again = recover(pattern, state, last)
    if again then
        emitted = state + 1 - again
        at, state = at + 1, again
    else
        emitted, state = state, 0
    end
    parts[#parts + 1] = sub(pattern, 1, emitted)
    return at, state, math.max(0, left - emitted)
end

--- read returns the bytes before the pattern; about `size` of them at most, if `size` is not 0.
---@param o table the cosocket
---@param s table its state
---@param matcher cleat.adapters.nginx.Matcher
---@param size integer
---@return string?, string?, string?
function delimited.read(o, s, matcher, size)
    local parts, left, state = {}, size > 0 and size or math.huge, matcher.state
    local data, at = s.rest, s.at
    while true do
        while at <= #data do
            at, state, left = step(matcher, data, at, state, parts, left)
            if state == #matcher.pattern then
                matcher.done = size > 0
                if matcher.inclusive then
                    parts[#parts + 1] = matcher.pattern
                end
                return finish(matcher, s, data, at, 0, parts)
            elseif left == 0 then
                return finish(matcher, s, data, at, state, parts)
            end
        end
        s.rest, s.at = "", 1
        local next_data, err, refused = more(o, s, 1)
        if not next_data then
            matcher.state = state
            local bytes = table.concat(parts)
            if refused and bytes == "" then
                return nil, err
            end
            return nil, err, bytes
        end
        data, at = next_data, 1
    end
end

return delimited
