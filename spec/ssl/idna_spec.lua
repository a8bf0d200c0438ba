-- Internationalised host names. The A-labels are those of Python's idna codec.
local idna = require "cleat.idna"
local raises = require "support.raises"

describe("IDNA:", function()
    it("CWRAP-02 U-labels become A-labels", function()
        for name, expected in pairs {
            ["püthon.org"] = "xn--pthon-kva.org",
            ["PÜTHON.org"] = "xn--pthon-kva.org",
            ["königsgäßchen.de"] = "xn--knigsgsschen-lcb0w.de",
            ["Ωμέγα.gr"] = "xn--ixaif8a2d.gr",
            ["ΜΕΓΑΣ.gr"] = "xn--mxadf1a2b.gr",
            ["пример.испытание"] = "xn--e1afmkfd.xn--80akhbyknj4f",
            ["ПРИМЕР.рф"] = "xn--e1afmkfd.xn--p1ai",
            ["例え.テスト"] = "xn--r8jz45g.xn--zckzah",
            ["例え。テスト"] = "xn--r8jz45g.xn--zckzah",
            ["Ÿx.fr"] = "xn--x-jha.fr",
            ["한국.kr"] = "xn--3e0b707e.kr",
            ["שלום.il"] = "xn--9dbne9b.il",
            ["www.bücher.example."] = "www.xn--bcher-kva.example.",
        } do
            assert.are.equal(expected, idna.encode(name), name)
        end
    end)

    it("CWRAP-02 ASCII is unchanged", function()
        for _, name in ipairs { "example.org", "EXAMPLE.org", "xn--pthon-kva.org", "127.0.0.1", "::1", "a_b.c", "a..b" } do
            assert.are.equal(name, idna.encode(name))
        end
    end)

    it("SNI-05 A-labels become U-labels", function()
        for name, expected in pairs {
            ["xn--pthon-kva.org"] = "püthon.org",
            ["XN--PTHON-KVA.Org"] = "püthon.Org",
            ["xn--e1afmkfd.xn--80akhbyknj4f"] = "пример.испытание",
            ["xn--r8jz45g.xn--zckzah"] = "例え.テスト",
            ["xn--9dbne9b.il"] = "שלום.il",
            ["xn--ihqwcrb4cv8a8dqg056pqjye.x"] = "他们为什么不说中文.x",
            ["www.xn--bcher-kva.example."] = "www.bücher.example.",
            ["xn--ls8h"] = "💩",
            ["EXAMPLE.org"] = "EXAMPLE.org", ["a..b"] = "a..b", ["127.0.0.1"] = "127.0.0.1", [""] = "",
        } do
            assert.are.equal(expected, idna.decode(name), name)
        end
    end)

    it("SNI-11 A-labels that encode would not make are refused", function()
        for _, name in ipairs { "xn--", "xn--a", "xn--abc-", "xn--pthon-kv", "xn--pthon-kv_", "xn---kva", "xn--wca", "xn--zca", "xn--jm6c",
            "xn--a-zhc", "xn--99999999999", "xn--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "good.xn--a", "b\195\188cher.de" } do
            raises("ValueError", { match = "host name" }, idna.decode, name)
        end
    end)

    it("CWRAP-02 Punycode is that of RFC 3492 section 7.1", function()
        for expected, points in pairs {
            ["ihqwcrb4cv8a8dqg056pqjye"] = { 0x4ED6, 0x4EEC, 0x4E3A, 0x4EC0, 0x4E48, 0x4E0D, 0x8BF4, 0x4E2D, 0x6587 },
            ["d9juau41awczczp"] = { 0x305D, 0x306E, 0x30B9, 0x30D4, 0x30FC, 0x30C9, 0x3067 },
            ["-> $1.00 <--"] = { 0x2D, 0x3E, 0x20, 0x24, 0x31, 0x2E, 0x30, 0x30, 0x20, 0x3C, 0x2D },
        } do
            assert.are.equal(expected, idna.punycode(points))
        end
    end)

    it("CWRAP-02 U-labels that would need Unicode's tables are refused, not guessed", function()
        for _, name in ipairs { "u\204\136.de", "\239\189\129.de", "\226\132\157.de", "☃.net", "ὠ.gr" } do
            raises("ValueError", { match = "A-label" }, idna.encode, name)
        end
        raises("ValueError", { match = "directions" }, idna.encode, "aא.il")
        raises("ValueError", { match = "xn--" }, idna.encode, "xn--ü.de")
        raises("ValueError", { match = "63 bytes" }, idna.encode, ("ü"):rep(64) .. ".de")
        for _, name in ipairs { "\255", "\195", "\195(", "\192\128", "\237\160\128", "\244\144\128\128", "\226\130" } do
            raises("ValueError", {}, idna.encode, name)
        end
    end)
end)
