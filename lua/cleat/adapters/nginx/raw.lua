--- The methods of nginx's own cosockets, by name. They are known once the first cosocket was made: nginx makes none
--- before it has a request or a timer.

---@type table<string, function>
local raw = {}

--- learn takes the methods from a cosocket.
---@param cosocket table
local function learn(cosocket)
    for name, method in pairs(getmetatable(cosocket).__index) do
        raw[name] = method
    end
end

return { methods = raw, learn = learn }
