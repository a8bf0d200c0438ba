-- rooms: who may know whom. Reads the sources and reports each line that knows what is not its room's to know, and each
-- exemption (only, except) that exempts nothing.

local root = os.getenv "CLEAT_SOURCE_DIR" or "."

-- What a file includes or requires. only: where it may stand, with the reason; nowhere else.
local KNOWS = {
    {
        what = "the core knows nothing of Lua", where = { "^core/", "^include/" },
        includes = { "lua%.h", "lauxlib%.h", "lualib%.h", "luajit%.h" },
    },
    {
        what = "BoringSSL is included in one place", where = { "^core/", "^include/", "^lua/", "^spec/c/" },
        includes = { "openssl/" },
        only = { ["^core/base/boringssl%.h$"] = "the place" },
    },
    {
        what = "core/base stands by itself", where = { "^core/base/" },
        includes = { '^"net/', '^"x509/', '^"tls/' },
    },
    {
        what = "core/net and core/x509 stand on core/base, and know neither each other nor core/tls", where = { "^core/net/" },
        includes = { '^"x509/', '^"tls/' },
    },
    {
        what = "core/net and core/x509 stand on core/base, and know neither each other nor core/tls", where = { "^core/x509/" },
        includes = { '^"net/', '^"tls/' },
    },
    {
        what = "a header of the core is named with its folder", where = { "^core/" },
        includes = { '^"%l+[_%l]*%.h"$' },
        only = { ["^core/tls/guarded%.c$"] = "is generated from all of cleat.h" },
    },
    {
        what = "the public headers need the language only", where = { "^include/" },
        includes = { "." },
        except = { "^<stdint%.h>$", '^"cleat/[%l_]+%.h"$' },
    },
    {
        what = "the glue sees Lua and cleat.h", where = { "^lua/" },
        includes = { "." },
        except = { "^<lua%.h>$", "^<lauxlib%.h>$", "^<std%l+%.h>$", "^<string%.h>$", '^"cleat%.h"$', '^"native%.h"$', '^"native_lua%.h"$' },
    },
    {
        what = "the network is these files' business", where = { "^core/" },
        includes = { "sys/socket%.h", "netdb%.h", "netinet/", "arpa/", "sys/un%.h", "poll%.h>" },
        only = {
            ["^core/net/address%.[ch]$"] = "addresses",
            ["^core/net/addrinfo%.c$"] = "getaddrinfo and its neighbours",
            ["^core/tls/hostname%.c$"] = "reads numeric addresses to compare them with certificates",
            ["^core/net/poll%.c$"] = "cleat_poll",
            ["^core/net/descriptor%.c$"] = "waits before it reads",
            ["^core/tls/generate%.c$"] = "reads numeric addresses to write them into certificates",
            ["^core/net/terminal%.c$"] = "terminals",
            ["^core/net/getaddrinfo%.c$"] = "getaddrinfo, in the calling thread or in the background",
            ["^core/net/resolver%.[ch]$"] = "getaddrinfo in the background",
            ["^core/net/host%.[ch]$"] = "what the system knows of hosts",
            ["^core/net/names%.c$"] = "names of services and interfaces",
            ["^core/net/socket%.c$"] = "sockets",
            ["^core/net/socket_%l+%.c$"] = "sockets",
            ["^core/tls/transport[_%l]*%.c$"] = "where TLS records go out and come in",
            ["^core/net/wait%.[ch]$"] = "every wait",
            ["^core/net/watch%.c$"] = "a wait that others do",
            ["^core/net/epoll%.c$"] = "epoll instances",
        },
    },
    {
        what = "the Lua layer knows one backend, by one name", where = { "^lua/.*%.lua$" },
        requires = { "^ffi$", "^cleat%.backend%.%l+$" },
        only = {
            ["^lua/cleat/backend%.lua$"] = "chooses one of the backends",
            ["^lua/cleat/adapters/nginx/pem%.lua$"] = "it calls nginx's OpenSSL",
            ["^lua/cleat/backend/%l+%.lua$"] = "the backends", ["^lua/cleat/backend/ffi_abi%.lua$"] = "of LuaJIT's",
        },
    },
    {
        what = "cleat.socket and cleat.select stand below cleat.ssl", where = { "^lua/cleat/socket", "^lua/cleat/select" },
        requires = { "^cleat%.ssl", "^cleat%.https", "^cleat%.adapters", "^cleat%.sessions", "^cleat%.luasec", "^cleat%.cli" },
    },
    {
        what = "cleat.ssl stands below what is made with it", where = { "^lua/cleat/ssl" },
        requires = { "^cleat%.https", "^cleat%.adapters", "^cleat%.sessions", "^cleat%.luasec", "^cleat%.cli" },
        only = { ["^lua/cleat/ssl/wrappable%.lua$"] = "loads an adapter for a socket of its event loop" },
    },
    {
        what = "no other module needs the command",
        where = { "^lua/cleat/adapters/", "^lua/cleat/https", "^lua/cleat/sessions", "^lua/cleat/luasec" },
        requires = { "^cleat%.cli" },
    },
}

