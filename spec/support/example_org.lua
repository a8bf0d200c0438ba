-- example_org(port) maps port 443 of example.org to a port of this machine, for cleat's sockets and those of the event
-- loops that are installed. example_org { ["mail.example.org:587"] = port, ... } maps several names, for cleat's
-- sockets only.

-- patch sets object[name] to the result of replace(original).
local function patch(object, name, replace)
    object[name] = replace(object[name])
end

-- methods_of returns the table of an object's methods.
local function methods_of(object)
    return getmetatable(object).__index
end

return function(port)
    local ports = type(port) == "table" and port or { ["example.org:443"] = port }
    local function mapped(host, service)
        local found = ports[tostring(host) .. ":" .. tostring(service)]
        if found then
            return "127.0.0.1", found
        end
        return host, service
    end

    local address = require "cleat.socket.address"
    patch(address, "pack", function(pack)
        return function(f, family, to)
            if type(to) == "table" then
                to = { mapped(to[1], to[2]) }
            end
            return pack(f, family, to)
        end
    end)
    patch(address, "resolve", function(resolve)
        return function(host, service, ...)
            host, service = mapped(host, service)
            return resolve(host, service, ...)
        end
    end)

    if ports == port then
        return
    end
    local there, module = pcall(require, "socket")
    if there then
        patch(methods_of(module.tcp()), "connect", function(connect)
            return function(self, host, service)
                return connect(self, mapped(host, service))
            end
        end)
    end
    there, module = pcall(require, "cqueues.socket")
    if there then
        patch(module, "connect", function(connect)
            return function(host, service)
                if type(host) == "table" then
                    host.host, host.port = mapped(host.host, host.port)
                    return connect(host)
                end
                return connect(mapped(host, service))
            end
        end)
    end
    there, module = pcall(require, "luv")
    if there then
        patch(module, "getaddrinfo", function(getaddrinfo)
            return function(host, ...)
                return getaddrinfo((mapped(host, 443)), ...)
            end
        end)
        local handle = module.new_tcp()
        patch(methods_of(handle), "connect", function(connect)
            return function(self, host, service, ...)
                return connect(self, host, service == 443 and port or service, ...)
            end
        end)
        handle:close()
        module.run()
    end
end
