/* lua.c: an interpreter, of Lua 5.4 or of LuaJIT, whose allocator fails on request. It runs one script, which uses the
 * global table "failing":
 *
 *     arm(n)          allocation number n from now, and all that follow, fail
 *     disarm()        no more; returns whether it came to that
 *     descriptors()   how many the process has open
 *     fresh(n, text)  runs text in a separate state whose allocations fail from number n on, from the first call of
 *                     luaL_newstate on; returns whether it came to that, and the message of its error, nil if there
 *                     was none
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

struct memory {
    long left; /* number of allocations that still succeed, plus one; 0: all do */
    bool happened;
};

static struct memory memory;

static bool refuse(struct memory *self) {
    if (self->happened) return true;
    if (self->left == 0 || --self->left > 0) return false;
    self->happened = true;
    return true;
}

static void *allocate(void *data, void *block, size_t old_size, size_t size) {
    if (size == 0) {
        free(block);
        return NULL;
    }
    /* Shrinking a block never fails. */
    if ((block == NULL || size > old_size) && refuse(data)) return NULL;
    return realloc(block, size);
}

static int l_arm(lua_State *L) {
    memory.left = (long)luaL_checkinteger(L, 1);
    return 0;
}

static int l_disarm(lua_State *L) {
    bool happened = memory.happened;
    memory = (struct memory){0, false};
    lua_pushboolean(L, happened);
    return 1;
}

static int l_descriptors(lua_State *L) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    if (folder == NULL) return luaL_error(L, "no /proc/self/fd");
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    lua_pushinteger(L, count);
    return 1;
}

/* Lua 5.5 has a seed for the hashes of strings. */
static lua_State *new_state(struct memory *of) {
#if LUA_VERSION_NUM >= 505
    return lua_newstate(allocate, of, 1);
#else
    return lua_newstate(allocate, of);
#endif
}

static int open_libraries(lua_State *L) {
    luaL_openlibs(L);
    return 0;
}

static int l_fresh(lua_State *L) {
    struct memory own = {(long)luaL_checkinteger(L, 1), false};
    const char *text = luaL_checkstring(L, 2);
    lua_State *fresh = new_state(&own);
    const char *message = "no state";
    int failed = 1;
    if (fresh != NULL) {
        lua_pushcfunction(fresh, open_libraries);
        failed = lua_pcall(fresh, 0, 0, 0);
        if (!failed) failed = luaL_loadstring(fresh, text) || lua_pcall(fresh, 0, 0, 0);
        message = failed ? lua_tostring(fresh, -1) : NULL;
    }
    lua_pushboolean(L, own.happened);
    lua_pushstring(L, message);
    own = (struct memory){0, false};
    if (fresh != NULL) lua_close(fresh);
    return 2;
}

static const luaL_Reg functions[] = {
    {"arm", l_arm},     {"disarm", l_disarm}, {"descriptors", l_descriptors},
    {"fresh", l_fresh}, {NULL, NULL},
};

int main(int argc, char **argv) {
    lua_State *L = new_state(&memory);
    const luaL_Reg *function;
    int i;
    int failed;
    if (argc < 2 || L == NULL) {
        fprintf(stderr, "usage: %s FILE ARGS... (or no memory)\n", argv[0]);
        return 2;
    }
    luaL_openlibs(L);
    lua_newtable(L);
    for (function = functions; function->name != NULL; function++) {
        lua_pushcfunction(L, function->func);
        lua_setfield(L, -2, function->name);
    }
    lua_setglobal(L, "failing");
    failed = luaL_loadfile(L, argv[1]);
    if (!failed) {
        for (i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
        failed = lua_pcall(L, argc - 2, 0, 0);
    }
    if (failed) fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_close(L);
    return failed ? 1 : 0;
}
