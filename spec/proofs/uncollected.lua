-- A mistake on purpose: the test keeps an id, and not the object that it belongs to. Without an aggressive collector nobody notices.
local backend = require "cleat.backend"
local socket = require "cleat.socket"

describe("A socket that nobody holds", function()
    it("is still there", function()
        local id = socket.socket()._id
        assert.is_true(backend.socket_type(id) > 0)
    end)
end)
