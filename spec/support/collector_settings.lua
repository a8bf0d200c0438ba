-- collector_settings(pause, step) sets the collector's pause and step multiplier, and returns the previous ones. Lua
-- 5.5 has other names for them.
return function(pause, step)
    if _VERSION == "Lua 5.5" then
        return collectgarbage("param", "pause", pause), collectgarbage("param", "stepmul", step)
    end
    return collectgarbage("setpause", pause), collectgarbage("setstepmul", step)
end
