--- The parts of HTTP/1.1 that `cleat serve` needs: GET and HEAD of the files of a directory.

local compat = require "cleat.compat"
local errors = require "cleat.errors"
local loop = require "cleat.cli.loop"

local pcall = compat.pcall

local http = {}

local HEAD_LIMIT = 16384
local PIECE = 65536
local EISDIR = 21

local REASONS = {
    [200] = "OK", [301] = "Moved Permanently", [400] = "Bad Request", [404] = "Not Found", [405] = "Method Not Allowed",
    [431] = "Request Header Fields Too Large", [500] = "Internal Server Error", [505] = "HTTP Version Not Supported",
}

local TYPES = {
    html = "text/html; charset=utf-8", htm = "text/html; charset=utf-8", css = "text/css; charset=utf-8",
    js = "text/javascript; charset=utf-8", json = "application/json", txt = "text/plain; charset=utf-8",
    md = "text/plain; charset=utf-8", lua = "text/plain; charset=utf-8", xml = "application/xml", svg = "image/svg+xml",
    png = "image/png", jpg = "image/jpeg", jpeg = "image/jpeg", gif = "image/gif", ico = "image/x-icon", webp = "image/webp",
    pdf = "application/pdf", wasm = "application/wasm", pem = "application/x-pem-file", gz = "application/gzip",
    zip = "application/zip", woff2 = "font/woff2", mp4 = "video/mp4",
}

--- Returns the path of a request's target relative to the directory: "a/b", "" for the directory itself, with "/" at
--- the end for a directory. nil for targets that are not served: dotfiles, "..", and ambiguously encoded names.
---@param target string
---@return string?
function http.path(target)
    local raw = target:match "^/([^?#]*)"
    if not raw then
        return nil
    end
    local parts = {}
    for segment in raw:gmatch "[^/]+" do
        if segment:find "%%%X" or segment:find "%%%x?$" or segment:find "%%%x%X" then
            return nil
        end
        local decoded = segment:gsub("%%(%x%x)", function(digits)
            return string.char(tonumber(digits, 16))
        end)
        if decoded:sub(1, 1) == "." or decoded:find "[%z/]" then
            return nil
        end
        parts[#parts + 1] = decoded
    end
    return table.concat(parts, "/") .. (#parts > 0 and raw:find "/$" and "/" or "")
end

-- find opens the file of a path, and returns it and its name, or nil and the status: 301 for a directory without "/".
local function find(root, path)
    if path == "" or path:find "/$" then
        path = path .. "index.html"
    end
    local name = root .. "/" .. path
    local file = io.open(name, "rb")
    if not file then
        return nil, 404
    end
    local _, _, number = file:read(0)
    local size = file:seek "end"
    if number == EISDIR or not size or not file:seek("set", 0) or size > 2 ^ 53 then
        file:close()
        return nil, number == EISDIR and not path:find "/index%.html$" and 301 or 404
    end
    return file, size, TYPES[(path:match "%.(%w+)$" or ""):lower()] or "application/octet-stream"
end

local function send_head(conn, status, headers, close)
    local lines = { ("HTTP/1.1 %d %s"):format(status, REASONS[status]) }
    for _, header in ipairs(headers) do
        lines[#lines + 1] = header
    end
    lines[#lines + 1] = "Date: " .. os.date "!%a, %d %b %Y %H:%M:%S GMT"
    lines[#lines + 1] = "X-Content-Type-Options: nosniff"
    lines[#lines + 1] = "Connection: " .. (close and "close" or "keep-alive")
    conn:sendall(table.concat(lines, "\r\n") .. "\r\n\r\n")
end

local function send_text(conn, status, close, more)
    local text = REASONS[status] .. "\n"
    local headers = { "Content-Type: text/plain", "Content-Length: " .. #text, more }
    send_head(conn, status, headers, close)
    conn:sendall(text)
end

local function send_file(conn, file, size, kind, only_head, close)
    send_head(conn, 200, { "Content-Type: " .. kind, ("Content-Length: %.0f"):format(size) }, close)
    local left = only_head and 0 or size
    while left > 0 do
        local data = file:read(math.min(PIECE, left))
        if not data then
            return false -- the file has become shorter: the client detects the truncated body
        end
        conn:sendall(data)
        left = left - #data
    end
    return true
end

-- read_head returns the head of a request; nil at the end of the connection, and a status if it is not a request.
local function read_head(conn, buffer, seconds)
    local deadline, from = loop.now() + seconds, 1
    while true do
        local stop, last = buffer:find("\r?\n\r?\n", from)
        if (stop or #buffer) > HEAD_LIMIT then
            return nil, nil, 431
        elseif stop then
            return buffer:sub(1, stop - 1), buffer:sub(last + 1)
        end
        local left = deadline - loop.now()
        if left <= 0 then -- a client that keeps sending does not extend the deadline
            errors.throw(errors.timeout "timed out")
        end
        conn:settimeout(left)
        local data = conn:recv(4096)
        if data == "" then
            return nil
        end
        from = math.max(1, #buffer - 2) -- the empty line may have arrived in part
        buffer = buffer .. data
    end
end

-- respond answers a request. It returns the status, and whether the connection can be reused.
local function respond(conn, root, method, target, close)
    if method ~= "GET" and method ~= "HEAD" then
        send_text(conn, 405, true, "Allow: GET, HEAD")
        return 405, false
    end
    local path = http.path(target)
    local file, status, kind
    if path then
        file, status, kind = find(root, path)
    end
    if file then
        local ok, whole = pcall(send_file, conn, file, status, kind, method == "HEAD", close)
        file:close()
        if not ok then
            error(whole, 0)
        end
        return 200, whole and not close
    elseif status == 301 then
        -- "//host/" would redirect to another server
        send_text(conn, 301, close, "Location: /" .. target:match("^/+([^?#]*)") .. "/")
    else
        send_text(conn, 404, close)
    end
    return status or 404, not close
end

--- serve answers the requests of a connection until it ends. log(line) is called for each request.
---@param conn cleat.ssl.SSLSocket
---@param root string the directory
---@param seconds number the time limit for a request, and between two requests
---@param log fun(line: string)
function http.serve(conn, root, seconds, log)
    local rest, going = "", true
    while going do
        local head, more, status = read_head(conn, rest, seconds)
        if not head then
            if status then
                send_text(conn, status, true)
            end
            return
        end
        rest = more
        conn:settimeout(seconds)
        local method, target, version = head:match "^(%u+) (%S+) HTTP/(%d%.%d)\r?\n"
        if not method then
            method, target, version = head:match "^(%u+) (%S+) HTTP/(%d%.%d)$"
        end
        if not method or version:sub(1, 1) ~= "1" then
            status, going = method and 505 or 400, false
            send_text(conn, status, true)
        else
            local fields = head:lower()
            local close = version == "1.0" or fields:find "\nconnection: *close" ~= nil
                or fields:find "\ncontent%-length: *[1-9]" ~= nil or fields:find "\ntransfer%-encoding:" ~= nil
            status, going = respond(conn, root, method, target, close)
        end
        log(("%s %s %d"):format(method or "-", target or "-", status))
    end
end

return http
