--- Draws a flame graph, an SVG, of a profile by perf. The width of a function is its share of the samples, its callers
--- are below it, and its colour is that of its library. The browser shows the share of the function under the mouse.

local process = require "lib.process"

local flame = {}

local WIDTH, ROW, TOP = 1200, 17, 60
local LEAST = 0.002 -- of all samples: narrower functions are omitted
local CHARACTER = 6.6 -- its width in pixels

-- The library of a function is the one of the first pattern that matches the object's name.
local KINDS = {
    { "kernel", "kernel", "#c8553d" },
    { "libc[.-]", "C library", "#b8a13a" },
    { "libcleat", "cleat, BoringSSL", "#0b6e4f" },
    { "native%.so", "native module", "#3fa37c" },
    { "raw_", "raw C, BoringSSL", "#0b6e4f" },
    { "lua", "Lua", "#4a7fb5" },
    { "", "other", "#8d8d8d" },
}

local function kind_of(object)
    for _, kind in ipairs(KINDS) do
        if object:find(kind[1]) then
            return kind
        end
    end
end

local function child_of(node, name, object)
    local child = node.children[name]
    if not child then
        child = { name = name, object = object, count = 0, children = {}, order = {} }
        node.children[name] = child
        node.order[#node.order + 1] = child
    end
    return child
end

-- read returns the tree of all samples of perf's output, whose stacks begin with the innermost function.
local function read(lines)
    local root = { name = "all", object = "", count = 0, children = {}, order = {} }
    local stack = {}
    local function finish()
        if #stack > 0 then
            local node = root
            root.count = root.count + 1
            for index = #stack, 1, -1 do
                node = child_of(node, stack[index][1], stack[index][2])
                node.count = node.count + 1
            end
            stack = {}
        end
    end
    for line in lines do
        local name, object = line:match "^%s+%x+ (.+) %((.-)%)$"
        if name then
            stack[#stack + 1] = { (name:gsub("%+0x%x+$", "")), object }
        elseif line == "" then
            finish()
        end
    end
    finish()
    return root
end

local function depth_of(node)
    local deepest = 0
    for _, child in ipairs(node.order) do
        deepest = math.max(deepest, depth_of(child))
    end
    return deepest + 1
end

local function escape(text)
    return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

--- draw returns the SVG of a tree.
local function draw(root, title)
    local height = TOP + (depth_of(root) + 1) * ROW + 10
    local parts = {}
    local function add(...)
        parts[#parts + 1] = string.format(...)
    end
    local function place(node, x, level)
        local width = node.count / root.count * WIDTH
        if node.count / root.count < LEAST then
            return
        end
        local y = height - 10 - level * ROW
        local colour = level == 1 and "#ddd" or kind_of(node.object)[3]
        add('<g><title>%s: %.1f %% (%s)</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>', escape(node.name),
            node.count / root.count * 100, escape(node.object:match "[^/]*$"), x, y, math.max(width - 0.5, 0.5), ROW - 1, colour)
        local room = math.floor((width - 4) / CHARACTER)
        if room >= 3 then
            local text = #node.name <= room and node.name or node.name:sub(1, room - 1) .. "…"
            add('<text x="%.1f" y="%d" fill="%s">%s</text>', x + 2, y + 12, level == 1 and "#000" or "#fff", escape(text))
        end
        add "</g>"
        table.sort(node.order, function(a, b)
            return a.name < b.name
        end)
        for _, child in ipairs(node.order) do
            place(child, x, level + 1)
            x = x + child.count / root.count * WIDTH
        end
    end
    add('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="monospace" font-size="11">', WIDTH, height)
    add('<rect width="%d" height="%d" fill="#fff"/>', WIDTH, height)
    add('<text x="4" y="18" font-size="15" font-family="sans-serif">%s: %d samples of CPU time</text>', escape(title), root.count)
    local x, seen = 4, {}
    for _, kind in ipairs(KINDS) do
        if not seen[kind[3]] then
            seen[kind[3]] = true
            add('<rect x="%.1f" y="28" width="11" height="11" fill="%s"/><text x="%.1f" y="38">%s</text>', x, kind[3], x + 15, kind[2])
            x = x + 30 + #kind[2] * CHARACTER
        end
    end
    place(root, 0, 1)
    add "</svg>"
    return table.concat(parts, "\n") .. "\n"
end

-- shares_of returns the share of samples in functions of each library themselves, the greatest first.
local function shares_of(root)
    local counts, names = {}, {}
    local function add(node)
        local inside = node.count
        for _, child in ipairs(node.order) do
            inside = inside - child.count
            add(child)
        end
        if inside > 0 then
            local name = kind_of(node.object)[2]
            if not counts[name] then
                counts[name] = 0
                names[#names + 1] = name
            end
            counts[name] = counts[name] + inside
        end
    end
    add(root)
    table.sort(names, function(a, b)
        return counts[a] > counts[b]
    end)
    local parts = {}
    for index, name in ipairs(names) do
        parts[index] = ("%s %.0f %%"):format(name, counts[name] / root.count * 100)
    end
    return table.concat(parts, ", ")
end

--- Returns the words before a program's command line that record it into a file.
---@return string[]
function flame.recorder(file)
    return { "perf", "record", "--quiet", "--freq", "4000", "--event", "cpu-clock", "--call-graph", "dwarf,16384", "--output", file, "--" }
end

--- Draws the recording in a file. Returns the SVG, and the share of the samples by library; or nil and a message.
---@return string?, string
function flame.draw(file, title)
    local pipe = assert(io.popen("perf script --input " .. process.quote(file) .. " 2>/dev/null"))
    local root = read(pipe:lines())
    pipe:close()
    if root.count == 0 then
        return nil, "perf has recorded nothing"
    end
    return draw(root, title), shares_of(root)
end

return flame
