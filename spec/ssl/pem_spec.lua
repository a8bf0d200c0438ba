-- PEM texts of certificates and back.
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local HEADER, FOOTER = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

local function pattern(count)
    local bytes = {}
    for i = 1, count do
        bytes[i] = string.char(i * 167 % 256)
    end
    return table.concat(bytes)
end

describe("PEM:", function()
    it("PEM-01 DER bytes become base64 in lines of 64", function()
        assert.are.equal(HEADER .. "\nAAEC\n" .. FOOTER .. "\n", ssl.DER_cert_to_PEM_cert("\0\1\2"))
        assert.are.equal(HEADER .. "\n/+7dzA==\n" .. FOOTER .. "\n", ssl.DER_cert_to_PEM_cert("\255\238\221\204"))
        assert.are.equal(HEADER .. "\n\n" .. FOOTER .. "\n", ssl.DER_cert_to_PEM_cert(""))
        local text = ssl.DER_cert_to_PEM_cert(pattern(100))
        local lines = {}
        for line in text:gmatch("([^\n]*)\n") do
            lines[#lines + 1] = #line
        end
        assert.are.same({ #HEADER, 64, 64, 8, #FOOTER }, lines)
        raises("TypeError", {}, ssl.DER_cert_to_PEM_cert, 5)
        raises("TypeError", {}, ssl.DER_cert_to_PEM_cert)
    end)

    it("PEM-02 PEM text becomes DER bytes", function()
        assert.are.equal("\0\1\2", ssl.PEM_cert_to_DER_cert(HEADER .. "\nAAEC\n" .. FOOTER))
        assert.are.equal("\0\1\2", ssl.PEM_cert_to_DER_cert(HEADER .. "\r\nAA\r\nEC\r\n" .. FOOTER .. "\r\n"))
    end)

    it("PEM-03 text must begin with the header and end with the footer", function()
        for text, message in pairs {
            ["AAEC\n" .. FOOTER] = "must start with", ["\n" .. HEADER .. "\nAAEC\n" .. FOOTER] = "must start with",
            [""] = "must start with", [HEADER .. "\nAAEC\n"] = "must end with",
            [HEADER .. "\nAAEC\n" .. FOOTER .. "\nx"] = "must end with",
        } do
            raises("ValueError", { match = message }, ssl.PEM_cert_to_DER_cert, text)
        end
        for _, space in ipairs { "", "\n", " \t\r\n\n" } do
            assert.are.equal("\0\1\2", ssl.PEM_cert_to_DER_cert(HEADER .. "\nAAEC\n" .. FOOTER .. space))
        end
    end)

    it("PEM-03 base64 must be complete", function()
        for _, text in ipairs { "AAE", "A", "AA=", "AA==AAEC", "AAE=A" } do
            raises("ValueError", { match = "padding" }, ssl.PEM_cert_to_DER_cert, HEADER .. "\n" .. text .. "\n" .. FOOTER)
        end
    end)

    it("PEM-04 converting in both directions returns the same", function()
        assert.are.equal(HEADER, ssl.PEM_HEADER)
        assert.are.equal(FOOTER, ssl.PEM_FOOTER)
        for count = 0, 200 do
            local der = pattern(count)
            local text = ssl.DER_cert_to_PEM_cert(der)
            assert.are.equal(HEADER .. "\n", text:sub(1, #HEADER + 1))
            assert.are.equal("\n" .. FOOTER .. "\n", text:sub(-#FOOTER - 2))
            assert.are.equal(der, ssl.PEM_cert_to_DER_cert(text))
            assert.are.equal(text, ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(text)))
        end
    end)
end)
