-- check_options(f, options, names) raises if the table of options has a name that is not in the text, and lists the
-- names that are: with a misspelt option a spec would test the default instead. f is a function's name, for the
-- message. It returns the table.
local lists = {} -- by text

return function(f, options, names)
    local list = lists[names]
    if not list then
        list = {}
        for name in names:gmatch "%S+" do
            list[name] = true
        end
        lists[names] = list
    end
    for name in pairs(options) do
        if type(name) == "string" and not list[name] then
            error(("%s: no option %q; there are: %s"):format(f, name, names), 3)
        end
    end
    return options
end
