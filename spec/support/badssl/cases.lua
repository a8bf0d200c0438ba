-- Chains that have one fault each, by topic. A case has these fields:
--   name, what   what the fault is
--   wrong        the chain with the fault (see chain.lua)
--   right        a chain of the same shape without it, which is accepted in both roles; by default the plain chain
--   server       the verdict of cleat's client on a server with that chain: a name in verdicts.lua, or "accepted"
--   client       the verdict of cleat's server on a client with it; by default the same as server
--   floor        server and client, where BoringSSL of 2023-03 has another verdict
--   version      the only version of TLS with which it can be tried, 0x0303
-- Where the verdict of OpenSSL or GnuTLS differs, notes.lua explains why.
local cases = {}

for _, topic in ipairs { "dates", "names", "paths", "purposes", "constraints", "revocation", "algorithms", "extensions", "strict",
    "encoding" } do
    for _, case in ipairs(require("support.badssl.cases." .. topic)) do
        case.topic = topic
        case.client = case.client or case.server
        cases[#cases + 1] = case
    end
end

return cases
