-- Signals in a program of another language, as docs/ffi.md describes them: examples/ffi/python/interrupt.py.
local pki = require "support.pki"
local process = require "support.process"

local library = os.getenv "CLEAT_LIBRARY" or process.root .. "/build/release/libcleat.so"

describe("Calls that SIGINT interrupts repeatedly", function()
    teardown(process.cleanup)

    it("can be repeated by a Python program without loss of bytes: handshake, write and read", function()
        local certificate, key = pki.chain "server-ec"
        local result = process.run { "env", "CLEAT_LIBRARY=" .. library, "/usr/bin/python3", "-E", "-s", "-B",
            "spec/support/interrupted.py", certificate, key }
        assert.are.equal("", result.errors)
        assert.are.equal("nothing lost\n", result.output)
        assert.are.equal(0, result.status)
    end)
end)

describe("A call that waits without a limit", function()
    it("is interrupted by SIGINT in a Python program", function()
        local result = process.run { "env", "CLEAT_LIBRARY=" .. library, "/usr/bin/python3", "-E", "-s", "-B",
            "examples/ffi/python/interrupt.py" }
        assert.are.equal("", result.errors)
        assert.are.equal("interrupted\n", result.output)
        assert.are.equal(0, result.status)
    end)
end)
