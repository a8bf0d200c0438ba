-- The chains with one thing wrong each, by topic. A case:
--   name, what   what is wrong
--   wrong        the chain with that wrong (see chain.lua)
--   right        a chain of the same shape without it, which is accepted in both roles; the plain chain unless given
--   server       what our client says of a server with that chain: a name in verdicts.lua, or "accepted"
--   client       what our server says of a client with it; the same as server unless given
--   floor        server and client, where BoringSSL of 2023-03 says something else
--   version      the one version of TLS that can be tried, 0x0303
-- Where OpenSSL or GnuTLS says something else, notes.lua says why.
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
