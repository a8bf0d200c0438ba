-- Jobs of peer.py: a peer with Python's ssl or plain TCP, as client or server, which does the steps that the spec
-- sends.
--
--   local job = peer.serve { tls = true, cert = ..., key = ..., "handshake", "echo" }
--   ... connect to 127.0.0.1, job.port ...
--   assert.are.same({ "handshake TLSv1.3 ...", "echo 5 end" }, job:finish())
local check_options = require "support.check_options"
local limits = require "support.limits"
local process = require "support.process"
local socket = require "cleat.socket"

local peer = {}

local Job = {}
Job.__index = Job

local control

local function control_port()
    if not control or control.process:poll() then
        local program = process.start { "/usr/bin/python3", "-I", process.root .. "/spec/support/peer.py",
            tostring(limits.bound(15)), timeout = 300 }
        control = { process = program, port = tonumber((program:wait_for("control (%d+)"))) }
    end
    return control.port
end

-- hex encodes data for the steps "send" and "raw", and as "recv" reports it.
function peer.hex(data)
    return (data:gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
    end))
end

local block = {}
for i = 0, 4087 do
    block[i + 1] = string.char((i * i * 3 + i * 7) % 251)
end
block = table.concat(block)

-- pattern returns the bytes that the steps "sendn" and "exchange" send.
function peer.pattern(count)
    local blocks = {}
    for i = 0, math.floor((count + 4095) / 4096) - 1 do
        blocks[#blocks + 1] = ("%08x"):format(i)
        blocks[#blocks + 1] = block
    end
    return table.concat(blocks):sub(1, count)
end

local TLS = "tls host port path verify min max ciphers cert key cafile alpn check_hostname resume hostname rcvbuf"
local NAMES = { client = TLS, server = TLS, proxy = "port up down piece then seconds" }

local function start(role, options)
    check_options("peer: a " .. role, options, NAMES[role])
    local lines = { "role " .. role }
    for name, value in pairs(options) do
        if type(name) == "string" then
            if value == true then
                value = "yes"
            end
            lines[#lines + 1] = name .. " " .. tostring(value)
        end
    end
    for _, step in ipairs(options) do -- peer.py checks the steps: a job with an unknown one ends with an error
        lines[#lines + 1] = "do " .. step
    end
    local self = setmetatable({ control = socket.socket(), buffer = "", lines = {} }, Job)
    self.control:settimeout(limits.bound(20))
    self.control:connect { "127.0.0.1", control_port() }
    self.control:sendall(table.concat(lines, "\n") .. "\n\n")
    return self
end

-- line returns the job's next line, or nil at its end.
function Job:line()
    while true do
        local line, rest = self.buffer:match("^(.-)\n(.*)$")
        if line then
            self.buffer = rest
            if line == "end" then
                self.ended = true
                return nil
            end
            return line
        end
        local data = self.control:recv(4096)
        if data == "" then
            self.ended = true
            return nil
        end
        self.buffer = self.buffer .. data
    end
end

-- finish waits for the end of the job, and returns its lines.
function Job:finish()
    while not self.ended do
        self.lines[#self.lines + 1] = self:line()
    end
    self.control:close()
    return self.lines
end

-- go ends the step "await" of a job.
function Job:go()
    self.control:sendall(".")
end

-- abandon ends a job whose lines are not needed.
function Job:abandon()
    self.control:close()
end

local function with_port(self)
    local line = self:line()
    self.port = tonumber((line or ""):match("^port (%d+)$"))
    if not self.port then
        error("the peer does not listen: " .. tostring(line), 3)
    end
    return self
end

-- serve starts a job that accepts one connection, on job.port (or at the socket `path`).
function peer.serve(options)
    return with_port(start("server", options))
end

-- connect starts a job that connects to a port.
function peer.connect(options)
    return start("client", options)
end

-- proxy starts a job that forwards one connection to a port, and cuts it: after up=N or down=N bytes, by "close",
-- "reset" or "stall"; piece=N bytes at a time.
function peer.proxy(options)
    options["then"] = options.cut or "close"
    options.cut = nil
    return with_port(start("proxy", options))
end

return peer
