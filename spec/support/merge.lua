-- merge(first, second) returns a new table with the fields of both; those of the second take precedence.
return function(first, second)
    local all = {}
    for name, value in pairs(first) do
        all[name] = value
    end
    for name, value in pairs(second or {}) do
        all[name] = value
    end
    return all
end
