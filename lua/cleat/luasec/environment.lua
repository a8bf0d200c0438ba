--- CLEAT_LUASEC_VERIFY in the environment: "peer" makes every client of LuaSec's API verify its server.

local value = os and os.getenv "CLEAT_LUASEC_VERIFY" or ""
if value ~= "" and value ~= "peer" then
    error(("cleat.luasec: CLEAT_LUASEC_VERIFY must be peer, not %s"):format(value), 0)
end

return { verify = value == "peer" }
