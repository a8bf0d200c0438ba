-- The event loops in which the tests of support.adapter_tests run. Each is a runtime, with these fields:
--   name
--   start(body)         starts a coroutine; returns a task {done, ok, results}
--   run(body, seconds)  the same, and runs the loop until all tasks have ended
--   pause(seconds)      in a coroutine: lets the others run
--   waiter              for sockets of cleat
--   adopt(plain)        moves the connection of a cleat socket to an object of the loop, and returns the object; nil
--                       if cleat's sockets are tested
--   close_object(object)
--                       closes such an object without cleat's wrapper
--   kill(task)          ends a waiting coroutine; nil if the loop does not allow it
--   stream              whether TLS is done in memory: no descriptor, no timeout of 0
local compat = require "cleat.compat"
local optional = require "support.optional"
local process = require "support.process"
local scheduler = require "support.scheduler"
local adapters = require "support.adapters"
local Runtime = require "support.runtime"
local socket = require "cleat.socket"

local runtimes = {}

local function luv(fields)
    local uv = require "luv"
    fields.waiter = require("cleat.adapters.luv").waiter
    fields.step = function()
        local timer = uv.new_timer()
        timer:start(5, 0, function() end)
        uv.run "once"
        timer:close()
        uv.run "nowait"
    end
    fields.launch = function(_, task)
        task.thread = coroutine.create(task.main)
        assert(coroutine.resume(task.thread))
    end
    fields.pause = function(_, seconds)
        local thread = compat.running()
        local timer = uv.new_timer()
        timer:start(math.ceil(seconds * 1000), 0, function()
            timer:close()
            assert(coroutine.resume(thread))
        end)
        coroutine.yield()
    end
    fields.kill = coroutine.close and function(_, task)
        coroutine.close(task.thread)
        task.ok, task.results, task.done = true, {}, true
    end or nil
    return Runtime:new(fields)
end

function runtimes.luv_waiter()
    return luv { name = "luv, the waiter" }
end

function runtimes.luv_handle()
    local uv = require "luv"
    return luv { name = "luv, its handles", stream = true, fresh = function()
        return uv.new_tcp()
    end, adopt = function(_, plain)
        local handle = uv.new_tcp()
        assert(handle:open(plain:detach()))
        return handle
    end, close_object = function(_, handle)
        handle:close()
    end }
end

local function cqueues(fields)
    local host = require "cqueues"
    local loop = host.new()
    fields.waiter = require("cleat.adapters.cqueues").waiter
    fields.step = function()
        assert(loop:step(0.005))
    end
    fields.launch = function(_, task)
        loop:wrap(function()
            task.thread = compat.running()
            task.main()
        end)
    end
    fields.pause = function(_, seconds)
        host.sleep(seconds)
    end
    return Runtime:new(fields)
end

function runtimes.cqueues_waiter()
    return cqueues { name = "cqueues, the waiter" }
end

function runtimes.cqueues_socket()
    return cqueues { name = "cqueues, its sockets", adopt = function(_, plain)
        return require("cqueues.socket").fdopen(plain:detach())
    end, close_object = function(_, sock)
        sock:close()
    end }
end

-- luasocket moves the connection of a cleat socket to a new LuaSocket object, and returns it.
local function luasocket(plain)
    local other = socket.socket()
    other:bind { "127.0.0.1", 0 }
    other:listen(1)
    local object = assert(require("socket").connect("127.0.0.1", other:getsockname()[2]))
    other:close()
    socket.socket { fileno = object:getfd() }:close()
    object:setfd(plain:detach())
    object:settimeout(nil)
    return object
end

local idle, other = socket.socketpair()

local function copas(fields)
    local host = adapters.copas()
    host.autoclose = false
    fields.waiter = require("cleat.adapters.copas").waiter
    fields.step = function()
        host.step(0.005)
    end
    fields.launch = function(_, task)
        host.addthread(function()
            task.thread = compat.running()
            task.main()
        end)
    end
    fields.other = other
    fields.pause = function(self, seconds)
        self.waiter(idle, "read", seconds)
    end
    return Runtime:new(fields)
end

function runtimes.copas_waiter()
    return copas { name = "copas, the waiter" }
end

function runtimes.copas_socket()
    return copas { name = "copas, its sockets", adopt = function(_, plain)
        return adapters.copas().wrap(luasocket(plain))
    end, close_object = function(_, wrapped)
        wrapped.socket:close()
    end }
end

function runtimes.luasocket()
    local loop = scheduler.new()
    local fields = { name = "LuaSocket, with a waiter", waiter = loop.waiter, sets_waiter = true }
    function fields.step()
        loop:turn(0.005)
    end
    function fields.launch(_, task)
        local thread = loop:start(task.main)
        task.thread, task.entry = thread.co, thread
    end
    function fields.pause(_, seconds)
        coroutine.yield(process.clock() + seconds)
    end
    function fields.adopt(_, plain)
        local object = luasocket(plain)
        return object
    end
    function fields.close_object(_, object)
        object:close()
    end
    fields.kill = coroutine.close and function(_, task)
        coroutine.close(task.thread)
        task.entry.done, task.entry.fd, task.entry.deadline = true, nil, nil
        task.ok, task.results, task.done = true, {}, true
    end or nil
    return Runtime:new(fields)
end

-- fresh returns an unconnected socket with the runtime's waiter.
local function fresh(runtime)
    local sock = socket.socket()
    sock:setwaiter(runtime.waiter)
    return sock
end

for _, name in ipairs { "luv_waiter", "cqueues_waiter", "copas_waiter" } do
    local make = runtimes[name]
    runtimes[name] = function()
        local runtime = make()
        runtime.fresh = fresh
        return runtime
    end
end

-- missing returns nil, or the reason why a runtime cannot be made.
function runtimes.missing(name)
    local module = name:match "^%l+"
    return optional.code(("require '%s'"):format(module))
end

runtimes.names = { "luv_waiter", "luv_handle", "cqueues_waiter", "cqueues_socket", "copas_waiter", "copas_socket", "luasocket" }

return runtimes
