--- Medians and spreads of repeated measurements.

local statistics = {}

local function sorted(values)
    local copy = table.move(values, 1, #values, 1, {})
    table.sort(copy)
    return copy
end

-- quantile of sorted values, between neighbours where it falls between them.
local function quantile(values, share)
    local place = 1 + (#values - 1) * share
    local low = math.floor(place)
    local high = math.min(low + 1, #values)
    return values[low] + (values[high] - values[low]) * (place - low)
end

---@param values number[] at least one
---@return number
function statistics.median(values)
    return quantile(sorted(values), 0.5)
end

--- Half the distance between the quartiles, as a share of the median: half of the values are about that close to it.
---@param values number[] at least one
---@return number
function statistics.spread(values)
    local list = sorted(values)
    local middle = quantile(list, 0.5)
    return middle == 0 and 0 or (quantile(list, 0.75) - quantile(list, 0.25)) / 2 / math.abs(middle)
end

--- The ratios of values measured in the same rounds; a round that lacks one of the two is left out.
---@param values table<integer, number>
---@param references table<integer, number>
---@return number[]
function statistics.ratios(values, references)
    local list = {}
    for round, value in pairs(values) do
        if references[round] and references[round] ~= 0 then
            list[#list + 1] = value / references[round]
        end
    end
    return list
end

return statistics
