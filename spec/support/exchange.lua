-- exchange(sock, data, count) sends data and receives `count` bytes (by default as many as it sends) at the same time,
-- on a socket that is non-blocking meanwhile. It returns the received bytes.
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
