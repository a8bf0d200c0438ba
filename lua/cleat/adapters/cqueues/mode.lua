--- The modes of cqueues' sockets: letters for the buffering ("n" none, "l" lines, "f" full), the conversion ("t" text,
--- "b" binary), flushing before reads ("a", "A") and pushback ("p", "P"), in any order. Other letters are ignored, as
--- in cqueues.
---
--- A mode is an immutable table that all sockets share: {buffer =, text =, autoflush =, pushback =}.

local mode = {}

local BUFFER = { n = "no", l = "line", f = "full" }
local LETTER = { no = "n", line = "l", full = "f" }

local made = {} -- all modes, by their four settings
local derived = {} -- the result of change, by its arguments

local function make(buffer, text, autoflush, pushback)
    local name = ("%s %s %s %s"):format(buffer, tostring(text), tostring(autoflush), tostring(pushback))
    if not made[name] then
        made[name] = { buffer = buffer, text = text, autoflush = autoflush, pushback = pushback }
        derived[made[name]] = {}
    end
    return made[name]
end

--- The initial mode of cqueues' sockets.
mode.INITIAL = make("line", true, true, true)

--- change returns a mode after the changes of letters.
---@param from table
---@param letters string?
---@return table
function mode.change(from, letters)
    if not letters or letters == "" then
        return from
    end
    local known = derived[from][letters]
    if known then
        return known
    end
    local buffer, text, autoflush, pushback = from.buffer, from.text, from.autoflush, from.pushback
    for letter in letters:gmatch "." do
        buffer = BUFFER[letter] or buffer
        if letter == "t" or letter == "b" then
            text = letter == "t"
        elseif letter == "a" or letter == "A" then
            autoflush = letter == "a"
        elseif letter == "p" or letter == "P" then
            pushback = letter == "p"
        end
    end
    known = make(buffer, text, autoflush, pushback)
    if #letters <= 5 then -- longer strings are unusual, and must not fill the memory
        derived[from][letters] = known
    end
    return known
end

--- with_buffer returns a mode with another buffering.
---@param from table
---@param buffer "no"|"line"|"full"
---@return table
function mode.with_buffer(from, buffer)
    return make(buffer, from.text, from.autoflush, from.pushback)
end

--- reading and writing return the letters of a mode, as cqueues' setmode() does.
function mode.reading(of)
    return (of.text and "t" or "b") .. "-" .. (of.pushback and "p" or "P")
end

function mode.writing(of)
    return (of.text and "t" or "b") .. LETTER[of.buffer] .. (of.autoflush and "a" or "A")
end

return mode
