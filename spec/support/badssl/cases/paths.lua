-- Issuers and paths.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local PARTIAL_CHAIN = 0x80000

-- issued_by: a leaf that was issued by a CA with these changes.
local function intermediate(changes)
    return { intermediate = changes }
end

-- long: a chain of count intermediates, each with a common name of size bytes.
local function long(count, size)
    return function(make)
        local root = make.root()
        local above, sent = root, {}
        for i = 1, count do
            above = make.intermediate(above, {
                subject = ("CA %d "):format(i) .. ("x"):rep(size), serial = ("%04x"):format(0x1000 + i),
                key_id = "CA " .. i, key = i % 2 == 1 and "intermediate" or "other", to = 20,
            })
            table.insert(sent, 1, above)
        end
        table.insert(sent, 1, make.leaf(above))
        return { chain = sent, trust = { root } }
    end
end

-- crossed: `count` CAs that have all signed each other. The root has signed none of them, unless rooted is true.
local function crossed(count, rooted)
    return function(make)
        local root = make.root()
        local cas, sent = {}, {}
        for i = 1, count do
            cas[i] = { subject = "CA " .. i, key = i % 2 == 1 and "intermediate" or "other", key_id = "CA " .. i }
        end
        sent[1] = make.leaf(cas[1])
        if rooted then
            sent[2] = make.intermediate(root, {
                subject = "CA 1", key = "intermediate", key_id = "CA 1", serial = "70",
            })
        end
        for i, subject in ipairs(cas) do
            for j, issuer in ipairs(cas) do
                if i ~= j then
                    sent[#sent + 1] = make.intermediate(issuer, {
                        subject = subject.subject, key = subject.key, key_id = subject.key_id,
                        serial = ("%04x"):format(0x2000 + i * 64 + j),
                    })
                end
            end
        end
        return { chain = sent, trust = { root } }
    end
end

-- replaced: the server still sends its root as signed by an old root, which has expired. trusts: what the client
-- trusts.
local function replaced(trusts)
    return function(make)
        local old = make.root(nil, { subject = "old root", key = "other", key_id = "old root", from = -300, to = -1 })
        local new = make.root(nil, { serial = "05" })
        local cross = make.root(old, { serial = "06", from = -300, to = -1 })
        local issuing = make.intermediate(new)
        local known = { old = old, new = new }
        for i, name in ipairs(trusts) do
            trusts[i] = known[name] or name
        end
        return { chain = { make.leaf(issuing), issuing, cross }, trust = trusts }
    end
end

local EXCLUDING = { constraints = { excluded = { certificate.dns "localhost" } } }

local function changed(changes, serial)
    local out = { serial = serial }
    for name, value in pairs(changes) do
        out[name] = value
    end
    return out
end

