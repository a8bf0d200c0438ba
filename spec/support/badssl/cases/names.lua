-- Host names. Each of these chains is accepted from a client, because a server compares no name.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local dns, ip, email = certificate.dns, certificate.ip, certificate.email
local OID = certificate.OID

-- names: a case whose leaf has these alternative names. wrong and right are host names; or right is a list of names
-- that match the same host.
local function case(fields)
    local leaf = fields.leaf or { names = fields.names }
    fields.wrong = { leaf = leaf, host = fields.host }
    fields.right = fields.right_leaf and { leaf = fields.right_leaf, host = fields.host } or { leaf = leaf, host = fields.right_host }
    fields.client = "accepted"
    return fields
end

local function common(name)
    return certificate.name(name)
end

return {
    case { name = "wrong-host", what = "for another host",
        server = "HOSTNAME_MISMATCH", names = { dns "www.cleat.test" }, host = "cleat.test", right_host = "www.cleat.test" },
    case { name = "wrong-ip", what = "for another IP address",
        server = "IP_ADDRESS_MISMATCH", names = { ip "7f000001" }, host = "127.0.0.2", right_host = "127.0.0.1" },
    case {
        name = "wrong-ip6", what = "for another IPv6 address",
        server = "IP_ADDRESS_MISMATCH", names = { ip "00000000000000000000000000000001" }, host = "::2",
        right_host = "::1",
    },
    case {
        name = "ip-as-dns", what = "an IP address as a dNSName",
        server = "IP_ADDRESS_MISMATCH", names = { dns "127.0.0.1" }, host = "127.0.0.1",
        right_leaf = { names = { ip "7f000001" } },
    },
    case {
        name = "ip-wildcard", what = "a wildcard for IP addresses",
        server = "IP_ADDRESS_MISMATCH", names = { dns "*.0.0.1" }, host = "127.0.0.1",
        right_leaf = { names = { ip "7f000001" } },
    },
    case {
        name = "ip-five-bytes", what = "an iPAddress of five bytes",
        server = "IP_ADDRESS_MISMATCH", names = { ip "7f00000100" }, host = "127.0.0.1",
        right_leaf = { names = { ip "7f000001" } },
    },
    case {
        name = "wildcard-not-leftmost", what = "a wildcard that is not the left-most label",
        server = "HOSTNAME_MISMATCH", names = { dns "www.*.test" },
        host = "www.cleat.test", right_leaf = { names = { dns "*.cleat.test" } },
    },
    case {
        name = "wildcard-two-labels", what = "a wildcard for two labels",
        server = "HOSTNAME_MISMATCH", names = { dns "*.cleat.test" }, host = "a.b.cleat.test",
        right_host = "b.cleat.test",
    },
    case {
        name = "wildcard-no-label", what = "a wildcard for no label",
        server = "HOSTNAME_MISMATCH", names = { dns "*.cleat.test" }, host = "cleat.test",
        right_host = "www.cleat.test",
    },
    case {
        name = "wildcard-partial", what = "a wildcard for part of a label",
        server = "HOSTNAME_MISMATCH", names = { dns "w*.cleat.test" }, host = "www.cleat.test",
        right_leaf = { names = { dns "*.cleat.test" } },
    },
    case {
        name = "wildcard-partial-idna", what = "a wildcard for part of an A-label",
        server = "HOSTNAME_MISMATCH", names = { dns "xn--*.cleat.test" },
        host = "xn--caf-dma.cleat.test", right_leaf = { names = { dns "*.cleat.test" } },
    },
    case {
        name = "wildcard-twice", what = "two wildcards",
        server = "HOSTNAME_MISMATCH", names = { dns "*.*.test" }, host = "www.cleat.test",
        right_leaf = { names = { dns "*.cleat.test" } },
    },
    case {
        name = "wildcard-alone", what = "nothing but a wildcard",
        server = "HOSTNAME_MISMATCH", names = { dns "*" }, host = "localhost",
        right_leaf = { names = { dns "localhost" } },
    },
    case {
        name = "wildcard-top-level", what = "a wildcard right under a top-level domain",
        server = "HOSTNAME_MISMATCH", names = { dns "*.test" }, host = "cleat.test",
        right_leaf = { names = { dns "cleat.test" } },
    },
    case {
        name = "wildcard-public-suffix", what = "a wildcard right under a public suffix of two labels",
        server = "accepted", names = { dns "*.co.uk" },
        host = "cleat.co.uk", right_leaf = { names = { dns "cleat.co.uk" } },
    },
    case {
        name = "cn-without-san", what = "a common name and no alternative names",
        server = "accepted", leaf = { subject = common "localhost", names = false },
        host = "localhost", right_leaf = { subject = common "localhost", names = { dns "localhost" } },
    },
    case {
        name = "cn-of-another-without-san", what = "another common name and no alternative names",
        server = "HOSTNAME_MISMATCH",
        leaf = { subject = common "www.cleat.test", names = false }, host = "localhost", right_leaf = { names = { dns "localhost" } },
    },
    case {
        name = "cn-beside-san", what = "the common name is right, the alternative name is another",
        server = "HOSTNAME_MISMATCH",
        leaf = { subject = common "localhost", names = { dns "www.cleat.test" } }, host = "localhost",
        right_leaf = { subject = common "localhost", names = { dns "localhost" } },
    },
    case {
        name = "cn-ip", what = "an IP address as the common name",
        server = "IP_ADDRESS_MISMATCH", leaf = { subject = common "127.0.0.1", names = false }, host = "127.0.0.1",
        right_leaf = { subject = common "127.0.0.1", names = { ip "7f000001" } },
    },
    case {
        name = "san-with-nul", what = "an alternative name with a zero byte",
        server = "HOSTNAME_MISMATCH", names = { dns "localhost\0.evil.test" }, host = "localhost",
        right_leaf = { names = { dns "localhost" } },
    },
    case {
        name = "cn-with-nul", what = "a common name with a zero byte and no alternative names",
        server = "HOSTNAME_MISMATCH",
        leaf = { subject = common "localhost\0.evil.test", names = false }, host = "localhost",
        right_leaf = { names = { dns "localhost" } },
    },
    case {
        name = "san-trailing-dot", what = "an alternative name that ends in a dot",
        server = "HOSTNAME_MISMATCH", names = { dns "localhost." }, host = "localhost",
        right_leaf = { names = { dns "localhost" } },
    },
    case {
        name = "san-with-space", what = "an alternative name that begins with a space",
        server = "HOSTNAME_MISMATCH", names = { dns " localhost" }, host = "localhost",
        right_leaf = { names = { dns "localhost" } },
    },
    case {
        name = "san-email-only", what = "the host as an e-mail address",
        server = "HOSTNAME_MISMATCH", names = { email "localhost" }, host = "localhost",
        right_leaf = { names = { dns "localhost" } },
    },
    case {
        name = "san-empty", what = "alternative names without a name",
        server = "HOSTNAME_MISMATCH", host = "localhost",
        leaf = { names = false, extra = { der.extension(OID.names, der.sequence()) } }, right_leaf = { names = { dns "localhost" } },
    },
}
