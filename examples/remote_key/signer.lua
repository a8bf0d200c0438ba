-- Makes signatures for TLS servers that do not have their private key: signer.lua KEYFILE SOCKET
--
-- Who can connect to the Unix socket can request signatures: keep it in a directory that only the servers' user may
-- enter. A request is a line with the name of the algorithm and the length of the message, followed by the message. The
-- response is a line with the length of the signature, followed by the signature.
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local key = assert(io.open(arg[1], "rb")):read "*a"
local listener = socket.socket(socket.AF_UNIX)
os.remove(arg[2])
listener:bind(arg[2])
listener:listen(100)

-- SHA-1 is excluded: only TLS 1.0 and 1.1 need it.
local ALGORITHMS = {}
for name in ([[ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384 ecdsa_secp521r1_sha512 ed25519 rsa_pss_rsae_sha256
        rsa_pss_rsae_sha384 rsa_pss_rsae_sha512 rsa_pkcs1_sha256]]):gmatch "%S+" do
    ALGORITHMS[name] = true
end

local TLS13 = (" "):rep(64) .. "TLS 1.3, server CertificateVerify\0" -- RFC 8446 section 4.4.3

-- Returns whether a message is one that a TLS server signs: an attacker who has compromised a server must not get
-- signatures of anything else. With TLS 1.2 it consists of the two random values and the key exchange (RFC 8422 section
-- 5.4): a named curve, and a point.
local function is_handshake(data)
    if data:sub(1, #TLS13) == TLS13 then
        return #data == #TLS13 + 32 or #data == #TLS13 + 48 -- the hash of the transcript
    end
    return #data > 68 and data:byte(65) == 3 and #data == 68 + data:byte(68)
end

local function answer(file)
    local algorithm, length = file:readline():match "^([%w_]+) (%d%d?%d?)\n$"
    local data = algorithm and file:read(tonumber(length))
    if not (ALGORITHMS[algorithm] and is_handshake(data)) then
        file:write "0\n"
        return "refused"
    end
    local signature = ssl.sign(key, algorithm, data)
    file:write(#signature .. "\n" .. signature)
    return algorithm
end

io.stdout:setvbuf "line"
print "ready"
while true do
    local request = listener:accept()
    request:settimeout(1) -- a slow client would block the others
    local file = request:makefile "rw"
    print(pcall(answer, file))
    pcall(file.close, file) -- sends the response
    request:close()
end
