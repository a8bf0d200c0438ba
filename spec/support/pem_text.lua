-- pem_text(label, bytes): a PEM block.
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(bytes)
    return (bytes:gsub("..?.?", function(three)
        local a, b, c = three:byte(1, 3)
        local value, out = a * 65536 + (b or 0) * 256 + (c or 0), {}
        for i = 4, 1, -1 do
            local digit = value % 64
            value = (value - digit) / 64
            out[i] = i - 1 > #three and "=" or ALPHABET:sub(digit + 1, digit + 1)
        end
        return table.concat(out)
    end))
end

return function(label, bytes)
    return ("-----BEGIN %s-----\n%s-----END %s-----\n"):format(label, base64(bytes):gsub(("."):rep(64), "%0\n"):gsub("([^\n])$", "%1\n"),
        label)
end
