--- Writes docs/reference.md: the comments of the headers, with links.

local text = require "generator.text"

local reference = {}

local functions -- name -> true, while a page is made

--- A name in the prose, as a link if the page or another has its description.
---@param name string
---@return string
local function code(name)
    if functions[name] then
        return ("[`%s`](#%s)"):format(name, name)
    end
    return "`" .. name .. "`"
end

--- Prose as Markdown: names with an underscore become code, and what Markdown would take for markup
--- is escaped.
---@param prose string
---@return string
local function markdown(prose)
    local parts, position = {}, 1
    while position <= #prose do
        -- A name, with the * that stands for the rest of it; file names and #defines included.
        local first, last = prose:find("[%a_][%w_]*_[%w_]*%*?[%w_]*", position)
        local star_first, star_last = prose:find("CLEAT_[%w_]*%*[%w_]*", position)
        if star_first and (not first or star_first <= first) then
            first, last = star_first, star_last
        end
        -- Parameters as C declares them, such as (char *out, int32_t out_cap).
        local pair_first, pair_last = prose:find("%(%l[%l ]*%*%l+, int32_t %l+_%l+%)", position)
        if pair_first and pair_first < first then
            first, last = pair_first, pair_last
        end
        local plain = prose:sub(position, (first or #prose + 1) - 1)
        parts[#parts + 1] = plain:gsub("[\\*<%[%]`]", { ["<"] = "&lt;", ["*"] = "\\*", ["["] = "\\[", ["]"] = "\\]",
            ["\\"] = "\\\\", ["`"] = "\\`" })
        if not first then
            break
        end
        parts[#parts + 1] = code(prose:sub(first, last))
        position = last + 1
    end
    return table.concat(parts)
end

--- A paragraph that opens with one to three words and a full stop has them as its title.
---@param prose string
---@return string
local function titled(prose)
    local result = {}
    for paragraph in (prose .. "\n\n"):gmatch("(.-)\n\n") do
        local title, rest = paragraph:match("^(%u%l+ ?%l* ?%l*)%. (.*)$")
        result[#result + 1] = title and ("**%s.** %s"):format(title, markdown(rest)) or markdown(paragraph)
    end
    return table.concat(result, "\n\n")
end

---@param header cleat.Header
---@return string
local function title(header)
    return "cleat/" .. header.name:match("[^/]+$")
end

---@param model cleat.Model
---@return string
function reference.page(model)
    functions = {}
    for _, f in ipairs(model.functions) do
        functions[f.name] = true
    end
    local out = text.writer()
    out(text.banner("<!--", "-->"))
    out ""
    out "# cleat's C ABI"
    out ""
    out "The conventions come first, then a section for each header. [ffi.md](ffi.md) explains how to call the functions from"
    out "other languages, with examples."
    out ""
    local listed = {} -- without base.h, which has nothing to call
    for _, header in ipairs(model.headers) do
        listed[#listed + 1] = #header.items > 0 and header or nil
    end
    for _, header in ipairs(listed) do
        local about = header.prose:match("^(.-)%.?\n") or header.prose:gsub("%.$", "")
        out(text.fill(("- [%s](#%s): %s"):format(title(header), title(header):gsub("[^%w_]", ""), markdown(about)), "  "))
    end
    out ""
    out "## Conventions"
    out ""
    out(text.fill(titled(model.conventions)))
    for _, header in ipairs(listed) do
        out ""
        out("## %s", title(header))
        out ""
        local first = header.prose:sub(1, 1):upper() .. header.prose:sub(2)
        out(text.fill(markdown(first)))
        for _, item in ipairs(header.items) do
            out ""
            if item.type == "function" then
                local declarations = #item.declarations > 0 and item.declarations or { "void" }
                out("### %s", item.name)
                out ""
                out "```c"
                out(text.wrap("int32_t " .. item.name .. "(", declarations, ");"))
                out "```"
                out ""
                out(text.fill(markdown(item.comment)))
                if item.since > 1 then
                    out ""
                    out("Since ABI %d.", item.since)
                end
            elseif item.type == "macro" then
                if item.comment then
                    out(text.fill(markdown(item.comment)))
                    out ""
                end
                out "```c"
                out(item.text)
                out "```"
            else
                out(text.fill(markdown(item.comment)))
                out ""
                local notes = false
                for _, constant in ipairs(item.constants) do
                    local since = constant.since and constant.since > 1 and ("since ABI %d"):format(constant.since)
                    constant.about = constant.note and since and constant.note .. "; " .. since or constant.note or since
                    notes = notes or constant.about
                end
                out(notes and "| constant | value | |" or "| constant | value |")
                out(notes and "| --- | --- | --- |" or "| --- | --- |")
                for _, constant in ipairs(item.constants) do
                    local row = ("| `%s` | %s |"):format(constant.name, constant.value)
                    if notes then
                        row = ("%s %s |"):format(row, markdown(constant.about or ""):gsub("|", "\\|"))
                    end
                    out(row)
                end
            end
        end
    end
    return tostring(out)
end

return reference
