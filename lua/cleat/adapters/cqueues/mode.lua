--- The modes of cqueues' sockets: letters for buffering ("n" none, "l" lines, "f" full), conversion ("t" text, "b"
--- binary), flushing before reads ("a", "A") and pushback ("p", "P"), in any order. Other letters are ignored, as
--- cqueues does.
---
--- A mode is a table that all sockets share: {buffer =, text =, autoflush =, pushback =}.

local mode = {}

local BUFFER = { n = "no", l = "line", f = "full" }
local LETTER = { no = "n", line = "l", full = "f" }

local made = {} -- every mode, by its four settings
local derived = {} -- modes by the mode that they begin with and the letters

local function make(buffer, text, autoflush, pushback)
    local name = ("%s %s %s %s"):format(buffer, tostring(text), tostring(autoflush), tostring(pushback))
    if not made[name] then
        made[name] = { buffer = buffer, text = text, autoflush = autoflush, pushback = pushback }
        derived[made[name]] = {}
    end
    return made[name]
end

--- What a socket of cqueues begins with.
mode.INITIAL = make("line", true, true, true)

--- change returns the mode that letters make of another one.
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
    if #letters <= 5 then -- longer ones are not written by hand, and must not fill the memory
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

--- reading and writing return the letters of a mode, as setmode() of cqueues returns them.
function mode.reading(of)
    return (of.text and "t" or "b") .. "-" .. (of.pushback and "p" or "P")
end

function mode.writing(of)
    return (of.text and "t" or "b") .. LETTER[of.buffer] .. (of.autoflush and "a" or "A")
end

return mode
