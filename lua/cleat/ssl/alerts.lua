--- The ALERT_DESCRIPTION_* that a callback may return: each number under itself.

local const = require("cleat.backend").const

local alerts = {}
for name, value in pairs(const) do
    if name:find("^ALERT_DESCRIPTION_") then
        alerts[value] = value
    end
end

return alerts
