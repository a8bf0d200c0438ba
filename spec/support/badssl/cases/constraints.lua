-- Name constraints. They are in the intermediate unless the name says otherwise.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local dns, ip, email, uri, directory = certificate.dns, certificate.ip, certificate.email, certificate.uri, certificate.directory

-- case: kind is "permitted" or "excluded"; of is the constraint; wrong and right are the leaf's names, besides
-- localhost.
local function case(fields)
    local function make(variant)
        local names = { dns "localhost" }
        for i, one in ipairs(fields.names or {}) do
            names[i] = one
        end
        names[#names + 1] = fields[variant] or nil
        local constraints = variant == "wrong" and fields.wrong_constraints or fields.constraints or { [fields.kind] = fields.of }
        return { [fields.on or "intermediate"] = { constraints = constraints }, leaf = { names = names } }
    end
    return {
        name = "constraint-" .. fields.name, what = fields.what, wrong = make "wrong", right = make "right",
        server = fields.server, client = fields.client, floor = fields.floor,
    }
end

local LOCALHOST = dns "localhost"

local function organization(name)
    return der.name { { { certificate.OID.organization, der.utf8(name) } } }
end

local V6_RANGE = "20010db8000000000000000000000000 ffffffff000000000000000000000000"
local V6_INSIDE, V6_OUTSIDE = "20010db8000000000000000000000001", "20010db9000000000000000000000001"

return {
    case { name = "dns-permitted", what = "a DNS name outside of those permitted",
        server = "PERMITTED_VIOLATION", kind = "permitted", of = { LOCALHOST, dns "cleat.test" },
        wrong = dns "www.evil.test", right = dns "www.cleat.test" },
    case { name = "dns-permitted-suffix", what = "a DNS name that only ends like the one permitted",
        server = "PERMITTED_VIOLATION", kind = "permitted",
        of = { LOCALHOST, dns "cleat.test" }, wrong = dns "evilcleat.test", right = dns "cleat.test" },
    case { name = "dns-excluded", what = "a DNS name among those excluded",
        server = "EXCLUDED_VIOLATION", kind = "excluded", of = { dns "cleat.test" },
        wrong = dns "www.cleat.test", right = dns "www.evil.test" },
    case { name = "dns-excluded-case", what = "a DNS name excluded in another case",
        server = "EXCLUDED_VIOLATION", kind = "excluded", of = { dns "cleat.test" },
        wrong = dns "WWW.CLEAT.Test", right = dns "WWW.EVIL.Test" },
    case { name = "dns-excluded-wildcard", what = "a wildcard over a DNS name that is excluded",
        server = "EXCLUDED_VIOLATION", floor = { server = "accepted", client = "accepted" }, kind = "excluded",
        of = { dns "www.cleat.test" }, wrong = dns "*.cleat.test", right = dns "*.evil.test" },
    case { name = "dns-permitted-of-root", what = "a DNS name outside of those that the root permits",
        server = "PERMITTED_VIOLATION", kind = "permitted", on = "root",
        of = { LOCALHOST, dns "cleat.test" }, wrong = dns "www.evil.test", right = dns "www.cleat.test" },
    case { name = "ip-permitted", what = "an IP address outside of those permitted",
        server = "PERMITTED_VIOLATION", kind = "permitted", of = { ip "c0000200 ffffff00", ip "7f000000 ff000000" },
        wrong = ip "80000001", right = ip "7f000001" },
    case { name = "ip-excluded", what = "an IP address among those excluded",
        server = "EXCLUDED_VIOLATION", kind = "excluded", of = { ip "c0000200 ffffff00", ip "7f000000 ff000000" },
        wrong = ip "7fffffff", right = ip "80000000" },
    case { name = "ip-permitted-of-root", what = "an IP address outside of those that the root permits",
        server = "PERMITTED_VIOLATION", kind = "permitted", on = "root", of = { ip "7f000000 ff000000" },
        wrong = ip "c0000201", right = ip "7f000001" },
    case { name = "ip-permitted-partly", what = "an IP address in a range of 23 bits, and the next one behind it",
        server = "PERMITTED_VIOLATION", kind = "permitted", of = { ip "c0000200 fffffe00" },
        wrong = ip "c0000400", right = ip "c00003ff" },
    case { name = "ip6-permitted", what = "an IPv6 address outside of those permitted",
        server = "PERMITTED_VIOLATION", kind = "permitted", of = { ip(V6_RANGE) }, wrong = ip(V6_OUTSIDE), right = ip(V6_INSIDE) },
    case { name = "ip6-excluded", what = "an IPv6 address among those excluded",
        server = "EXCLUDED_VIOLATION", kind = "excluded", of = { ip(V6_RANGE) }, wrong = ip(V6_INSIDE), right = ip(V6_OUTSIDE) },
    case { name = "ip6-none-permitted", what = "an IPv6 address where only IPv4 addresses are permitted",
        server = "PERMITTED_VIOLATION", kind = "permitted", of = { ip "00000000 00000000" }, wrong = ip(V6_INSIDE), right = ip "7f000001" },
    case { name = "ip-all-excluded", what = "an IP address where all are excluded",
        server = "EXCLUDED_VIOLATION", kind = "excluded", of = { ip "00000000 00000000" }, wrong = ip "7f000001", right = ip(V6_INSIDE) },
    case { name = "ip-beside-dns", what = "a DNS name outside of those permitted, beside an IP address that is permitted",
        server = "PERMITTED_VIOLATION", constraints = { permitted = { ip "7f000000 ff000000", LOCALHOST } },
        names = { ip "7f000001", LOCALHOST }, wrong = dns "www.evil.test", right = dns "www.localhost" },
    case { name = "ip-beside-directory", what = "a subject that is excluded, beside an IP address that is permitted",
        server = "EXCLUDED_VIOLATION", names = { ip "7f000001", LOCALHOST },
        wrong_constraints = { permitted = { ip "7f000000 ff000000" }, excluded = { directory(organization "cleat tests") } },
        constraints = { permitted = { ip "7f000000 ff000000" }, excluded = { directory(organization "another") } } },
    case { name = "ip-range-of-five-bytes", what = "a range of IP addresses that is of five bytes",
        server = "UNSUPPORTED_NAME_SYNTAX 53", kind = "excluded", of = { ip "c000020000" }, wrong = ip "7f000001" },
    case { name = "ip-range-without-mask", what = "a range of IP addresses that has no mask",
        server = "UNSUPPORTED_NAME_SYNTAX 53", kind = "permitted", of = { ip "7f000001" }, wrong = ip "7f000001" },
    case { name = "ip-mask-with-gap", what = "a range of IP addresses whose mask has a gap",
        server = "UNSUPPORTED_CONSTRAINT_SYNTAX", kind = "permitted", of = { ip "7f000000 ff00ff00" },
        wrong = ip "7f000001" },
    case { name = "ip-of-five-bytes", what = "an IP address of five bytes below constraints on addresses",
        server = "UNSUPPORTED_NAME_SYNTAX 53", kind = "permitted", of = { ip "7f000000 ff000000" }, wrong = ip "7f00000100",
        right = ip "7f000001" },
    case { name = "email-permitted", what = "an e-mail address outside of those permitted",
        server = "PERMITTED_VIOLATION", kind = "permitted",
        of = { email "cleat.test" }, wrong = email "leaf@evil.test", right = email "leaf@cleat.test" },
    case { name = "email-excluded", what = "an e-mail address among those excluded",
        server = "EXCLUDED_VIOLATION", kind = "excluded", of = { email "cleat.test" },
        wrong = email "leaf@cleat.test", right = email "leaf@evil.test" },
    case { name = "uri-permitted", what = "a URI outside of those permitted",
        server = "PERMITTED_VIOLATION", kind = "permitted", of = { uri ".cleat.test" },
        wrong = uri "https://www.evil.test/", right = uri "https://www.cleat.test/" },
    case { name = "uri-excluded", what = "a URI among those excluded",
        server = "EXCLUDED_VIOLATION", kind = "excluded", of = { uri ".cleat.test" },
        wrong = uri "https://www.cleat.test/", right = uri "https://www.evil.test/" },
    { name = "constraint-directory-permitted", what = "a subject outside of those permitted",
        server = "PERMITTED_VIOLATION",
        wrong = { intermediate = { constraints = { permitted = { directory(organization "another") } } } },
        right = { intermediate = { constraints = { permitted = { directory(organization "cleat tests") } } } } },
    { name = "constraint-directory-excluded", what = "a subject among those excluded",
        server = "EXCLUDED_VIOLATION",
        wrong = { intermediate = { constraints = { excluded = { directory(organization "cleat tests") } } } },
        right = { intermediate = { constraints = { excluded = { directory(organization "another") } } } } },
    { name = "constraint-common-name", what = "a common name outside of the DNS names permitted, and no alternative names",
        server = "UNSUPPORTED_NAME_SYNTAX",
        wrong = { intermediate = { constraints = { permitted = { dns "cleat.test" } } },
            leaf = { subject = "www.evil.test", names = false }, host = "www.evil.test" },
        right = { intermediate = { constraints = { permitted = { dns "cleat.test" } } }, leaf = { subject = "www.cleat.test",
            names = { dns "www.cleat.test" } }, host = "www.cleat.test" } },
    { name = "constraint-minimum", what = "a constraint with a minimum that is not 0",
        server = "SUBTREE_MINMAX",
        wrong = { intermediate = { extra = { der.extension(certificate.OID.constraints, der.sequence(der.explicit(0, der.sequence(
            LOCALHOST, der.implicit(0, "\1")))), true) } }, leaf = { names = { LOCALHOST } } },
        right = { intermediate = { constraints = { permitted = { LOCALHOST } } }, leaf = { names = { LOCALHOST } } } },
    { name = "constraint-registered-id", what = "a registered ID outside of those permitted",
        server = "UNSUPPORTED_CONSTRAINT_TYPE",
        wrong = { intermediate = { constraints = { permitted = { der.implicit(8, der.oid_value "1.2.3") } } }, leaf = { names = { LOCALHOST,
            der.implicit(8, der.oid_value "1.2.4") } } },
        right = { intermediate = { constraints = { permitted = { der.implicit(8, der.oid_value "1.2.3") } } },
            leaf = { names = { LOCALHOST } } } },
    { name = "constraint-empty", what = "name constraints without a constraint",
        server = "accepted",
        wrong = { intermediate = { extra = { der.extension(certificate.OID.constraints, der.sequence(), true) } } } },
}
