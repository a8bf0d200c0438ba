-- Why OpenSSL's or GnuTLS's verdict on some chains differs from cleat's, and why cleat accepts some: { title, why,
-- chains }. script/verdicts fails if a difference or an accepted chain has no note, or if a note's difference no longer
-- exists.
local notes = {}

notes.differences = {
    { "Numbers", [[
BoringSSL has kept the number of OpenSSL 1.1 for an issuer that is no CA, 24, which OpenSSL 3 has moved to 79.]], {
        "ca-false", "ca-absent", "ca-false-root", "ca-version-1", "leaf-as-ca", "leaf-trusted-as-ca",
    } },
    { "An issuer that cannot be one", [[
BoringSSL passes over a certificate whose key may not sign certificates, or whose extensions cannot be read, when it looks for
an issuer, and says that it found none (20). OpenSSL takes the first and says what is wrong with it (79), or that the
certificate is self-signed (18).]], {
        "ca-no-certsign", "root-no-certsign", "self-signed-no-certsign-unknown", "self-signed-no-certsign-forged",
        "self-signed-no-certsign-issuer",
    } },
    { "Extensions that cannot be read", [[
BoringSSL says so of the leaf (41). OpenSSL meets them when it compares the leaf with its issuer and says that the issuer was
not found (20). GnuTLS reads an extension only when it needs it, and then as far as it needs it.]], {
        "duplicate-names", "duplicate-extended-usage", "basic-constraints-junk", "basic-constraints-negative",
        "usage-junk", "usage-none", "extended-usage-junk", "names-junk", "key-id-junk",
    } },
    { "Bytes that are left over", [[
OpenSSL reads an extension, or a certificate in a file, and does not mind what is behind. In a handshake it minds what is behind
a certificate.]], {
        "basic-constraints-trailing", "names-trailing", "trailing", "intermediate-trailing",
    } },
    { "BER and other latitude", [[
The signature is over bytes, and DER allows one way to write a certificate. BoringSSL takes only that way (X.690), so that there
is no second reading of a certificate that another reader has looked at before. OpenSSL takes indefinite lengths and lengths that are
too long. It takes every version, with extensions in any of them. GnuTLS takes what its ASN.1 library lets pass: long lengths, a
fourth version, integers that are empty or too long, text that is not in its encoding. An empty set in a name is refused by
BoringSSL only.]], {
        "length-indefinite", "length-not-minimal", "version-4", "version-1-extensions", "version-2-extensions",
        "serial-empty", "serial-not-minimal", "subject-bad-utf8", "subject-odd-bmp", "subject-empty-set",
    } },
    { "BoringSSL of 2023", [[
That BoringSSL reads an empty set in a name, and lets a wildcard reach over a name that is excluded. Both are mended in the one
that cleat is built with by default.]], {
        "subject-empty-set", "constraint-dns-excluded-wildcard",
    } },
    { "Dates", [[
BoringSSL reads the dates with the certificate and refuses what is no date (the connection fails with a decoding error); OpenSSL
reads them when it compares them (14). GnuTLS takes a time without seconds, which RFC 5280 forbids.]], {
        "date-month-13", "date-without-seconds",
    } },
    { "Intermediates that cannot be read", [[
In a handshake all that the peer sends must be a certificate. `openssl verify` passes over what it cannot read in a file, and
does not find the issuer.]], {
        "intermediate-junk", "intermediate-empty", "intermediate-key-junk",
    } },
    { "Keys that cannot be used", [[
A handshake needs the leaf's key, so that BoringSSL stops at one that it cannot read, while `openssl verify` and `certtool` have
no use for it; OpenSSL counts one that it cannot read as weak (66). A curve's numbers in place of its name are refused by all
but by different names. BoringSSL has no secp256k1.]], {
        "point-off-curve", "key-unknown", "curve-explicit", "curve-unknown", "rsa-exponent-1",
    } },
    { "Algorithms", [[
BoringSSL has no MD5 for certificates, and says that the signature fails (7); OpenSSL verifies it and says that it is too weak
(68). Of a signature whose algorithm it does not know OpenSSL says that the issuer is not found (20).]], {
        "md5-leaf", "md5-intermediate", "algorithm-unknown",
    } },
    { "RSA of 1024 bits", [[
cleat has the limit of OpenSSL's security level 2, which Debian and Python set: 112 bits of security, 2048 of RSA. GnuTLS's
profile "low", its default, takes 1024.]], {
        "rsa-1024", "rsa-1024-intermediate", "rsa-1024-root",
    } },
    { "What only a handshake sees", [[
Whether the key may sign a handshake, and how long a message with certificates may be (100 KiB here; OpenSSL has the same limit)
are no questions for `openssl verify` and `certtool`.]], {
        "usage-no-signature", "huge",
    } },
    { "Long chains", [[
BoringSSL stops after a hundred certificates and says that it did not find the issuer (20); OpenSSL says that the chain is too
long (22). `certtool` has no limit.]], {
        "long",
    } },
    { "Other paths", [[
Where the first path fails, cleat tries others, within bounds: each certificate that was sent or is trusted and has the issuer's
name may be the issuer, and a path counts if its signatures are right and all of it is good. OpenSSL builds one path; where it can
choose, it prefers a certificate that has not expired. GnuTLS takes the first that was sent.]], {
        "twin-expired-first", "twin-no-ca-first", "twin-constrained-first", "twin-sha1-first", "twin-revoked-first",
        "cross-sign-second", "root-other-key",
    } },
    { "Self-signed", [[
A certificate is self-signed if its own key verifies it. For OpenSSL and BoringSSL it is if its subject is its issuer, unless key
identifiers differ: OpenSSL takes a root's new key, signed with the old one, for a root, and accepts a trusted certificate that an
unknown CA of its name has issued.]], {
        "roll-over-without-key-ids", "self-issued", "self-issued-trusted",
    } },
    { "Names, byte for byte", [[
BoringSSL and OpenSSL compare names as RFC 5280 says, whatever the type of string, case and spaces. GnuTLS compares bytes.]], {
        "issuer-name-encoding",
    } },
    { "Partial wildcards", [[
`w*.cleat.test` is a wildcard for OpenSSL, unless X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS is set, as Python sets it. RFC 6125
advises against them and RFC 9525 has none. Not for cleat.]], {
        "wildcard-partial",
    } },
    { "Trusted for itself", [[
cleat and OpenSSL accept a self-signed certificate that is trusted itself, and any trusted one if VERIFY_X509_PARTIAL_CHAIN is
set. `certtool` wants a CA; it ends a path at any CA that is trusted, so that a trusted intermediate needs no
root.]], {
        "self-signed", "self-signed-no-certsign", "self-signed-no-certsign-expired", "self-signed-no-certsign-host",
        "self-signed-no-certsign-weak", "leaf-trusted", "leaf-trusted-as-ca", "intermediate-trusted",
        "leaf-trusted-as-another-issued", "leaf-trusted-unknown-critical-issued",
    } },
    { "Purposes", [[
Any purpose (anyExtendedKeyUsage) is not one that names TLS for BoringSSL and OpenSSL. GnuTLS takes it, takes an empty list for
none, does not ask a trusted root for its purpose, and `certtool` does not look at the leaf's key usage.]], {
        "any-extended-usage", "extended-usage-empty", "usage-certsign-only", "usage-none", "root-for-clients",
    } },
    { "IP addresses under constraints", [[
cleat compares addresses as OpenSSL does (BoringSSL refuses all of them below such constraints). A mask that is no prefix, which
RFC 5280 does not have, is refused; OpenSSL takes it bit by bit. GnuTLS refuses a leaf below constraints that it cannot read or
that also have names of directories (the control too), permits every IPv6 address where IPv4 addresses are constrained, and does
not mind an address of a wrong length.]], {
        "constraint-ip-mask-with-gap", "constraint-ip6-none-permitted", "constraint-ip-beside-directory",
        "constraint-ip-range-of-five-bytes", "constraint-ip-range-without-mask", "constraint-ip-of-five-bytes",
    } },
    { "Other constraints", [[
A wildcard that reaches over an excluded name is refused by BoringSSL only. A common name without alternative names: OpenSSL
compares it (47), BoringSSL wants alternative names where there are constraints (53). GnuTLS does not look at constraints of
URIs and directory names that permit, refuses everything below those that exclude (the control too), and does not look at the
minimum.]], {
        "constraint-dns-excluded-wildcard", "constraint-common-name", "constraint-uri-permitted",
        "constraint-uri-excluded", "constraint-directory-permitted", "constraint-directory-excluded",
        "constraint-registered-id", "constraint-minimum",
    } },
    { "Revocation lists", [[
`certtool` uses the lists that it is given and can use, and does not ask for any. With VERIFY_CRL_CHECK_LEAF or
VERIFY_CRL_CHECK_CHAIN cleat refuses what it cannot check, as OpenSSL does with `-crl_check`; without, no list is used.]], {
        "crl-missing", "crl-missing-of-root", "crl-expired", "crl-not-yet-valid", "crl-of-another", "crl-broken",
        "crl-no-crlsign", "crl-critical", "crl-entry-critical", "crl-of-cas",
    } },
    { "VERIFY_X509_STRICT", [[
cleat asks what OpenSSL asks with this flag, with its numbers. An issuer that is no CA by its extensions has OpenSSL's number then
(79). GnuTLS has no such flag.]], {
        "strict-authority-key-missing", "strict-authority-key-missing-intermediate", "strict-subject-key-missing",
        "strict-subject-key-missing-root", "strict-authority-key-critical", "strict-subject-key-critical",
        "strict-basic-constraints-not-critical", "strict-usage-missing", "strict-path-length-without-usage",
        "strict-certsign-without-ca", "strict-subject-empty", "strict-root-version-1",
    } },
    { "An unknown extension twice", [[
RFC 5280 forbids it. Nothing in BoringSSL or cleat reads an extension that it does not know, so that there are no two readings;
GnuTLS refuses it all the same.]], {
        "duplicate-unknown",
    } },
}

-- Chains that are accepted in both roles.
notes.accepted = {
    { "No fault", [[
A certificate may be a CA and a server's at once. A chain may be sent in any order and with other certificates among it,
which all libraries have learnt to bear. Names are compared as RFC 5280 says. A path with a trusted root that is good is taken,
whatever the peer sent to replace the root. A key usage, an extension or a name that says nothing constrains nothing.]], {
        "unordered", "junk-behind", "issuer-name-encoding", "cross-sign-expired-beside", "twin-expired-last",
        "leaf-is-ca", "constraint-empty",
    } },
    { "Another path", [[
One path is good, and cleat finds it although another comes first: a twin that has expired, is no CA, has other constraints, is
signed weakly or is revoked, a signature by a root that is not trusted, a trusted root that was renewed.]], {
        "twin-expired-first", "twin-no-ca-first", "twin-constrained-first", "twin-sha1-first", "twin-revoked-first",
        "cross-sign-second", "root-renewed-first", "root-renewed-last", "root-other-key", "roll-over",
        "roll-over-without-key-ids", "self-issued",
    } },
    { "Trust is not a signature", [[
What is in the trust store is trusted because the caller put it there. Its own signature is not looked at, nor, of the peer's
own certificate, whether its key may sign certificates, nor whether it is of version 1, which has no way to say that it is a CA.]], {
        "sha1-root", "signature-broken-root", "root-version-1", "self-signed-no-certsign", "strict-self-signed",
    } },
    { "A common name without alternative names", [[
Python 2.7's `match_hostname`, and so the contract of cleat, falls back on the common name where there is no alternative name.
So do OpenSSL and GnuTLS. A certificate of version 1 has nothing else. No public CA has issued such certificates for
years.]], {
        "cn-without-san", "version-1", "version-default", "extensions-empty",
    } },
    { "Public suffixes", [[
A wildcard must stand left of two labels at least, so that `*.test` matches no name. That `co.uk` is as public as that only a list
of public suffixes can tell, which none of the three has. CAs are forbidden to issue such names.]], {
        "wildcard-public-suffix",
    } },
    { "Serial numbers", [[
RFC 5280 wants them positive and of 20 bytes at most, of those who issue, and asks those who verify to bear what is not. They
are handed on as they are.]], {
        "serial-negative", "serial-zero", "serial-21-bytes", "serial-1000-bytes",
    } },
    { "Harmless latitude", [[
BoringSSL lets pass what many CAs have got wrong and what cannot be read in two ways: a GeneralizedTime where a UTCTime
should be, a default that is written out, TRUE as 1, parameters of an algorithm that has none, characters beyond those of a
PrintableString, names that are not ASCII (they match nothing), an unknown extension twice (it is not read).]], {
        "date-generalized", "extension-critical-false", "extension-critical-1", "algorithm-parameters",
        "subject-bad-printable", "names-not-ascii", "duplicate-unknown",
    } },
    { "Lists signed with SHA-1", [[
The digest is looked at in certificates only, here as in OpenSSL. To forge a list takes a second preimage, or a CA that
signs what it is asked to.]], {
        "crl-sha1",
    } },
}

return notes
