rockspec_format = "3.0"
package = "cleat"
version = "0.1.0-1"
-- for `luarocks make` in a checkout, which fetches nothing
source = { url = "git+file://." }
description = {
    summary = "TLS and sockets over BoringSSL, with the names, defaults and errors of Python's ssl",
    license = "MIT",
}
-- by a native module for the Lua that luarocks builds for; LuaJIT (5.1 to luarocks) by FFI
dependencies = { "lua >= 5.1" }
build = {
    type = "cmake",
    -- the command, which needs the rock argparse; the library does not
    install = { bin = { cleat = "bin/cleat" } },
    -- BoringSSL: BORINGSSL_ROOT in the environment, or what script/boringssl has built
    variables = {
        CLEAT_ROCK = "ON",
        LUA_INCLUDE_DIR = "$(LUA_INCDIR)",
        ROCK_LUADIR = "$(LUADIR)",
        ROCK_LIBDIR = "$(LIBDIR)",
        CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    },
}