-- The folders of the core, and those of the Lua layer.
local FOLDERS = { "^core/base/", "^core/net/", "^core/x509/", "^core/tls/", "^include/cleat%.h$", "^include/cleat/",
    "^lua/cleat/", "^spec/c/" }

-- What a file of the core calls.
local CALLS = {
    {
        what = "the network is these files' business",
        names = "socket socketpair accept accept4 connect bind listen recv recvfrom recvmsg recvmmsg send sendto sendmsg "
            .. "sendmmsg shutdown getsockopt setsockopt getsockname getpeername poll ppoll select pselect epoll_create1 "
            .. "epoll_wait epoll_ctl getaddrinfo getnameinfo freeaddrinfo gethostbyname_r gethostbyaddr_r getservbyname_r "
            .. "getservbyport_r getprotobyname_r if_nameindex sendfile splice",
        only = {
            ["^core/net/address%.c$"] = "getaddrinfo and its neighbours",
            ["^core/net/addrinfo%.c$"] = "getaddrinfo and its neighbours",
            ["^core/net/terminal%.c$"] = "terminals",
            ["^core/net/getaddrinfo%.c$"] = "getaddrinfo, in the calling thread or in the background",
            ["^core/net/resolver%.[ch]$"] = "getaddrinfo in the background",
            ["^core/net/host%.[ch]$"] = "what the system knows of hosts",
            ["^core/net/names%.c$"] = "names of services and interfaces",
            ["^core/net/socket%.c$"] = "sockets",
            ["^core/net/socket_%l+%.c$"] = "sockets",
            ["^core/tls/transport[_%l]*%.c$"] = "where TLS records go out and come in",
            ["^core/net/wait%.[ch]$"] = "every wait",
            ["^core/net/watch%.c$"] = "a wait that others do",
            ["^core/net/epoll%.c$"] = "epoll instances",
        },
    },
    {
        what = "files and descriptors are these files' business",
        names = "open openat creat read pread write pwrite readv writev close dup dup2 dup3 ioctl fcntl fopen fdopen "
            .. "freopen fclose fread fwrite fgets opendir readdir stat lstat fstat mmap unlink rename tcgetattr tcsetattr",
        only = {
            ["^core/base/file%.c$"] = "reads files",
            ["^core/base/append%.c$"] = "appends to files",
            ["^core/base/directory%.c$"] = "reads directories",
            ["^core/net/getaddrinfo%.c$"] = "closes its descriptor",
            ["^core/net/host%.c$"] = "closes its descriptor",
            ["^core/net/resolution%.c$"] = "closes its descriptor",
            ["^core/tls/turn%.c$"] = "closes the descriptor of a waiting call",
            ["^core/net/socket%.c$"] = "closes its descriptors, sets O_NONBLOCK",
            ["^core/net/socket_option%.c$"] = "compares a socket's inode",
            ["^core/net/watch%.c$"] = "closes its descriptors",
            ["^core/net/descriptor%.c$"] = "reads a descriptor, and asks a terminal for its width",
            ["^core/net/epoll%.c$"] = "epoll instances",
            ["^core/net/terminal%.c$"] = "terminals",
        },
    },
    {
        what = "memory is had from one place",
        names = "malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf alloca",
        only = { ["^core/base/memory%.c$"] = "the place" },
    },
    {
        what = "a library must not",
        names = "printf fprintf vprintf vfprintf puts fputs putchar putc perror psignal syslog abort exit _exit quick_exit "
            .. "atexit on_exit at_quick_exit assert signal sigaction sigprocmask raise kill alarm setitimer "
            .. "sleep usleep nanosleep clock_nanosleep sched_yield fork vfork system popen setenv putenv unsetenv setlocale "
            .. "dlopen chdir umask",
    },
    {
        what = "the threads are the caller's",
        names = "pthread_create pthread_sigmask",
        only = { ["^core/net/resolver%.c$"] = "a few that resolve names in the background" },
    },
    {
        what = "not safe in threads",
        names = "strerror strtok localtime gmtime asctime ctime gethostbyname gethostbyaddr getservbyname getprotobyname "
            .. "inet_ntoa rand srand random drand48 ttyname getlogin tmpnam getpwnam getpwuid",
        only = { ["^core/net/names%.c$"] = "getprotobyname under a lock, where libc has no getprotobyname_r" },
    },
    {
        what = "no bounds",
        names = "strcpy strcat sprintf vsprintf gets scanf sscanf",
    },
}

---@param name string
---@param patterns table<string, string>|string[]?
local function matches(name, patterns)
    for key, value in pairs(patterns or {}) do
        if name:find(type(key) == "string" and key or value) then
            return true
        end
    end
    return false
end

