-- Signals in a program of another language, as docs/ffi.md describes them: examples/ffi/python/interrupt.py.
local process = require "support.process"

local library = os.getenv "CLEAT_LIBRARY" or process.root .. "/build/release/libcleat.so"

describe("A call that waits without a limit", function()
    it("is ended by SIGINT in a Python program", function()
        local result = process.run { "env", "CLEAT_LIBRARY=" .. library, "/usr/bin/python3", "-E", "-s", "-B",
            "examples/ffi/python/interrupt.py" }
        assert.are.equal("", result.errors)
        assert.are.equal("interrupted\n", result.output)
        assert.are.equal(0, result.status)
    end)
end)
