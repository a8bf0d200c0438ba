/* heap.c: a module for Lua 5.4 that returns how many bytes of the C library's heap are in use. On LuaJIT
 * spec/soak/common.lua calls mallinfo2 by FFI. */
#include <lauxlib.h>
#include <lua.h>
#include <malloc.h>

/* used() returns how many bytes are allocated, after giving back to the system what is not. */
static int used(lua_State *L) {
    malloc_trim(0);
    struct mallinfo2 info = mallinfo2();
    lua_pushinteger(L, (lua_Integer)(info.uordblks + info.hblkhd));
    return 1;
}

LUAMOD_API int luaopen_soak_heap(lua_State *L);
LUAMOD_API int luaopen_soak_heap(lua_State *L) {
    lua_newtable(L);
    lua_pushcfunction(L, used);
    lua_setfield(L, -2, "used");
    return 1;
}
