--- A drawing of layers as SVG, from a text: docs/architecture.drawing explains the form.

local drawing = {}

local WIDTH, LEFT, BOXES, GAP = 1120, 96, 600, 8 -- of the drawing, of the layers' names, of the boxes, between boxes
local ROW, TOP = 58, 44 -- height of a row with the space below it, of the heading
local STEPS = LEFT + BOXES + 28 -- where the steps begin

-- Light colours, and dark ones if the browser prefers them.
local STYLE = [[
<style>
text { font-family: system-ui, "DejaVu Sans", Arial, sans-serif; font-size: 13px; fill: #1f2933; }
.title { font-weight: 600; }
.small { font-size: 12px; fill: #52606d; }
.page { fill: #ffffff; }
.box { fill: #e8f1fa; stroke: #7b9cc0; }
.line { stroke: #7b9cc0; fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #e4e7eb; }
.small { fill: #a9b4c0; }
.page { fill: #14191f; }
.box { fill: #1d2d3f; stroke: #4f7197; }
.line { stroke: #4f7197; }
}
</style>
]]

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

---@param list string[]
---@param format string
local function add(list, format, ...)
    list[#list + 1] = format:format(...)
end

---@param list string[]
---@param class string
---@param words string
---@param anchor string?
local function text(list, x, y, class, words, anchor)
    add(list, '<text x="%g" y="%g"%s%s>%s</text>\n', x, y, class ~= "" and (' class="%s"'):format(class) or "",
        anchor and (' text-anchor="%s"'):format(anchor) or "", (words:gsub("[&<>]", ENTITIES)))
end

---@param source string
---@return {layers: table[], heading: string[]}
local function read(source, root)
    local layers, heading, number = {}, {}, 0
    for line in (source .. "\n"):gmatch("(.-)\n") do
        number = number + 1
        local word, rest = line:match("^(%a+)%s*(.*)$")
        local function fail(what)
            error({ message = ("docs/architecture.drawing:%d: %s"):format(number, what) }, 0)
        end
        local layer = layers[#layers]
        if word == "layer" then
            layers[#layers + 1] = { name = rest, boxes = {}, steps = {} }
        elseif word == "heading" then
            heading = { rest:match("^(.-) | (.*)$") }
        elseif word == "box" and layer then
            local from, to, title, below = rest:match("^(%d+) (%d+) (.-) | (.*)$")
            if not from then
                fail("not of the form: box FROM TO TITLE | TEXT")
            end
            local folder = below:match("^[%w_/]+/$")
            local there = folder and io.open(root .. "/" .. folder .. ".")
            if folder and not there then
                fail("there is no folder " .. folder)
            elseif there then
                there:close()
            end
            layer.boxes[#layer.boxes + 1] = { from = tonumber(from), to = tonumber(to), title = title, below = below }
        elseif word == "step" and layer then
            for step in (rest .. " | "):gmatch("(.-) | ") do
                layer.steps[#layer.steps + 1] = step
            end
        elseif line:find("^[^#]") then
            fail("what is this?")
        end
    end
    return { layers = layers, heading = heading }
end

---@param source string the text of the drawing
---@param root string the root of the sources
---@return string
function drawing.svg(source, root)
    local model, list = read(source, root), {}
    local height = TOP + #model.layers * ROW + 12
    add(list, '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">\n', WIDTH,
        height, WIDTH, height)
    add(list, "<title>The layers of cleat</title>\n<!-- script/generate makes this of docs/architecture.drawing. -->\n%s", STYLE)
    add(list, '<rect class="page" width="%d" height="%d" rx="8"/>\n', WIDTH, height)
    text(list, LEFT, 28, "small", model.heading[1])
    text(list, STEPS, 28, "small", model.heading[2])
    add(list, '<line class="line" x1="%d" y1="%d" x2="%d" y2="%d"/>\n', STEPS - 14, TOP, STEPS - 14, height - 20)
    for row, layer in ipairs(model.layers) do
        local y = TOP + (row - 1) * ROW
        text(list, LEFT - 12, y + 29, "small", layer.name, "end")
        for _, box in ipairs(layer.boxes) do
            local x, width = LEFT + box.from * BOXES / 12, (box.to - box.from) * BOXES / 12 - GAP
            add(list, '<rect class="box" x="%g" y="%g" width="%g" height="%g" rx="5"/>\n', x, y, width, ROW - 10)
            text(list, x + width / 2, y + 20, "title", box.title, "middle")
            text(list, x + width / 2, y + 38, "small", box.below, "middle")
        end
        for number, step in ipairs(layer.steps) do
            local at, digit, words = y + (#layer.steps == 1 and 29 or 19 + (number - 1) * 20), step:match("^(%d) (.*)$")
            if digit then
                add(list, '<circle class="box" cx="%g" cy="%g" r="9"/>\n', STEPS + 9, at - 4.5)
                text(list, STEPS + 9, at, "small", digit, "middle")
            end
            text(list, STEPS + 26, at, "", words or step)
        end
    end
    return table.concat(list) .. "</svg>\n"
end

return drawing
