--- The environment variable CLEAT_LUASEC_VERIFY: "peer" makes all clients of LuaSec's API verify their servers.

local value = os and os.getenv "CLEAT_LUASEC_VERIFY" or ""
if value ~= "" and value ~= "peer" then
    error(("cleat.luasec: CLEAT_LUASEC_VERIFY must be peer, not %s"):format(value), 0)
end

return { verify = value == "peer" }
