--- The summary as an SVG: for each benchmark of the chart (all, if none of those was measured) a bar per peer, as long
--- as its ratio to raw C, which is the line at 1. Bars that would not fit are cut, and labelled with their length.

local WIDTH, LEFT, RIGHT, TOP = 900, 250, 70, 70
local BAR, GAP = 13, 14 -- height of a bar, space between groups
local LONGEST = 3 -- the ratio at the right end
local COLOURS = {
    cleat = "#0b6e4f", ["cleat-luajit"] = "#3fa37c", luasec = "#c8553d", cqueues = "#8d6cab", python = "#4a7fb5",
}

local function escape(text)
    return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

---@param summary table see lib.report
---@return string
return function(summary)
    local parts, scale = {}, (WIDTH - LEFT - RIGHT) / LONGEST
    local function add(...)
        parts[#parts + 1] = string.format(...)
    end
    local function label(x, y, anchor, text, more)
        add('<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>', x, y, anchor, more or "", escape(text))
    end

    local some = false
    for _, entry in ipairs(summary.benchmarks) do
        some = some or entry.chart
    end
    local y = TOP
    for _, entry in ipairs(summary.benchmarks) do
        local top = y
        for _, peer in ipairs((entry.chart or not some) and summary.peers or {}) do
            local measured = entry.peers[peer.name]
            if measured and measured.ratio and COLOURS[peer.name] then
                local length = math.min(measured.ratio, LONGEST) * scale
                local more = measured.ratio > LONGEST and " »" or ""
                add('<rect x="%d" y="%.1f" width="%.1f" height="%d" fill="%s"/>', LEFT, y, math.max(length, 1), BAR - 2,
                    COLOURS[peer.name])
                label(LEFT + length + 4, y + BAR - 4, "start", ("%.2f"):format(measured.ratio) .. more, ' class="number"')
                y = y + BAR
            end
        end
        if y > top then
            label(LEFT - 10, (top + y) / 2 + 3, "end", entry.title)
            y = y + GAP
        end
    end

    local body = table.concat(parts, "\n")
    parts = {}
    add('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">', WIDTH, y + 30)
    add '<style>.number{font-size:10px;fill:#444}</style>'
    add('<rect width="%d" height="%d" fill="#fff"/>', WIDTH, y + 30)
    add '<text x="10" y="22" font-size="15">CPU time and memory as a ratio to plain C over the same BoringSSL: shorter is better</text>'
    local x = LEFT
    for _, peer in ipairs(summary.peers) do
        if COLOURS[peer.name] then
            add('<rect x="%d" y="38" width="11" height="11" fill="%s"/>', x, COLOURS[peer.name])
            label(x + 16, 48, "start", peer.title)
            x = x + 30 + 7 * utf8.len(peer.title)
        end
    end
    for mark = 0, LONGEST do
        local at = LEFT + mark * scale
        add('<line x1="%.1f" y1="%d" x2="%.1f" y2="%.1f" stroke="%s"/>', at, TOP - 8, at, y, mark == 1 and "#000" or "#ddd")
        label(at, y + 16, "middle", mark == 1 and "raw C" or tostring(mark))
    end
    return table.concat(parts, "\n") .. "\n" .. body .. "\n</svg>\n"
end
