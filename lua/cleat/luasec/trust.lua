--- The verification of peers by contexts of LuaSec's API.
---
--- OpenSSL verifies a server even if the client does not request it: it does not enforce the verdict then, but
--- getpeerverification returns it. So clients always verify, and enforce the verdict with "peer" only.

local environment = require "cleat.luasec.environment"
local ssl = require "cleat.ssl"

local trust = {}

local INVALID_PURPOSE = 26 -- OpenSSL's X509_V_ERR_INVALID_PURPOSE

-- accept is the verify callback for lsec_ignore_purpose.
local function accept(_, _, verdict)
    for _, fault in ipairs(verdict.errors) do
        if fault.code ~= INVALID_PURPOSE then
            return nil
        end
    end
    return true
end

--- faults returns the faults of a verdict that the context's flags do not ignore.
---@param self table the context's state
---@param verdict table? the result of SSLSocket:get_verify_result
---@return table[]
function trust.faults(self, verdict)
    local list = {}
    for _, fault in ipairs(verdict and verdict.errors or {}) do
        if fault.code ~= INVALID_PURPOSE or not self.flags.lsec_ignore_purpose then
            list[#list + 1] = fault
        end
    end
    return list
end

-- client sets the verification of a client. CLEAT_LUASEC_VERIFY has an effect only if the program has not set `verify`.
local function client(self, made)
    local flags = self.flags
    local enforced = (flags.peer or environment.verify) and not flags.lsec_continue or false
    made.verify_mode = ssl.CERT_REQUIRED
    made.check_hostname = environment.verify and enforced
    return enforced
end

--- complete is called before each connection of a context, when all parameters are known. With CLEAT_LUASEC_VERIFY it
--- loads the system's CA certificates, if the program has loaded none.
---@param self table the context's state
function trust.complete(self)
    if environment.verify and not self.trusts and self.mode == "client" and not self.flags.peer
        and self.cleat.enforce_verification then
        self.cleat:load_default_certs()
        self.trusts = true
    end
end

local function server(self, made)
    local flags = self.flags
    if flags.peer then
        made.verify_mode = flags.fail_if_no_peer_cert and ssl.CERT_REQUIRED or ssl.CERT_OPTIONAL
    else
        made.verify_mode = ssl.CERT_NONE
    end
    return not flags.lsec_continue
end

--- apply sets the verification that the state of a context requests.
---@param self table
function trust.apply(self)
    local made, flags = self.cleat, self.flags
    local enforced = true
    made.check_hostname = false
    if self.mode == "client" then
        enforced = client(self, made)
    elseif self.mode == "server" then
        enforced = server(self, made)
    end
    made.enforce_verification = enforced
    self.base_flags = self.base_flags or made.verify_flags
    local sum = self.base_flags
    if flags.crl_check_chain then
        sum = sum + ssl.VERIFY_CRL_CHECK_CHAIN
    elseif flags.crl_check then
        sum = sum + ssl.VERIFY_CRL_CHECK_LEAF
    end
    made.verify_flags = sum
    local ignores = enforced and flags.lsec_ignore_purpose or false
    made.verify_callback_may_accept = ignores
    made.verify_callback = ignores and accept or nil
end

--- readable returns whether a file contains a certificate in PEM.
---@param path string
---@return boolean?
---@return string? reason
function trust.readable(path)
    local file, reason = io.open(path, "rb")
    if not file then
        return nil, reason:match "^.*: (.*)$" or reason
    end
    local text = file:read "*a"
    file:close()
    if not text or not text:find("-----BEGIN CERTIFICATE-----", 1, true)
        and not text:find("-----BEGIN TRUSTED CERTIFICATE-----", 1, true) then
        return nil, "no start line"
    end
    return true
end

return trust
