-- exchange(sock, data) sends data and reads as much at the same time, on a socket that is non-blocking meanwhile;
-- returns what came.
-- With a smaller count only so much is read.
local tasks = require "support.tasks"

return function(sock, data, count)
    local timeout = sock:gettimeout()
    sock:settimeout(0)
    local _, got = tasks.run({
        function()
            tasks.send_all(sock, data, 65536)
        end,
        function()
            return tasks.receive(sock, count or #data)
        end,
    }, 60)
    sock:settimeout(timeout)
    return got
end