-- exempt: whether a pattern of a rule's exemptions matches; all that do are noted.
local needed = {} -- by table of exemptions, which of its patterns
local function exempt(name, patterns)
    local found = false
    for key, value in pairs(patterns or {}) do
        local pattern = type(key) == "string" and key or value
        if name:find(pattern) then
            needed[patterns] = needed[patterns] or {}
            needed[patterns][pattern] = true
            found = true
        end
    end
    return found
end

local function blank(text)
    return (text:gsub("[^\n]", " "))
end

-- code: C without comments, and without texts if they are not wanted. Lines stay where they are.
local function code(text, keep_texts)
    local parts, position = {}, 1
    while position <= #text do
        local start = text:find("[/\"']", position)
        if not start then
            break
        end
        local last
        if text:find("^/%*", start) then
            last = select(2, text:find("*/", start + 2, true)) or #text
        elseif text:find("^//", start) then
            last = (text:find("\n", start, true) or #text + 1) - 1
        elseif text:find("^[\"']", start) then
            local quote, at = text:sub(start, start), start + 1
            while at < #text and text:sub(at, at) ~= quote do
                at = at + (text:sub(at, at) == "\\" and 2 or 1)
            end
            last = at
        end
        parts[#parts + 1] = text:sub(position, start - 1)
        local is_text = last and not text:find("^/", start)
        local piece = text:sub(start, last or start)
        parts[#parts + 1] = (not last or is_text and keep_texts) and piece or blank(piece)
        position = (last or start) + 1
    end
    parts[#parts + 1] = text:sub(position)
    return table.concat(parts)
end

local failures = 0

local function report(name, line, format, ...)
    failures = failures + 1
    io.stderr:write(("%s:%d: "):format(name, line), format:format(...), "\n")
end

local function check_known(name, line, kind, thing)
    for _, rule in ipairs(KNOWS) do
        if matches(name, rule.where) and matches(thing, rule[kind]) and not exempt(thing, rule.except)
            and not exempt(name, rule.only) then
            report(name, line, "knows %s: %s", thing, rule.what)
        end
    end
end

local called = {}
for _, rule in ipairs(CALLS) do
    for name in rule.names:gmatch "%S+" do
        called[name] = rule
    end
end

local function lines(text)
    local number = 0
    return function(iterate)
        local line = iterate()
        number = number + 1
        return line, number
    end, (text .. "\n"):gmatch "(.-)\n"
end

local function check_c(name, text)
    for line, number in lines(code(text, true)) do
        local header = line:match "^%s*#%s*include%s*(%S+)"
        if header then
            check_known(name, number, "includes", header)
        end
    end
    if not name:find "^core/" then
        return
    end
    for line, number in lines(code(text, false)) do
        for before, word in line:gmatch "([^%s]?%s*)%f[%w_]([%a_][%w_]*)%s*%(" do
            local rule = called[word]
            if rule and not before:find "[.>]%s*$" and not exempt(name, rule.only) then
                report(name, number, "calls %s: %s", word, rule.what)
            end
        end
        if line:find("constructor", 1, true) and line:find("__attribute__", 1, true) then
            report(name, number, "runs code when it is loaded")
        end
    end
end

local function check_lua(name, text)
    for line, number in lines(text) do
        local required = line:gsub("^%s*%-%-.*", ""):match "require[%s(]*[\"']([^\"']+)[\"']"
        if required then
            check_known(name, number, "requires", required)
        end
        if line:find("openssl/", 1, true) then
            report(name, number, "mentions openssl/: the Lua layer sees cleat.h only")
        end
    end
end

local count = 0
local find = ("cd '%s' && find core include lua spec/c -name '*.[ch]' -o -name '*.lua' | sort"):format(root)
local listing = assert(io.popen(find))
for name in listing:lines() do
    local file = assert(io.open(root .. "/" .. name, "rb"))
    local text = file:read "*a"
    file:close()
    count = count + 1
    local placed = false
    for _, folder in ipairs(FOLDERS) do
        placed = placed or name:find(folder) ~= nil
    end
    if not placed then
        report(name, 1, "is in no folder of those that docs/architecture.md describes")
    end
    if name:find "%.lua$" then
        check_lua(name, text)
    else
        check_c(name, text)
    end
end
listing:close()

for _, rules in ipairs { KNOWS, CALLS } do
    for _, rule in ipairs(rules) do
        for _, patterns in ipairs { rule.only or {}, rule.except or {} } do
            for key, value in pairs(patterns) do
                local pattern = type(key) == "string" and key or value
                if not (needed[patterns] or {})[pattern] then
                    report("spec/checks/rooms.lua", 1, "%s exempts nothing: %s", pattern, rule.what)
                end
            end
        end
    end
end

local owned = 0
for _ in pairs(called) do
    owned = owned + 1
end
print(("%d files read, %d kinds of knowledge, %d functions with owners: %d faults"):format(
    count, #KNOWS, owned, failures))
os.exit(failures == 0 and count > 0 and 0 or 1)
