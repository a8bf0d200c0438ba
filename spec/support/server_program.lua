-- What servers that are separate programs share: arguments of the form name=value, lines on standard output, and the
-- loop that accepts connections.
local socket = require "cleat.socket"

local program = {}

-- options returns the arguments by name; those of a repeatable name are lists.
function program.options(repeatable)
    local options = {}
    for _, word in ipairs(arg) do
        local name, value = word:match "^([%w_]+)=(.*)$"
        if name == repeatable then
            options[name] = options[name] or {}
            table.insert(options[name], value)
        else
            options[name] = value
        end
    end
    return options
end

function program.print(...)
    print(...)
    io.stdout:flush()
end

-- serve prints the port, and calls answer with one connection after the other.
function program.serve(answer)
    local listener = socket.socket()
    listener:bind { "127.0.0.1", 0 }
    listener:listen(64)
    program.print(("listening on %d"):format(listener:getsockname()[2]))
    while true do
        local plain = listener:accept()
        plain:settimeout(300)
        answer(plain)
    end
end

return program
