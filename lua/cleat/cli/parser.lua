--- The parser of the command line: argparse, filled from definitions.lua.

local definitions = require "cleat.cli.definitions"
local failure = require "cleat.cli.failure"
local output = require "cleat.cli.output"

local parser = {}

local function load_argparse()
    local found, argparse = pcall(require, "argparse")
    if not found then
        failure.raise(2, "needs the Lua module argparse: install lua-argparse (Debian), or run `luarocks install argparse`")
    end
    return argparse
end

local function words(text)
    local list = {}
    for word in text:gmatch "%S+" do
        list[#list + 1] = word
    end
    return list
end

--- Returns the name of an option's value in the result: "warn_days" for "--warn-days".
---@param option cleat.cli.Option
---@return string
function parser.field(option)
    local names = words(option.names)
    return (names[#names]:gsub("^%-+", ""):gsub("%-", "_"))
end

local function to_number(text)
    local number = tonumber(text)
    if not number or number ~= number or number <= 0 or number > 1e9 then
        return nil, ("'%s' is not a number above 0"):format(text)
    end
    return number
end

local function add_option(to, option)
    local made = to[option.value and "option" or "flag"](to, option.names):description(option.text):target(parser.field(option))
    if option.value then
        made:argname("<" .. option.value:lower() .. ">"):count(option.many and "*" or "?"):args(1)
    end
    if option.choices then
        made:choices(option.choices)
    end
    if option.number then
        made:convert(to_number)
    end
    if option.default then
        made:default(option.default)
    end
end

local function add_command(root, definition)
    local text = definition.text .. "."
    local command = root:command(definition.name):summary(text):description(text:gsub("^%l", string.upper)
        .. (definition.detail and " " .. definition.detail or ""))
    for _, argument in ipairs(definition.arguments) do
        command:argument(argument.name):description(argument.text):argname("<" .. argument.value:lower() .. ">")
            :args(argument.many and "+" or argument.optional and "?" or 1)
    end
    for _, option in ipairs(definition.options) do
        add_option(command, option)
    end
    local lines = { "Exit status:" }
    for _, status in ipairs(definition.statuses) do
        lines[#lines + 1] = ("   %d  %s"):format(status[1], status[2])
    end
    command:epilog(table.concat(lines, "\n"))
    return command
end

-- Returns the exit status for an invalid command line. usage: "Usage: cleat inspect …"
local function usage_status(usage)
    local name = usage:match "^Usage: %S+ (%S+)"
    for _, command in ipairs(definitions.commands) do
        if command.name == name then
            return command.usage_status or 2
        end
    end
    return 2
end

--- Makes the parser. version: the output of --version.
---@param version string
function parser.new(version)
    local width = math.min(output.columns(2) or output.columns(1) or 80, 100)
    local root = load_argparse()(definitions.name, definitions.text .. " " .. definitions.detail)
    root:help_max_width(width):usage_max_width(width):require_command(true):command_target "command"
    root:add_complete_command "completion"
    root:flag("--version"):description("write the versions of cleat and BoringSSL, and exit"):action(function()
        output.write(version .. "\n")
        failure.exit(0)
    end)
    for _, definition in ipairs(definitions.commands) do
        add_command(root, definition)
    end
    -- argparse calls this with the parser of the command
    function root.error(self, message)
        failure.raise(usage_status(self:get_usage()), message, self:get_usage())
    end
    return root
end

return parser
