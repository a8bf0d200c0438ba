/* native_lua.h: the parts of Lua 5.4's C API that the native module needs, for Lua 5.1 to 5.5. LuaJIT
 * loads the module that is compiled for Lua 5.1. */
#ifndef CLEAT_NATIVE_LUA_H
#define CLEAT_NATIVE_LUA_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#if LUA_VERSION_NUM < 501
#error "cleat needs Lua 5.1 or later"
#endif

/* In Lua 5.1 and 5.2 all numbers are lua_Number, which must represent each id, length and count exactly. */
_Static_assert(sizeof(lua_Number) >= sizeof(double), "cleat needs a Lua whose numbers are double");

#if LUA_VERSION_NUM == 501
#undef LUA_OK /* LuaJIT's headers declare some of these as functions that Lua 5.1 does not have */
#define LUA_OK 0
#define luaL_setmetatable native_setmetatable
#define luaL_testudata native_testudata
#define luaL_setfuncs native_setfuncs
#define lua_rawlen lua_objlen
#define lua_setuservalue lua_setfenv
#define lua_getuservalue lua_getfenv

static inline void luaL_setmetatable(lua_State *L, const char *name) {
    luaL_getmetatable(L, name);
    lua_setmetatable(L, -2);
}

static inline void *luaL_testudata(lua_State *L, int index, const char *name) {
    void *object = lua_touserdata(L, index);
    if (!object || !lua_getmetatable(L, index)) return NULL;
    luaL_getmetatable(L, name);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same ? object : NULL;
}

static inline void luaL_setfuncs(lua_State *L, const luaL_Reg *list, int upvalues) {
    for (; list->name; list++) {
        for (int i = 0; i < upvalues; i++) lua_pushvalue(L, -upvalues);
        lua_pushcclosure(L, list->func, upvalues);
        lua_setfield(L, -(upvalues + 2), list->name);
    }
    lua_pop(L, upvalues);
}
#endif

#if LUA_VERSION_NUM < 504
/* Before Lua 5.4 a userdata has one user value: here a table of them, in which storing a value allocates no memory. */
static inline void *lua_newuserdatauv(lua_State *L, size_t size, int values) {
    void *object = lua_newuserdata(L, size);
    if (values > 0) {
        lua_createtable(L, values, 0);
        lua_setuservalue(L, -2);
    }
    return object;
}

static inline void native_set_uservalue(lua_State *L, int index, int n) {
    lua_getuservalue(L, index);
    lua_insert(L, -2);
    lua_rawseti(L, -2, n);
    lua_pop(L, 1);
}

static inline int native_get_uservalue(lua_State *L, int index, int n) {
    lua_getuservalue(L, index);
    lua_rawgeti(L, -1, n);
    lua_remove(L, -2);
    return lua_type(L, -1);
}
#else
/* index: absolute, or that of an upvalue. */
static inline void native_set_uservalue(lua_State *L, int index, int n) {
    lua_setiuservalue(L, index, n);
}

static inline int native_get_uservalue(lua_State *L, int index, int n) {
    return lua_getiuservalue(L, index, n);
}
#endif

/* native_to_int32 stores the number at index, if it is a number without a fraction in the range of int32_t. */
static inline bool native_to_int32(lua_State *L, int index, int32_t *number) {
    if (lua_type(L, index) != LUA_TNUMBER) return false;
#if LUA_VERSION_NUM >= 503
    int is_integer;
    lua_Integer value = lua_tointegerx(L, index, &is_integer);
    if (!is_integer || value < INT32_MIN || value > INT32_MAX) return false;
    *number = (int32_t)value;
    return true;
#else
    lua_Number value = lua_tonumber(L, index);
    if (!(value >= INT32_MIN && value <= INT32_MAX)) return false; /* NaN fails both comparisons */
    *number = (int32_t)value;
    return (lua_Number)*number == value;
#endif
}

#endif
