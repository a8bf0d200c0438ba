--- OpenSSL 3's texts of verify codes, which LuaSec's programs compare and show, where BoringSSL or cleat words them
--- otherwise.

local TEXTS = {
    [18] = "self-signed certificate", [19] = "self-signed certificate in certificate chain",
    [24] = "invalid CA certificate", [26] = "unsuitable certificate purpose", [44] = "different CRL scope",
    [45] = "unsupported extension feature", [62] = "hostname mismatch", [64] = "IP address mismatch",
    [66] = "EE certificate key too weak", [67] = "CA certificate key too weak",
    [68] = "CA signature digest algorithm too weak",
}

--- The text of a verify code.
---@param code integer
---@param text string cleat's
---@return string
return function(code, text)
    return TEXTS[code] or text
end
