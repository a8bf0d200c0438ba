/* allocations.c: runs a Lua script in a Lua 5.4 whose allocator counts. The script's global
 * allocations() returns how many blocks were allocated or grown so far, how many bytes by that, and
 * how many bytes are held now. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

struct counts {
    lua_Integer blocks;
    lua_Integer bytes;
    lua_Integer held;
};

static void *allocate(void *user, void *block, size_t old, size_t size) {
    struct counts *counts = user;
    size_t had = block == NULL ? 0 : old;
    counts->held += (lua_Integer)size - (lua_Integer)had;
    if (size == 0) {
        free(block);
        return NULL;
    }
    if (size > had) {
        counts->blocks++;
        counts->bytes += (lua_Integer)(size - had);
    }
    return realloc(block, size);
}

static int tell(lua_State *L) {
    const struct counts *counts = lua_touserdata(L, lua_upvalueindex(1));
    lua_pushinteger(L, counts->blocks);
    lua_pushinteger(L, counts->bytes);
    lua_pushinteger(L, counts->held);
    return 3;
}

int main(int argc, char **argv) {
    struct counts counts = {0, 0, 0};
    lua_State *L = lua_newstate(allocate, &counts);
    int status;
    if (argc != 2 || L == NULL) {
        fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    luaL_openlibs(L);
    lua_pushlightuserdata(L, &counts);
    lua_pushcclosure(L, tell, 1);
    lua_setglobal(L, "allocations");
    lua_createtable(L, 0, 1);
    lua_pushstring(L, argv[1]);
    lua_rawseti(L, -2, 0);
    lua_setglobal(L, "arg");
    status = luaL_dofile(L, argv[1]);
    if (status != LUA_OK) fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_close(L);
    return status == LUA_OK ? 0 : 1;
}
