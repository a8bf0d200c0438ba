--- `ssl.core`: the low-level module of LuaSec, for programs that add methods to connections.

local connection = require "cleat.luasec.connection"
local information = require "cleat.luasec.information"

return {
    SOCKET_INVALID = -1,
    create = connection.create,
    setfd = connection.setfd,
    compression = information.compression,
    info = information.description,
    setmethod = function(name, method)
        connection.methods[name] = method
    end,
    copyright = function()
        return "LuaSec's API over cleat"
    end,
}
