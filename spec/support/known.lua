-- known(f, given, names) raises if the table of options has a name that is not in the text, with the names that are:
-- a misspelt option would be a default that a spec does not mean. It returns the table.
local lists = {} -- by text

return function(f, given, names)
    local list = lists[names]
    if not list then
        list = {}
        for name in names:gmatch "%S+" do
            list[name] = true
        end
        lists[names] = list
    end
    for name in pairs(given) do
        if type(name) == "string" and not list[name] then
            error(("%s: no option %q; there are: %s"):format(f, name, names), 3)
        end
    end
    return given
end
