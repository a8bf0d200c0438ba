--- Describes the machine: processor, kernel, versions. It names no hosts and no paths.

local process = require "lib.process"

local machine = {}

machine.bundle = "/etc/ssl/certs/ca-certificates.crt"

--- BORINGSSL_API_VERSION of the BoringSSL that is measured.
function machine.boringssl_api(build)
    return machine.boringssl(build).api
end

function machine.boringssl(build)
    local prefix = (process.read_file(build .. "/boringssl-prefix") or ""):match "^[^\n]*"
    local version = process.read_file(prefix .. "/version.txt") or ""
    local api
    for _, header in ipairs { "base.h", "opensslv.h" } do
        api = api or (process.read_file(prefix .. "/include/openssl/" .. header) or ""):match "#define BORINGSSL_API_VERSION (%d+)"
    end
    return { source = version:match "^[^\n]*", api = tonumber(api) or 0 }
end

--- How many descriptors a process may have.
function machine.descriptors()
    return tonumber(process.first_line "ulimit -Hn") or 1000000
end

local function package(name)
    return process.first_line(("dpkg-query -W -f '${Version}\\n' %s"):format(name)) or "none"
end

---@return table<string, string>
function machine.describe(build)
    local boringssl = machine.boringssl(build)
    local cpuinfo = process.read_file "/proc/cpuinfo" or ""
    return {
        processor = (cpuinfo:match "model name%s*:%s*([^\n]*)" or "unknown"):gsub("%s+$", ""),
        cores = process.first_line "nproc" or "?",
        flags = ((cpuinfo:match "\nflags[^\n]*" or ""):find " vaes" and "with VAES" or "without VAES"),
        kernel = (process.first_line "uname -sr" or "?"):match "^%S+ %d+%.%d+" or "?",
        boringssl = ("API %d (%s)"):format(boringssl.api, boringssl.source or "BORINGSSL_ROOT"),
        lua = (process.first_line "lua5.4 -v" or "?"):match "^%S+ %S+",
        luajit = (process.first_line "luajit -v" or "?"):match "^%S+ %S+",
        luasec = package "lua-sec",
        cqueues = package "lua-cqueues",
        luaossl = package "lua-luaossl",
        python = process.first_line "/usr/bin/python3 -c 'import ssl,sys; print(sys.version.split()[0], ssl.OPENSSL_VERSION)'" or "none",
        pinned = process.pinning and "client on core 0, server on core 1" or "no",
    }
end

return machine
