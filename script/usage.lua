--- Prints the first comment of the running script, after its "#!" line: what --help prints.
return function()
    for line in io.lines(arg[0]) do
        local text = line:match("^%-%-%s?(.*)$")
        if text then
            print(text)
        elseif not line:find("^#!") then
            return
        end
    end
end
