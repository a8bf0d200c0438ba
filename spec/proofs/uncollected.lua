-- A deliberate mistake: the test keeps an id, and not its object. Only an aggressive collector reveals it.
local backend = require "cleat.backend"
local socket = require "cleat.socket"

describe("A socket without a reference", function()
    it("is still there", function()
        local id = socket.socket()._id
        assert.is_true(backend.socket_type(id) > 0)
    end)
end)
