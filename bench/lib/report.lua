--- The results in words: a line each while they come, the table at the end, and the same in Markdown.

local statistics = require "lib.statistics"

local report = {}

local function number(value)
    local size = math.abs(value)
    if size >= 1000 then
        return ("%d"):format(math.floor(value + 0.5))
    end
    return (size >= 100 and "%.0f" or size >= 10 and "%.1f" or size >= 1 and "%.2f" or "%.3f"):format(value)
end

-- length in characters: every cell is ASCII but for µ and ±.
local function pad(text, width, left)
    local space = (" "):rep(width - utf8.len(text))
    return left and text .. space or space .. text
end

local function values_of(result, name)
    local list = {}
    for _, value in pairs(result.values[name] or {}) do
        list[#list + 1] = value
    end
    return list
end

-- reference: the name of the benchmark whose raw numbers are compared with, in its own rounds if it is the same.
local function ratio_of(result, name)
    local raw = result.values.raw
    if name == "raw" or not raw or not result.values[name] then
        return nil
    end
    local ratios = statistics.ratios(result.values[name], raw)
    if #ratios == 0 then
        return nil
    end
    return statistics.median(ratios), statistics.spread(ratios)
end

-- The least of all rounds against raw C's least.
local function best_of(result, name)
    local values, raw = values_of(result, name), values_of(result, "raw")
    if name == "raw" or #values == 0 or #raw == 0 then
        return nil
    end
    return math.min(table.unpack(values)) / math.min(table.unpack(raw))
end

--- One benchmark in a line.
function report.line(result, peers)
    local parts = {}
    for _, peer in ipairs(peers) do
        local values = values_of(result, peer.name)
        if #values > 0 then
            local ratio = ratio_of(result, peer.name)
            parts[#parts + 1] = ("%s %s"):format(peer.title, ratio and ("%.2fx"):format(ratio) or
                number(statistics.median(values)) .. " " .. result.benchmark.unit)
        elseif result.failures[peer.name] then
            parts[#parts + 1] = peer.title .. " FAILED"
        end
    end
    return result.benchmark.title .. ": " .. table.concat(parts, ", ")
end

--- Everything that was measured, as it goes into the JSON file.
function report.summary(results, peers, about)
    local summary = { about = about, peers = {}, benchmarks = {} }
    for _, peer in ipairs(peers) do
        summary.peers[#summary.peers + 1] = { name = peer.name, title = peer.title }
    end
    for _, result in ipairs(results) do
        local entry = { name = result.benchmark.name, title = result.benchmark.title, unit = result.benchmark.unit, peers = {},
            growth = result.growth, chart = result.benchmark.chart, columns = result.benchmark.columns }
        for _, peer in ipairs(peers) do
            local values = values_of(result, peer.name)
            if #values > 0 then
                local ratio, spread = ratio_of(result, peer.name)
                entry.peers[peer.name] = {
                    median = statistics.median(values), spread = statistics.spread(values), values = values,
                    ratio = ratio, ratio_spread = spread, best_ratio = best_of(result, peer.name), allocated = result.allocated[peer.name],
                }
            elseif result.failures[peer.name] then
                entry.peers[peer.name] = { failure = result.failures[peer.name] }
            end
        end
        summary.benchmarks[#summary.benchmarks + 1] = entry
    end
    return summary
end

local function cell(entry, name)
    local peer = entry.peers[name]
    if not peer then
        return "–"
    elseif peer.failure then
        return "failed"
    elseif peer.ratio then
        return ("%.2fx ±%.0f%%"):format(peer.ratio, peer.ratio_spread * 100)
    end
    return ("%s %s ±%.0f%%"):format(number(peer.median), entry.unit, peer.spread * 100)
end

local function best_cell(entry, name)
    local peer = entry.peers[name]
    return peer and peer.best_ratio and ("%.2fx"):format(peer.best_ratio) or "–"
end

-- rows_of: all benchmarks but those of growth; those with a reference only for ratios.
local function rows_of(summary, title, cell_of)
    local rows = { { title } }
    for _, peer in ipairs(summary.peers) do
        table.insert(rows[1], peer.title)
    end
    for _, entry in ipairs(summary.benchmarks) do
        local row = { entry.title }
        for _, peer in ipairs(summary.peers) do
            row[#row + 1] = cell_of(entry, peer.name)
        end
        if not entry.growth and (cell_of == cell or entry.peers.raw) then
            rows[#rows + 1] = row
        end
    end
    return rows
end

-- growth_of: a table for each peer of a growth benchmark: its title, and rows.
local function growth_of(summary)
    local tables = {}
    for _, entry in ipairs(summary.benchmarks) do
        for _, peer in ipairs(summary.peers) do
            local grown = entry.growth and entry.growth[peer.name]
            local rows = { { entry.title, entry.columns and entry.columns[1] or "", entry.columns and entry.columns[2] or "" } }
            for _, step in ipairs(grown or {}) do
                rows[#rows + 1] = { ("%d"):format(step.number), ("%d"):format(step.bytes), number(step.microseconds) }
            end
            if grown then
                tables[#tables + 1] = { title = peer.title, rows = rows }
            end
        end
    end
    return tables
end

local function notes_of(summary)
    local notes = {}
    for _, entry in ipairs(summary.benchmarks) do
        for _, peer in ipairs(summary.peers) do
            local measured = entry.peers[peer.name]
            if measured and measured.failure then
                notes[#notes + 1] = ("%s, %s: %s"):format(peer.title, entry.name, measured.failure)
            elseif measured and measured.allocated then
                notes[#notes + 1] = ("%s: %g bytes are allocated for each WantRead"):format(peer.title, measured.allocated)
            end
        end
    end
    for title, why in pairs(summary.about.absent) do
        notes[#notes + 1] = ("%s was left out: %s"):format(title, why)
    end
    return notes
end

local function heading(summary)
    local m = summary.about.machine
    local format = "%s, %s cores, %s, %s. BoringSSL %s; %s; %s; LuaSec %s; cqueues %s with luaossl %s; Python %s. "
        .. "%spinned: %s."
    return format:format(m.processor, m.cores, m.flags, m.kernel, m.boringssl, m.lua, m.luajit, m.luasec, m.cqueues, m.luaossl, m.python,
        #rows_of(summary, "", cell) > 1 and ("%d rounds%s; "):format(summary.about.rounds, summary.about.quick and ", quick" or "") or "",
        m.pinned)
end

local function aligned(rows)
    local widths, lines = {}, {}
    for _, row in ipairs(rows) do
        for index, text in ipairs(row) do
            widths[index] = math.max(widths[index] or 0, utf8.len(text))
        end
    end
    for _, row in ipairs(rows) do
        local parts = {}
        for index, text in ipairs(row) do
            parts[index] = pad(text, widths[index], index == 1)
        end
        lines[#lines + 1] = table.concat(parts, "  ")
    end
    return table.concat(lines, "\n") .. "\n"
end

local function marked_down(rows)
    local lines = {}
    for index, row in ipairs(rows) do
        lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |"
        if index == 1 then
            lines[#lines + 1] = "| --- " .. ("| ---: "):rep(#row - 1) .. "|"
        end
    end
    return table.concat(lines, "\n") .. "\n"
end

local function page(summary, arranged, bullet)
    local parts = { heading(summary) .. "\n" }
    for _, rows in ipairs { rows_of(summary, "median of the rounds", cell), rows_of(summary, "least of the rounds", best_cell) } do
        if #rows > 1 then
            parts[#parts + 1] = arranged(rows)
        end
    end
    for _, grown in ipairs(growth_of(summary)) do
        parts[#parts + 1] = grown.title .. ":\n\n" .. arranged(grown.rows)
    end
    local notes = notes_of(summary)
    for index, note in ipairs(notes) do
        notes[index] = bullet .. note .. "\n"
    end
    parts[#parts + 1] = #notes > 0 and table.concat(notes) or nil
    return table.concat(parts, "\n")
end

--- The tables, for a terminal.
function report.table(summary)
    return page(summary, aligned, "")
end

-- wrapped breaks a paragraph into lines of a page.
local function wrapped(text)
    local lines, line = {}, ""
    for word in text:gmatch "%S+" do
        if utf8.len(line) + utf8.len(word) > 118 then
            lines[#lines + 1] = line
            line = word
        else
            line = line == "" and word or line .. " " .. word
        end
    end
    lines[#lines + 1] = line
    return table.concat(lines, "\n")
end

--- The same for a page, in Markdown.
function report.markdown(summary)
    local text = summary.about.date .. ". " .. page(summary, marked_down, "- ")
    local first, rest = text:match "^([^\n]*)(.*)$"
    return wrapped(first) .. rest
end

return report
