--- nginx's own cosockets: their methods by name, and where they store their timeouts. Both are read from the first
--- cosocket: nginx makes none before there is a request or a timer.

---@type table<string, function>
local methods = {}

local raw = { methods = methods }

-- slots are the indices at which a cosocket stores its timeouts for connect, send and read.
local slots

-- find_slots sets three timeouts of a cosocket, and searches for them. Afterwards they are 0, which is the default.
local function find_slots(cosocket)
    local found = {}
    methods.settimeouts(cosocket, 1000001, 1000002, 1000003)
    for index = 1, 16 do
        local value = rawget(cosocket, index)
        if type(value) == "number" and value > 1000000 and value < 1000004 then
            found[value - 1000000] = index
        end
    end
    methods.settimeouts(cosocket, 0, 0, 0)
    return found
end

--- learn reads the methods of a cosocket.
---@param cosocket table
function raw.learn(cosocket)
    if not slots then
        for name, method in pairs(getmetatable(cosocket).__index) do
            methods[name] = method
        end
        slots = find_slots(cosocket)
    end
end

--- timeouts returns a cosocket's timeouts for connect, send and read, in milliseconds; 0 for nginx's defaults.
---@return number, number, number
function raw.timeouts(cosocket)
    return rawget(cosocket, slots[1] or 0) or 0, rawget(cosocket, slots[2] or 0) or 0, rawget(cosocket, slots[3] or 0) or 0
end

return raw