-- twins: an intermediate with a fault (by default, it has expired) and the same intermediate without it, sent in this
-- order.
local function twins(order, fault, other)
    return function(make)
        local root = make.root()
        local made = {
            old = make.intermediate(root, changed(fault or { from = -30, to = -1 }, "0a")),
            new = make.intermediate(root, changed(other or {}, "0b")),
        }
        local sent = { make.leaf(made.new) }
        for _, name in ipairs(order) do
            sent[#sent + 1] = made[name]
        end
        return { chain = sent, trust = { root } }
    end
end

-- revoked_twins: two versions of an intermediate, with the serial numbers 0a and 0b, and the root's list of the revoked
-- ones.
local function revoked_twins(serials)
    return function(make)
        local root = make.root()
        local old, new = make.intermediate(root, { serial = "0a" }), make.intermediate(root, { serial = "0b" })
        return {
            chain = { make.leaf(new), old, new }, trust = { root }, flags = 12,
            crls = { make.crl(new, {}), make.crl(root, { revoked = serials }) },
        }
    end
end

-- cross_signed: an intermediate as signed by several roots, of which only "known" is trusted.
local function cross_signed(roots)
    return function(make)
        local known = {
            known = make.root(), other = make.root(nil, { subject = "other root", key = "other", key_id = "other root" }),
            another = make.root(nil, { subject = "another root", key = "other", key_id = "another root" }),
        }
        local sent = {}
        for i, name in ipairs(roots) do
            sent[i + 1] = make.intermediate(known[name], { serial = ("%02x"):format(0x10 + i) })
        end
        sent[1] = make.leaf(sent[2])
        return { chain = sent, trust = { known.known } }
    end
end

-- renewed: the root that has issued the chain, and another root of the same name, which is first or last in the trust
-- store.
local function renewed(changes, other, first)
    return function(make)
        local root, twin = make.root(nil, changed(changes, "30")), make.root(nil, changed(other, "31"))
        local issuing = make.intermediate(root)
        return { chain = { make.leaf(issuing), issuing }, trust = first and { twin, root } or { root, twin } }
    end
end

-- rolled_over: a root with a new key, which was signed with its old key.
local function rolled_over(with_ids)
    return function(make)
        local old = make.root(nil, { serial = "32", key_id = with_ids and "old key" })
        local new = make.root(old, { serial = "33", key = "other", key_id = with_ids and "new key" })
        return { chain = { make.leaf(new), new }, trust = { old } }
    end
end

-- self_issued: a leaf with the same name as the CA that has issued it.
local function self_issued(with_ids, trusts_leaf)
    return function(make)
        local root = make.root(nil, { subject = "same", key_id = with_ids and "the root's key" })
        local leaf = make.leaf(root, { subject = "same", usage = with_ids and { 0 } or false, key_id = with_ids and "the leaf's key" })
        return { chain = { leaf }, trust = { trusts_leaf and leaf or root } }
    end
end

local function leaf_as_ca(ca)
    return function(make)
        local root = make.root()
        local issuing = make.intermediate(root)
        local first = make.leaf(issuing, { ca = ca, usage = { 0, 5 }, subject = "first", serial = "20" })
        return { chain = { make.leaf(first, { key = "other" }), first, issuing }, trust = { root } }
    end
end

local function self_signed(trusted, usage)
    return function(make)
        local leaf = make.leaf(nil, { authority_key_id = false, usage = usage })
        return { chain = { leaf }, trust = { trusted and leaf or make.root() } }
    end
end

-- pinned: a self-signed certificate, with changes, whose key may not sign certificates. It is trusted itself; or, if
-- `trusted` is given, a certificate with those changes is.
local function pinned(changes, trusted)
    return function(make)
        local function leaf(fields)
            return make.leaf(nil, {
                authority_key_id = false, usage = { 0 }, key = fields.key or "leaf", from = fields.from or -10, to = fields.to or 10,
            })
        end
        local sent = leaf(changes)
        return { chain = { sent }, trust = { trusted and leaf(trusted) or sent }, host = changes.host }
    end
end

-- parts: the plain chain; `sent` and `trusted` say which of its certificates are sent and which are trusted.
local function parts(sent, trusted, flags)
    return function(make)
        local root = make.root()
        local issuing = make.intermediate(root)
        local made = { root = root, intermediate = issuing, leaf = make.leaf(issuing) }
        made.other = make.root(nil, { subject = "another root", key = "other", key_id = "another" })
        local function pick(names)
            local out = {}
            for i, name in ipairs(names) do
                out[i] = made[name]
            end
            return out
        end
        return { chain = pick(sent), trust = pick(trusted), flags = flags }
    end
end

return {
    { name = "self-signed", what = "self-signed, not trusted",
        server = "DEPTH_ZERO_SELF_SIGNED_CERT", wrong = self_signed(false, false), right = self_signed(true, false) },
    { name = "self-signed-no-certsign", what = "self-signed, trusted, and its key may not sign certificates", server = "accepted",
        wrong = pinned {}, right = self_signed(true, false) },
    { name = "self-signed-no-certsign-expired", what = "the same, and it has expired", server = "CERT_HAS_EXPIRED",
        wrong = pinned { from = -30, to = -1 }, right = pinned {} },
    { name = "self-signed-no-certsign-host", what = "the same, for another host", server = "HOSTNAME_MISMATCH", client = "accepted",
        wrong = pinned { host = "www.cleat.test" }, right = pinned {} },
    { name = "self-signed-no-certsign-weak", what = "the same, with an RSA key of 1024 bits", server = "EE_KEY_TOO_SMALL",
        wrong = pinned { key = "rsa-1024" }, right = pinned { key = "rsa-2048" } },
    { name = "self-signed-no-certsign-unknown", what = "the same, and it is not trusted", server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        wrong = self_signed(false, { 0 }), right = pinned {} },
    { name = "self-signed-no-certsign-forged", what = "the same with another key than the one that is trusted",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = pinned({ key = "other" }, {}), right = pinned {} },
    { name = "self-signed-no-certsign-issuer", what = "issued by one that is trusted itself, and whose key may not sign certificates",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = function(make)
            local root = make.leaf(nil, { subject = "pinned", serial = "21", usage = { 0 } })
            return { chain = { make.leaf(root, { key = "other" }), root }, trust = { root } }
        end, right = pinned {} },
    {
        name = "unknown-root", what = "the root is not trusted, and not sent",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        wrong = parts({ "leaf", "intermediate" }, { "other" }), right = parts({ "leaf", "intermediate" }, { "other", "root" }),
    },
    {
        name = "unknown-root-sent", what = "the root is not trusted, but sent",
        server = "SELF_SIGNED_CERT_IN_CHAIN",
        wrong = parts({ "leaf", "intermediate", "root" }, { "other" }), right = parts({ "leaf", "intermediate", "root" }, { "root" }),
    },
    { name = "intermediate-missing", what = "the intermediate is not sent",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = parts({ "leaf" }, { "root" }) },
    {
        name = "intermediate-trusted", what = "only the intermediate is trusted, and a partial chain is not asked for",
        server = "UNABLE_TO_GET_ISSUER_CERT",
        wrong = parts({ "leaf" }, { "intermediate" }), right = parts({ "leaf" }, { "intermediate" }, PARTIAL_CHAIN),
    },
    {
        name = "leaf-trusted", what = "only the leaf is trusted, and a partial chain is not asked for",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        wrong = parts({ "leaf" }, { "leaf" }), right = parts({ "leaf" }, { "leaf" }, PARTIAL_CHAIN),
    },
    {
        name = "unordered", what = "the chain is sent in another order",
        server = "accepted", wrong = parts({ "leaf", "root", "other", "intermediate" }, { "root" }),
    },
    {
        name = "same-name-other-key", what = "signed by another with the intermediate's name",
        server = "CERT_SIGNATURE_FAILURE",
        wrong = { leaf = { signer = "other" } },
    },
    {
        name = "authority-key-differs", what = "the authority key identifier is not the intermediate's",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        wrong = { leaf = { authority_key_id = "another" } },
    },
    { name = "ca-false", what = "the intermediate is no CA (CA:FALSE)",
        server = "INVALID_CA", wrong = intermediate { ca = false } },
    { name = "ca-absent", what = "the intermediate does not say that it is a CA",
        server = "INVALID_CA", wrong = intermediate { ca = "absent" } },
    {
        name = "ca-false-root", what = "the trusted root is no CA (CA:FALSE)",
        server = "INVALID_CA",
        wrong = { root = { ca = false } },
    },
    {
        name = "ca-version-1", what = "the intermediate is a certificate of version 1",
        server = "INVALID_CA",
        wrong = intermediate { version = "", extensions = {} },
    },
    {
        name = "root-version-1", what = "the trusted root is a certificate of version 1",
        server = "accepted",
        wrong = { root = { version = "", extensions = {} } },
    },
    { name = "path-length-root", what = "the root's path length is exceeded",
        server = "PATH_LENGTH_EXCEEDED", wrong = function(make)
        local root = make.root(nil, { pathlen = 0 })
        local issuing = make.intermediate(root)
        return { chain = { make.leaf(issuing), issuing }, trust = { root } }
    end, right = { root = { pathlen = 1 } } },
    { name = "path-length-intermediate", what = "the intermediate's path length is exceeded",
        server = "PATH_LENGTH_EXCEEDED", wrong = function(make)
        local root = make.root()
        local first = make.intermediate(root, { pathlen = 0 })
        local second = make.intermediate(first, { subject = "second", key = "other", key_id = "second", serial = "0c" })
        return { chain = { make.leaf(second), second, first }, trust = { root } }
    end, right = { intermediate = { pathlen = 0 } } },
    { name = "leaf-as-ca", what = "issued by a leaf",
        server = "INVALID_CA", wrong = leaf_as_ca(false), right = leaf_as_ca(true) },
    { name = "leaf-trusted-as-ca", what = "issued by a self-signed leaf that is trusted itself",
        server = "INVALID_CA", wrong = function(make)
        local root = make.leaf(nil, { subject = "pinned", serial = "21", usage = { 0, 5 } })
        return { chain = { make.leaf(root, { key = "other" }), root }, trust = { root } }
    end, right = self_signed(true, false) },
    { name = "long", what = "101 intermediates",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = long(101, 0), right = long(20, 0) },
    { name = "huge", what = "more than 100 KiB of certificates",
        server = "EXCESSIVE_MESSAGE_SIZE", wrong = long(20, 6000), right = long(10, 2000) },
    { name = "cycle", what = "two CAs that have signed each other",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = crossed(2), right = crossed(2, true) },
    { name = "cycle-dense", what = "six CAs that have all signed each other",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = crossed(6), right = crossed(6, true) },
    {
        name = "cross-sign-expired", what = "the root as signed by an old one, which alone is trusted, and has expired",
        server = "CERT_HAS_EXPIRED",
        wrong = replaced { "old" }, right = replaced { "new" },
    },
    {
        name = "cross-sign-expired-beside", what = "the same, and the new root is trusted besides",
        server = "accepted", wrong = replaced { "old", "new" },
        right = replaced { "new" },
    },
    {
        name = "twin-expired-first", what = "the intermediate in two versions, the expired one first",
        server = "accepted", wrong = twins { "old", "new" },
        right = twins { "new" },
    },
    {
        name = "twin-expired-last", what = "the intermediate in two versions, the expired one last",
        server = "accepted", wrong = twins { "new", "old" },
        right = twins { "new" },
    },
    { name = "twin-no-ca-first", what = "the intermediate in two versions, the first of which is no CA",
        server = "accepted", wrong = twins({ "old", "new" }, { ca = false }), right = twins { "new" } },
    { name = "twin-constrained-first", what = "the intermediate in two versions, the first of which excludes the leaf's name",
        server = "accepted", wrong = twins({ "old", "new" }, { constraints = { excluded = { certificate.dns "localhost" } } }),
        right = twins { "new" } },
    { name = "twin-sha1-first", what = "the intermediate in two versions, the first of which is signed with SHA-1",
        server = "accepted", wrong = twins({ "old", "new" }, { digest = "sha1" }), right = twins { "new" } },
    { name = "twin-constrained-alone", what = "the intermediate in two versions that both exclude the leaf's name",
        server = "EXCLUDED_VIOLATION", wrong = twins({ "old", "new" }, EXCLUDING, EXCLUDING), right = twins { "new" } },
    { name = "twin-revoked-first", what = "the intermediate in two versions, the first of which is revoked",
        server = "accepted", wrong = revoked_twins { "0a" }, right = revoked_twins {} },
    { name = "twin-revoked-both", what = "the intermediate in two versions, both of which are revoked",
        server = "CERT_REVOKED", wrong = revoked_twins { "0a", "0b" }, right = revoked_twins {} },
    { name = "cross-sign-second", what = "the intermediate as signed by an unknown root, and then as signed by the trusted one",
        server = "accepted", wrong = cross_signed { "other", "known" }, right = cross_signed { "known", "other" } },
    { name = "cross-sign-none", what = "the intermediate as signed by two roots, none of which is trusted",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = cross_signed { "other", "another" }, right = cross_signed { "known" } },
    { name = "root-renewed-first", what = "the trusted root in two versions, the expired one first", server = "accepted",
        wrong = renewed({}, { from = -300, to = -1 }, true), right = renewed({}, {}) },
    { name = "root-renewed-last", what = "the trusted root in two versions, the expired one last", server = "accepted",
        wrong = renewed({}, { from = -300, to = -1 }), right = renewed({}, {}) },
    { name = "root-renewed-none", what = "the trusted root in two versions that have both expired", server = "CERT_HAS_EXPIRED",
        wrong = renewed({ from = -300, to = -2 }, { from = -300, to = -1 }), right = renewed({}, {}) },
    { name = "root-other-key", what = "two trusted roots of one name with different keys and no key identifiers", server = "accepted",
        wrong = renewed({ key_id = false }, { key_id = false, key = "other" }, true), right = renewed({}, {}) },
    { name = "roll-over", what = "the root's new key as signed with its old one, which alone is trusted", server = "accepted",
        wrong = rolled_over(true), right = rolled_over(true) },
    { name = "roll-over-without-key-ids", what = "the same without key identifiers", server = "accepted",
        wrong = rolled_over(false), right = rolled_over(true) },
    { name = "self-issued", what = "issued by a trusted root of the same name, without key identifiers", server = "accepted",
        wrong = self_issued(false), right = self_issued(true) },
    { name = "self-issued-trusted", what = "trusted itself, and issued by an unknown CA of the same name",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = self_issued(false, true), right = self_issued(true) },
    { name = "junk-behind", what = "a certificate that has nothing to do with it behind the chain",
        server = "accepted", wrong = function(make)
        local root = make.root()
        local issuing = make.intermediate(root)
        local stranger = make.leaf(make.root(nil, { key = "other", key_id = "stranger", subject = "stranger" }), { subject = "stranger" })
        return { chain = { make.leaf(issuing), issuing, stranger }, trust = { root } }
    end },
    { name = "issuer-name-encoding", what = "the issuer's name in another string type and case",
        server = "accepted",
        wrong = { leaf = { issuer_name = der.name {
            { { certificate.OID.organization, der.printable "CLEAT  tests" } },
            { { certificate.OID.common_name, der.printable "Intermediate" } },
        } } } },
}
