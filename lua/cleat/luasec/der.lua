--- Reads DER: the elements of certificates, where LuaSec's methods return what is encoded and not what it means.
---
--- The bytes are those of a peer. A function returns nil for what is not well-formed, and reads nothing outside of the
--- element that it is given.

local der = {}

---@class cleat.luasec.Element
---@field tag integer the first byte
---@field start integer where the element begins
---@field from integer where its contents begin
---@field to integer where they end

local HIGH_TAG = 31
local LENGTH_BYTES = 4

--- Reads one element.
---@param bytes string
---@param at integer where it begins
---@param last integer where the bytes end that it may take
---@return cleat.luasec.Element?
function der.read(bytes, at, last)
    local tag, length = bytes:byte(at, at + 1)
    local from = at + 2
    if not length or from - 1 > last or tag % 32 == HIGH_TAG then
        return nil
    elseif length >= 128 then
        local count = length - 128
        if count == 0 or count > LENGTH_BYTES or from + count - 1 > last then
            return nil
        end
        length = 0
        for index = from, from + count - 1 do
            length = length * 256 + bytes:byte(index)
        end
        from = from + count
    end
    if from + length - 1 > last then
        return nil
    end
    return { tag = tag, start = at, from = from, to = from + length - 1 }
end

--- Reads the elements that the contents of one consist of.
---@param bytes string
---@param element cleat.luasec.Element?
---@return cleat.luasec.Element[]?
function der.children(bytes, element)
    local list = {}
    local at = element and element.from
    while element and at <= element.to do
        local child = der.read(bytes, at, element.to)
        if not child then
            return nil
        end
        list[#list + 1] = child
        at = child.to + 1
    end
    return element and list
end

--- The contents of an element.
---@param bytes string
---@param element cleat.luasec.Element
---@return string
function der.contents(bytes, element)
    return bytes:sub(element.from, element.to)
end

local DIGITS = 7 -- of a limb: with it, a limb times 128 is exact in a double
local LIMB = 10 ^ DIGITS

-- to_decimal: limbs, the lowest first, as a text.
local function to_decimal(limbs)
    local parts = { ("%d"):format(limbs[#limbs]) }
    for index = #limbs - 1, 1, -1 do
        parts[#parts + 1] = ("%07d"):format(limbs[index])
    end
    return table.concat(parts)
end

-- append: limbs * 128 + digit, in place.
local function append(limbs, digit)
    local carry = digit
    for index = 1, #limbs do
        local value = limbs[index] * 128 + carry
        carry = math.floor(value / LIMB)
        limbs[index] = value % LIMB
    end
    if carry > 0 then
        limbs[#limbs + 1] = carry
    end
end

local NUMBER_BYTES = 64 -- a UUID takes 19; the time to convert a number grows with the square of its length

--- An object identifier in dotted decimals.
---@param contents string
---@return string? # nil also for one with a number of more than 64 bytes
function der.oid(contents)
    local parts, limbs = {}, { 0 }
    local start = 1 -- of the number
    for index = 1, #contents do
        local byte = contents:byte(index)
        if index - start >= NUMBER_BYTES then
            return nil
        end
        append(limbs, byte % 128)
        if byte < 128 then
            start = index + 1
            if not parts[1] then
                local first = (#limbs > 1 or limbs[1] >= 80) and 2 or limbs[1] >= 40 and 1 or 0
                parts[1] = tostring(first)
                limbs[1] = limbs[1] - first * 40
                if limbs[1] < 0 then -- the first number has several limbs: borrow
                    limbs[1], limbs[2] = limbs[1] + LIMB, limbs[2] - 1
                    limbs[2] = #limbs == 2 and limbs[2] == 0 and nil or limbs[2]
                end
            end
            parts[#parts + 1] = to_decimal(limbs)
            limbs = { 0 }
        elseif index == #contents then
            return nil
        end
    end
    return parts[1] and table.concat(parts, ".") or nil
end

return der
