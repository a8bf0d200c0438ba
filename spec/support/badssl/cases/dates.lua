-- Validity periods.
local der = require "support.der"

return {
    { name = "expired", what = "the leaf has expired",
        server = "CERT_HAS_EXPIRED", wrong = { leaf = { from = -30, to = -1 } } },
    { name = "not-yet-valid", what = "the leaf is not valid yet",
        server = "CERT_NOT_YET_VALID", wrong = { leaf = { from = 1, to = 30 } } },
    { name = "intermediate-expired", what = "the intermediate has expired",
        server = "CERT_HAS_EXPIRED", wrong = { intermediate = { from = -30, to = -1 } } },
    { name = "intermediate-not-yet-valid", what = "the intermediate is not valid yet",
        server = "CERT_NOT_YET_VALID", wrong = { intermediate = { from = 1, to = 30 } } },
    { name = "root-expired", what = "the trusted root has expired",
        server = "CERT_HAS_EXPIRED", wrong = { root = { from = -30, to = -1 } } },
    { name = "ends-before-it-begins", what = "notAfter is before notBefore",
        server = "CERT_HAS_EXPIRED", wrong = { leaf = { from = -10, to = -20 } } },
    {
        name = "date-month-13", what = "notAfter is in a thirteenth month",
        server = "DECODE_ERROR",
        wrong = { leaf = { to = der.time "441301000000Z" } }, right = { leaf = { to = der.time "441201000000Z" } },
    },
    {
        name = "date-with-offset", what = "notAfter has an offset in place of Z",
        server = "ERROR_IN_CERT_NOT_AFTER_FIELD",
        wrong = { leaf = { to = der.tlv(0x17, "441201000000+0000") } }, right = { leaf = { to = der.time "441201000000Z" } },
    },
    {
        name = "date-without-seconds", what = "notAfter has no seconds",
        server = "DECODE_ERROR",
        wrong = { leaf = { to = der.time "4412010000Z" } }, right = { leaf = { to = der.time "441201000000Z" } },
    },
    {
        name = "date-generalized", what = "notAfter is a GeneralizedTime before 2050, where RFC 5280 wants UTCTime",
        server = "accepted",
        wrong = { leaf = { to = der.time "20441201000000Z" } }, right = { leaf = { to = der.time "20541201000000Z" } },
    },
}
