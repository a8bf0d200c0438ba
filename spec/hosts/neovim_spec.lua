-- Neovim: requests that do not block the editor, and the code of docs/neovim.md.
local optional = require "support.optional"
local page = require "support.page"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"

local NVIM = "/usr/bin/nvim"

-- The preamble of each piece of code: example.org is a server on this machine, and out() writes to standard output.
local BEFORE = process.count_lines .. [[

require("support.example_org") { ["example.org:443"] = %d }
function out(...)
    local words = {}
    for index = 1, select("#", ...) do
        words[index] = tostring((select(index, ...)))
    end
    io.stdout:write(table.concat(words, "\t") .. "\n")
    io.stdout:flush()
end
print = out
vim.notify = function(text, level)
    if level then
        out(text, "level " .. level)
    else
        out(text)
    end
end
neovim = require "cleat.adapters.neovim"
local run, tasks = neovim.run, {}
neovim.run = function(...)
    local task = run(...)
    tasks[#tasks + 1] = task
    return task
end
function tasks_forget()
    tasks = {}
end
function completed()
    for _, task in ipairs(tasks) do
        if task.status == "running" then
            return false
        end
    end
    return true
end
function finish()
    if not vim.wait(60000, completed, 1) then
        out "a task runs for a minute"
    end
end
]]

local missing = optional.file(NVIM, "neovim")
if missing then
    return pending("Neovim: " .. missing, function() end)
end

describe("Neovim", function()
    local server, port, cafile
    setup(function()
        local keyfile
        cafile, keyfile = page.certificate()
        server = process.start(process.lua {
            "spec/support/server.lua", "mode=http", "cert=" .. cafile, "key=" .. keyfile, timeout = 120,
        })
        port = tonumber((server:wait_for("listening on (%d+)")))
    end)
    teardown(process.cleanup)

    -- editor: the words that start Neovim with a piece of code.
    local function editor(code, last)
        local file = process.write_file(process.directory() .. "/init.lua", BEFORE:format(port) .. code .. (last or "finish()\n"))
        return {
            "env", "LUA_PATH=" .. process.root .. "/lua/?.lua;" .. process.root .. "/spec/?.lua;;", "SSL_CERT_FILE=" .. cafile,
            "SSL_CERT_DIR=/nowhere", "OTHER_CA=" .. pki.path "root.pem", "XDG_STATE_HOME=" .. process.directory(),
            NVIM, "--headless", "--clean", "-n", "-c", "luafile " .. file, "-c", "qa!", timeout = 90,
        }
    end

    local function run(code)
        local result = process.run(editor(code))
        return result.output, result.errors, result.status
    end

    for _, block in ipairs(page.blocks("docs/neovim.md", "lua")) do
        it(("runs the code from line %d of docs/neovim.md on"):format(block.line), function()
            local output, errors, status = run(block.code)
            assert.are.equal(page.expected_output(block.code), output)
            assert.are.equal("", errors)
            assert.are.equal(0, status)
        end)
    end

    it("runs timers while a request waits, and a cancelled request closes its connection", function()
        local silent = socket.socket()
        silent:bind { "127.0.0.1", 0 }
        silent:listen(1)
        silent:settimeout(60)
        local nvim = process.start(editor(([[
            local https = require "cleat.https"
            local ticks, timer = 0, vim.loop.new_timer()
            timer:start(0, 1, function()
                ticks = ticks + 1
            end)
            local task = neovim.run(function()
                local ok, err = pcall(https.request, "https://127.0.0.1:%d/")
                out(ok, err)
                error(err, 0)
            end)
            out(vim.wait(60000, function() return ticks >= 20 end, 1), task.status)
            out(task:cancel(), task.status)
            finish()
            timer:close()
            out(task.status, task:cancel())
        ]]):format(silent:getsockname()[2])))
        local conn = silent:accept()
        conn:settimeout(60)
        local bytes = 0
        repeat
            local data = conn:recv(65536) -- the ClientHello, then the end of the stream
            bytes = bytes + #data
        until data == ""
        assert.is_true(bytes > 100)
        assert.are.equal(0, nvim:wait(60))
        assert.are.equal("true\trunning\ntrue\trunning\nfalse\tthe task was cancelled\ncancelled\tfalse\n", nvim:output())
        assert.are.equal("", nvim:errors())
        conn:close()
        silent:close()
    end)

    it("shows the error of a failed task, and no message of luv", function()
        local refusing = process.refusing_port()
        local output, errors = run(([[
            local https = require "cleat.https"
            neovim.run(function()
                assert(https.request { url = "https://example.org/", cafile = vim.env.OTHER_CA })
            end)
            neovim.run(function()
                local ok, err = https.request "https://127.0.0.1:%d/"
                error(err, 0)
            end)
            local task = neovim.run(error, { field = 5 })
            finish()
            vim.wait(60000, function() return false end, 1) -- runs scheduled functions
            out(task.status, task.error.field)
            out(pcall(neovim.run, 5))
            out(pcall(neovim.await, print))
        ]]):format(refusing):gsub("60000, function%(%) return false", "20, function() return false"))
        local lines = {}
        for line in output:gmatch "[^\n]+" do
            lines[#lines + 1] = line:gsub("table: 0x%x+", "table"):gsub(" %([%w_]+%.cc:%d+%)", "")
        end
        table.sort(lines)
        assert.are.same({
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate\tlevel 4",
            "connection refused\tlevel 4", "failed\t5",
            "false\tawait() works only in a function that run() runs", "false\trun() argument 'f' must be a function, not 5",
            "table\tlevel 4",
        }, lines)
        assert.are.equal("", errors)
    end)

    it("collects ended tasks, which may wait for luv's handles, yield, and cancel themselves", function()
        local output, errors = run(([[
            local ssl = require "cleat.ssl"
            local own = vim.loop.new_tcp()
            neovim.run(function()
                local stream = ssl.create_default_context():wrap_socket(own, { server_hostname = "example.org" })
                stream:connect { "127.0.0.1", %d }
                stream:sendall "GET /5 HTTP/1.0\r\n\r\n"
                vim.cmd "let g:all = 1" -- an error in callbacks of the loop
                out(vim.g.all, stream:recv(15))
                stream:close()
            end)
            finish()
            local first = neovim.run(function()
                out(neovim.await(function(done)
                    done("at once", nil, 3)
                end))
                local thread = coroutine.running()
                vim.defer_fn(function() coroutine.resume(thread, "own") end, 1)
                out(coroutine.yield())
                neovim.await(function(done) vim.defer_fn(done, 1) end)
                vim.cmd "let g:all = 2"
            end)
            finish()
            out(first.status, vim.g.all)
            local itself
            itself = neovim.run(function()
                neovim.await(vim.schedule)
                out(itself:cancel())
                out(pcall(neovim.await, vim.schedule))
                neovim.await(vim.schedule)
            end)
            finish()
            out(itself.status)
            local weak = setmetatable({ neovim.run(neovim.await, vim.schedule) }, { __mode = "v" })
            vim.wait(60000, function() return weak[1].status == "done" end, 1)
            itself = nil
            tasks_forget()
            collectgarbage()
            collectgarbage()
            out(weak[1])
        ]]):format(port))
        assert.are.equal("1\tHTTP/1.1 200 OK\nat once\tnil\t3\nown\ndone\t2\ntrue\nfalse\tthe task was cancelled\n" ..
            "cancelled\nnil\n", output)
        assert.are.equal("", errors)
    end)

    it("blocks outside of tasks, refuses to wait in callbacks of the loop, and may exit while tasks run", function()
        local silent = socket.socket()
        silent:bind { "127.0.0.1", 0 }
        silent:listen(1)
        local result = process.run(editor(([[
            local https, socket = require "cleat.https", require "cleat.socket"
            out(https.request("https://example.org/10"))
            socket.setdefaultwaiter(require("cleat.adapters.luv").waiter)
            out((https.request("https://example.org/10")))
            local over
            vim.loop.new_timer():start(0, 0, function()
                over = { https.request("https://example.org/10") }
            end)
            vim.wait(60000, function() return over end, 1)
            out(over[1], over[2])
            -- in a callback of the loop run() starts the task with vim.schedule
            vim.loop.new_timer():start(0, 0, function()
                neovim.run(function()
                    vim.cmd "let g:done = 1"
                    out((https.request("https://example.org/20")))
                end)
            end)
            vim.wait(60000, function() return vim.g.done end, 1)
            finish()
            neovim.run(https.request, "https://127.0.0.1:%d/")
        ]]):format(silent:getsockname()[2]), "\n"))
        local first, rest = result.output:match "^(%S+\t200)\ttable: [^\n]*\n(.*)$"
        assert.are.equal("0123456789\t200", first)
        assert.are.equal("0123456789\nnil\ta callback of luv's loop cannot wait: call this in a coroutine\n" ..
            "0123456789abcdef0123\n", rest)
        assert.are.equal("", result.errors)
        assert.are.equal(0, result.status)
        silent:close()
    end)
end)
