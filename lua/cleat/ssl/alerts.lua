--- The set of ALERT_DESCRIPTION_* that a callback may return: each number is its own key and value.

local const = require("cleat.backend").const

local alerts = {}
for name, value in pairs(const) do
    if name:find("^ALERT_DESCRIPTION_") then
        alerts[value] = value
    end
end

return alerts
