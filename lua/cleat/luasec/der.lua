--- Parses DER, for methods of LuaSec that return encoded parts of certificates.
---
--- The bytes come from a peer. For malformed data the functions return nil, and they never read outside of the given
--- element.

local der = {}

---@class cleat.luasec.Element
---@field tag integer the first byte
---@field start integer where the element begins
---@field from integer where its contents begin
---@field to integer where they end

local HIGH_TAG = 31
local LENGTH_BYTES = 4

--- Parses one element.
---@param bytes string
---@param at integer the position of the element
---@param last integer the last position that the element may use
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

--- Parses the elements in the contents of an element.
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

--- Returns the contents of an element.
---@param bytes string
---@param element cleat.luasec.Element
---@return string
function der.contents(bytes, element)
    return bytes:sub(element.from, element.to)
end

local DIGITS = 7 -- decimal digits per limb: a limb times 128 is exact in a double
local LIMB = 10 ^ DIGITS

-- to_decimal formats a number, whose lowest limb is the first, in decimal.
local function to_decimal(limbs)
    local parts = { ("%d"):format(limbs[#limbs]) }
    for index = #limbs - 1, 1, -1 do
        parts[#parts + 1] = ("%07d"):format(limbs[index])
    end
    return table.concat(parts)
end

-- append multiplies a number by 128 and adds a digit, in place.
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

local NUMBER_BYTES = 64 -- a UUID takes 19 bytes; the conversion takes quadratic time

--- Formats an object identifier in dotted decimals.
---@param contents string
---@return string? # nil if it is malformed, or if a number in it has more than 64 bytes
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
