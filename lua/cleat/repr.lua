--- Formats a string as Python 2's repr() does: quoted, with escapes for bytes that are not printable.

local ESCAPES = { ["\\"] = "\\\\", ["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r" }

---@param text string
---@return string # 'text', or "text" if it contains a ' and no "
return function(text)
    local quote = (text:find("'", 1, true) and not text:find('"', 1, true)) and '"' or "'"
    local escaped = text:gsub('[%c\\"\'\128-\255]', function(char)
        if char == quote then
            return "\\" .. char
        elseif ESCAPES[char] then
            return ESCAPES[char]
        elseif char == "'" or char == '"' then
            return nil
        end
        return ("\\x%02x"):format(char:byte())
    end)
    return quote .. escaped .. quote
end
