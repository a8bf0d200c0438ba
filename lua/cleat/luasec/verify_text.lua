--- OpenSSL 3's messages for verify codes, which LuaSec's programs compare and show, where those of BoringSSL or cleat
--- differ.

local TEXTS = {
    [18] = "self-signed certificate", [19] = "self-signed certificate in certificate chain",
    [24] = "invalid CA certificate", [26] = "unsuitable certificate purpose", [44] = "different CRL scope",
    [45] = "unsupported extension feature", [62] = "hostname mismatch", [64] = "IP address mismatch",
    [66] = "EE certificate key too weak", [67] = "CA certificate key too weak",
    [68] = "CA signature digest algorithm too weak",
}

--- Returns the message for a verify code.
---@param code integer
---@param text string cleat's message
---@return string
return function(code, text)
    return TEXTS[code] or text
end
