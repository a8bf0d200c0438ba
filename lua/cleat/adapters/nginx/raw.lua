--- nginx's own cosockets: their methods by name, and where they keep their timeouts. Both are known once the first
--- cosocket was made: nginx makes none before it has a request or a timer.

---@type table<string, function>
local methods = {}

local raw = { methods = methods }

-- slots: the indices at which a cosocket has its timeouts for connect, send and read.
local slots

-- find_slots gives a cosocket three timeouts, and looks where they are. They are 0 afterwards, which is the default.
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

--- learn takes the methods from a cosocket.
---@param cosocket table
function raw.learn(cosocket)
    if not slots then
        for name, method in pairs(getmetatable(cosocket).__index) do
            methods[name] = method
        end
        slots = find_slots(cosocket)
    end
end

--- timeouts returns a cosocket's timeouts for connect, send and read, in milliseconds; 0 for nginx's own.
---@return number, number, number
function raw.timeouts(cosocket)
    return rawget(cosocket, slots[1] or 0) or 0, rawget(cosocket, slots[2] or 0) or 0, rawget(cosocket, slots[3] or 0) or 0
end

return raw
