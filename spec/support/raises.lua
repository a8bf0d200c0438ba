-- raises(class, what, f, ...) calls f, which must raise an error of the class, and returns the error. class: a name
-- ("socket.error", "ValueError"), or a list of them; the error must be an instance of each. what: fields that the error
-- must have. what.match is a text that its message must contain; it is compared without regard to case, and a space
-- matches an underscore.
local errors = require "cleat.errors"

local function find(name)
    return errors[name:match("[^.]+$")] or error("no class " .. name, 3)
end

local function plain(text)
    return (text:lower():gsub("[ _]", " "))
end

local function describe(failure)
    if type(failure) ~= "table" and type(failure) ~= "userdata" then
        return ("%s (a %s)"):format(tostring(failure), type(failure))
    end
    local parts = { tostring(failure) }
    for _, name in ipairs { "errno", "library", "reason", "verify_code", "verify_message", "alert", "filename" } do
        local ok, value = pcall(function()
            return failure[name]
        end)
        if ok and value ~= nil then
            parts[#parts + 1] = name .. "=" .. tostring(value)
        end
    end
    return table.concat(parts, ", ")
end

local function check(failure, class, what, level)
    for _, name in ipairs(type(class) == "table" and class or { class }) do
        if not find(name):is(failure) then
            error(("expected %s, got: %s"):format(name, describe(failure)), level + 1)
        end
    end
    for name, want in pairs(what) do
        if name == "match" then
            if not plain(tostring(failure)):find(plain(want), 1, true) then
                error(("expected a message with %q, got: %s"):format(want, describe(failure)), level + 1)
            end
        elseif failure[name] ~= want then
            error(("expected %s=%s, got: %s"):format(name, tostring(want), describe(failure)), level + 1)
        end
    end
    return failure
end

local raises = {}

function raises.check(failure, class, what)
    if failure == nil then
        error("expected a failure, there was none", 2)
    end
    return check(failure, class, what or {}, 2)
end

return setmetatable(raises, {
    __call = function(_, class, what, f, ...)
        local ok, failure = pcall(f, ...)
        if ok then
            error(("expected %s, but it succeeded"):format(type(class) == "table" and class[1] or class), 2)
        end
        return check(failure, class, what, 2)
    end,
})
