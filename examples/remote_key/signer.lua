-- Signs for TLS servers that do not have their key: signer.lua KEYFILE SOCKET
--
-- The path of the Unix socket is the right to ask: keep it in a folder that only the servers' user may enter. A request
-- is a line with the algorithm and a length, and so many bytes of the message; the answer is a length, and the
-- signature.
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local key = assert(io.open(arg[1], "rb")):read "*a"
local listener = socket.socket(socket.AF_UNIX)
os.remove(arg[2])
listener:bind(arg[2])
listener:listen(100)

-- No SHA-1, which only TLS 1.0 and 1.1 need.
local ALGORITHMS = {}
for name in ([[ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384 ecdsa_secp521r1_sha512 ed25519 rsa_pss_rsae_sha256
        rsa_pss_rsae_sha384 rsa_pss_rsae_sha512 rsa_pkcs1_sha256]]):gmatch "%S+" do
    ALGORITHMS[name] = true
end

local TLS13 = (" "):rep(64) .. "TLS 1.3, server CertificateVerify\0" -- RFC 8446 section 4.4.3

-- Whether a message is a TLS server's: an attacker in one must not get signatures of anything else. With TLS 1.2 it is
-- the two random values and the key exchange (RFC 8422 section 5.4): a named curve, and a point.
local function is_handshake(data)
    if data:sub(1, #TLS13) == TLS13 then
        return #data == #TLS13 + 32 or #data == #TLS13 + 48 -- the transcript's hash
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
    request:settimeout(1) -- one that is slow holds up the others
    local file = request:makefile "rw"
    print(pcall(answer, file))
    pcall(file.close, file) -- sends the answer
    request:close()
end
