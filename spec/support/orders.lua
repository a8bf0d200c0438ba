-- orders(list) iterates over all orders of its elements, each a new array (Heap's algorithm).
return function(list)
    return coroutine.wrap(function()
        local order = { (table.unpack or unpack)(list) }
        local function permute(count)
            if count <= 1 then
                coroutine.yield { (table.unpack or unpack)(order) }
                return
            end
            for index = 1, count do
                permute(count - 1)
                local other = count % 2 == 0 and index or 1
                order[other], order[count] = order[count], order[other]
            end
        end
        permute(#order)
    end)
end
