-- Several ends of connections in one thread. Each task is a function that lets the others run while its non-blocking
-- socket would block.
local limits = require "support.limits"
local process = require "support.process"
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local unpack = table.unpack or unpack

local tasks = {}

-- call calls object:name(...) on a non-blocking socket, and repeats it each time that it would have blocked.
function tasks.call(object, name, ...)
    while true do
        local results = { pcall(object[name], object, ...) }
        if results[1] then
            return unpack(results, 2)
        end
        local failure = results[2]
        if ssl.SSLWantReadError:is(failure) then
            coroutine.yield(object, "read")
        elseif ssl.SSLWantWriteError:is(failure) then
            coroutine.yield(object, "write")
        elseif socket.error:is(failure) and (failure.errno == 11 or failure.errno == 115) then
            coroutine.yield(object, (name == "send" or name == "connect") and "write" or "read")
        else
            error(failure, 0)
        end
    end
end

-- send_all sends all of data, at most `piece` bytes (65536) in a call.
function tasks.send_all(object, data, piece)
    local position = 1
    while position <= #data do
        position = position + tasks.call(object, "send", data:sub(position, position + (piece or 65536) - 1))
    end
end

-- receive returns exactly `count` bytes, or fewer at the end of the stream.
function tasks.receive(object, count, piece)
    local parts, got = {}, 0
    while got < count do
        local data = tasks.call(object, "recv", math.min(piece or 65536, count - got))
        if data == "" then
            break
        end
        parts[#parts + 1] = data
        got = got + #data
    end
    return table.concat(parts)
end

-- run runs the functions until all have ended, and returns the first result of each. Then it raises the failure of any;
-- tasks.outcomes returns the failures instead.
local function run(functions, deadline)
    local finish = process.clock() + limits.bound(deadline or 10)
    local threads, results, failures, waits = {}, {}, {}, {}
    local alive = #functions
    for i, body in ipairs(functions) do
        threads[i] = coroutine.create(body)
    end
    while alive > 0 do
        local progress = false
        local readers, writers = {}, {}
        for i, thread in ipairs(threads) do
            if coroutine.status(thread) ~= "dead" then
                local ok, first, second = coroutine.resume(thread)
                if coroutine.status(thread) == "dead" then
                    alive = alive - 1
                    progress = true
                    if ok then
                        results[i] = first
                    else
                        failures[i] = first
                    end
                else
                    local was = waits[i]
                    waits[i] = second
                    progress = progress or was ~= second
                    table.insert(second == "write" and writers or readers, first)
                end
            end
        end
        if not progress and alive > 0 then
            local readable, writable = select.select(readers, writers, {}, 1)
            if #readable + #writable == 0 and process.clock() > finish or process.clock() > finish + limits.bound(20) then
                local places = {}
                for _, thread in ipairs(threads) do
                    places[#places + 1] = debug.traceback(thread)
                end
                error("the tasks do not end:\n" .. table.concat(places, "\n"), 3)
            end
        end
    end
    return results, failures
end

function tasks.run(functions, deadline)
    local results, failures = run(functions, deadline)
    for i = 1, #functions do
        if failures[i] ~= nil then
            error(failures[i], 0)
        end
    end
    return unpack(results, 1, #functions)
end

-- outcomes returns the results and the failures, each by the number of the task.
function tasks.outcomes(functions, deadline)
    return run(functions, deadline)
end

return tasks
