--- Waits for descriptors. luv allows one poll handle per descriptor, so all coroutines that wait for the same
--- descriptor share a handle.

local compat = require "cleat.compat"
local errors = require "cleat.errors"
local wait = require "cleat.adapters.luv.wait"
local watch = require "cleat.socket.watch"

local pcall = compat.pcall

local poll = {}

---@class cleat.adapters.luv.Entry
---@field uv table
---@field handle any luv's poll handle
---@field mask string the events it polls for, "" if none
---@field waits table<cleat.adapters.luv.Wait, string> "r" or "w"
---@field fd integer
local entries = {} -- by descriptor

-- The waits of each socket, for wake().
local waiting = { read = setmetatable({}, { __mode = "k" }), write = setmetatable({}, { __mode = "k" }) }

local function mask_of(entry)
    local r, w = "", ""
    for _, event in pairs(entry.waits) do
        if event == "r" then
            r = "r"
        else
            w = "w"
        end
    end
    return r .. w
end

local ready -- the callback

-- update makes the handle poll for the events that coroutines wait for, and closes the handle if there are none.
local function update(entry)
    local mask = mask_of(entry)
    if mask == "" then
        if entries[entry.fd] == entry then
            entries[entry.fd] = nil
        end
        if not entry.handle:is_closing() then
            entry.handle:stop()
            wait.close(entry.uv, entry.handle)
        end
    elseif mask ~= entry.mask then
        entry.mask = mask
        local ok, message = entry.handle:start(mask, entry.callback)
        if not ok then
            errors.raise(errors.error, "luv cannot poll the descriptor: " .. tostring(message))
        end
    end
end

function ready(entry, failed, events)
    local finished = {}
    for each, event in pairs(entry.waits) do
        -- A descriptor with an error is ready for every event: the calls that wait then get the error.
        if failed or events:find(event, 1, true) then
            finished[#finished + 1] = each
        end
    end
    for _, each in ipairs(finished) do
        entry.waits[each] = nil
    end
    if failed then
        entry.mask = "" -- luv has stopped the handle
    end
    update(entry)
    for _, each in ipairs(finished) do
        each:finish(true)
    end
end

-- entry_of returns the entry of a descriptor; nil if the program has its own poll handle for it.
local function entry_of(uv, fd)
    local entry = entries[fd]
    if entry then
        return entry
    end
    local handle, message, name = uv.new_poll(fd)
    if not handle then
        if name == "EEXIST" then
            return nil
        end
        errors.raise(errors.error, "luv cannot poll the descriptor: " .. tostring(message))
    end
    entry = { uv = uv, handle = handle, mask = "", waits = {}, fd = fd }
    function entry.callback(failed, events)
        ready(entry, failed, events)
    end
    entries[fd] = entry
    return entry
end

local function wait_for(uv, entry, sock, event, timeout)
    local current = wait.new(uv, function(self)
        if waiting[event][sock] == self then
            waiting[event][sock] = nil
        end
        if entry.waits[self] then
            entry.waits[self] = nil
            update(entry)
        end
    end)
    entry.waits[current] = entry.watch and "r" or event == "read" and "r" or "w"
    waiting[event][sock] = current
    local ok, failure = pcall(update, entry)
    if not ok then
        entry.waits[current] = nil
        error(failure, 0)
    end
    return current:wait(timeout)
end

--- wait waits until a socket is ready, and returns nil after a timeout.
function poll.wait(uv, sock, event, timeout)
    local fd = sock:fileno()
    local entry = not wait.editor_of(uv) and entry_of(uv, fd)
    if entry then
        return wait_for(uv, entry, sock, event, timeout)
    end
    -- The program has its own poll handle for this descriptor. Or this is Neovim, where luv prints the error of a
    -- descriptor (a refused connection) onto the screen. A watch has another descriptor, and no errors.
    local other = watch.new(fd, event)
    local ok, answer = pcall(function()
        entry = entry_of(uv, other:fileno())
        entry.watch = other
        return wait_for(uv, entry, sock, event, timeout)
    end)
    other:close()
    return ok and answer or not ok and error(answer, 0) or nil
end

--- wake ends the wait for a socket.
function poll.wake(sock, event)
    local current = waiting[event][sock]
    if current then
        current:cleanup()
        current.cleanup = nil
        current:defer(true)
    end
end

return poll
