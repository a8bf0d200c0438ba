--- Readable descriptions of handshakes, SSLSocket:describe(); and the alerts of a connection.

local C = require "cleat.backend"
local Certificate = require "cleat.ssl.certificate_object"
local constants = require "cleat.ssl.constants"

local const = C.const

-- Properties and methods of connections.
local description = { getters = {}, methods = {} }

-- alert returns the last alert of a direction, nil if there was none.
local function alert(id, direction)
    if id == 0 then
        return nil
    end
    local count, number = C.connection_alert(id, direction)
    return count == 1 and number or nil
end

function description.getters:alert_sent()
    return alert(self._tls, const.DIRECTION_SENT)
end

function description.getters:alert_received()
    return alert(self._tls, const.DIRECTION_RECEIVED)
end

--- add stores the alert that this side has sent in the error of a failed call.
---@param err cleat.Error
---@param id integer the connection's
---@return cleat.Error
function description.add(err, id)
    err.alert_sent = alert(id, const.DIRECTION_SENT)
    return err
end

-- Control characters in names are replaced: they could fake another line, or move a terminal's cursor.
local function printable(text)
    return (text:gsub("[%c\127]", function(byte)
        return ("\\x%02x"):format(byte:byte())
    end))
end

-- common formats a name in the usual way: "CN=localhost, O=cleat".
local function common(name)
    local parts = {}
    for _, group in ipairs(name) do
        for _, pair in ipairs(group) do
            parts[#parts + 1] = (pair[1] == "commonName" and "CN" or pair[1]) .. "=" .. pair[2]
        end
    end
    return table.concat(parts, ", ")
end

local function certificates(list)
    local chain = {}
    for index, der in ipairs(list) do
        local cert = Certificate(der)
        chain[index] = { subject = common(cert.subject), issuer = common(cert.issuer), not_after = cert.not_after,
            not_after_text = cert.not_after_text }
    end
    return chain
end

local function alert_name(number)
    local name = constants.AlertDescription[number]
    return name and name:gsub("^ALERT_DESCRIPTION_", ""):lower() or tostring(number)
end

local Description = {}

-- The lines of a description: a label, and a function that returns the text, or nil to omit the line.
local LINES = {
    { "role", function(self)
        return self.server_side and "server" or "client"
    end },
    { "server name", function(self)
        return self.server_hostname
    end },
    { "version", function(self)
        return self.version or "none: the handshake is not done"
    end },
    { "cipher suite", function(self)
        return self.cipher
    end },
    { "group", function(self)
        return self.group
    end },
    { "server's signature", function(self)
        return self.server_sigalg
    end },
    { "client's signature", function(self)
        return self.client_sigalg
    end },
    { "application protocol", function(self)
        return self.alpn
    end },
    { "resumed", function(self)
        return self.version and (self.session_reused and "yes" or "no")
    end },
    { "early data", function(self)
        return self.early_data
    end },
    { "encrypted ClientHello", function(self)
        return self.ech_accepted and "accepted"
    end },
    { "verification", function(self)
        return self.verify_message or self.version and (#self.chain > 0 and "off" or "none: no certificate")
    end },
    { "OCSP response", function(self)
        return self.ocsp_stapled and "stapled"
    end },
    { "alert sent", function(self)
        return self.alert_sent and alert_name(self.alert_sent)
    end },
    { "alert received", function(self)
        return self.alert_received and alert_name(self.alert_received)
    end },
}

function Description:__tostring()
    local lines = {}
    for _, line in ipairs(LINES) do
        local text = line[2](self)
        if text then
            lines[#lines + 1] = ("%-22s %s"):format(line[1] .. ":", printable(text))
        end
    end
    for index, cert in ipairs(self.chain) do
        lines[#lines + 1] = ("%-22s %s"):format(("certificate %d:"):format(index - 1),
            printable(("%s; issued by %s; until %s"):format(cert.subject, cert.issuer, cert.not_after_text)))
    end
    for index, flight in ipairs(self.flights or {}) do
        lines[#lines + 1] = ("%-22s %8.3f ms %s %s"):format(("flight %d:"):format(index), flight.seconds * 1000,
            flight.sent and "sent" or "received", table.concat(flight.messages, " "))
    end
    return table.concat(lines, "\n")
end

-- flights returns a copy of the recorded flights, with times relative to the first one.
local function flights(self)
    local noted = self._trace and self._trace.flights
    if not noted then
        return nil
    end
    local list = {}
    for index, flight in ipairs(noted) do
        list[index] = { sent = flight.sent, seconds = flight.seconds - noted[1].seconds, messages = flight.messages }
    end
    return list
end

--- Describes the handshake: `print(conn:describe())` writes one line for each fact. The result is a table with the
--- following fields; those that do not apply are nil.
---
--- * `server_side`, `server_hostname`, `session_reused`, `early_data`, `ech_accepted`: the connection's fields
--- * `alert_sent`, `alert_received`: the connection's fields
--- * `version`, `alpn`: as the methods version and selected_alpn_protocol return
--- * `cipher`, `bits`: the name of the suite and its secret bits
--- * `group`, `server_sigalg`, `client_sigalg`: as the methods of these names return
--- * `verify_code`, `verify_message`: as get_verify_result returns
--- * `ocsp_stapled`: whether the server has sent an OCSP response
--- * `chain`: the certificates that the peer has sent, its own first, each with the texts `subject`, `issuer` and
---   `not_after_text`, and with `not_after` in seconds since 1970
--- * `flights`: if the context has `trace_handshake`: the groups of messages that one side has sent in a row, each with
---   `sent` (whether by this side), `seconds` (since the first one) and `messages` (their names)
---
--- The text is for people: its wording may change in later versions of cleat.
---
---     local description = conn:describe()
---     print(description.version, description.verify_message) --> TLSv1.3	ok
---     print(description.chain[1].subject:match("CN=[^,]*")) --> CN=localhost
---
--- Raises: SSLError if BoringSSL cannot parse a certificate that the peer has sent.
--- Python: none.
---@return table # with the fields above; tostring() returns the text
function description.methods:describe()
    local suite = self:cipher()
    local verdict = self:get_verify_result()
    return setmetatable({
        server_side = self.server_side,
        flights = flights(self),
        server_hostname = self.server_hostname,
        version = self:version(),
        cipher = suite and suite[1],
        bits = suite and suite[3],
        group = self:group(),
        server_sigalg = self:server_sigalg(),
        client_sigalg = self:client_sigalg(),
        alpn = self:selected_alpn_protocol(),
        session_reused = self.session_reused,
        early_data = self.early_data,
        ech_accepted = self.ech_accepted,
        verify_code = verdict and verdict.verify_code,
        verify_message = verdict and verdict.verify_message,
        ocsp_stapled = self:ocsp_response() ~= nil,
        chain = certificates(self:get_unverified_chain()),
        alert_sent = self.alert_sent,
        alert_received = self.alert_received,
    }, Description)
end

return description
