/* native.c: the module cleat.backend.native for Lua 5.1 to 5.5 (see backend.lua). native_abi.c has the functions of
 * the ABI; this file has buffers and guards, and the functions that native.h declares. */
#include "native.h"

#define BUFFER "cleat.buffer"
#define GUARD "cleat.guard"
#define SCRATCH "cleat.scratch"

_Noreturn void native_refuse(lua_State *L, const char *name, int argument, const char *what) {
    lua_pushfstring(L, "cleat.backend: %s: argument %d %s", name, argument, what);
    lua_error(L);
    __builtin_unreachable();
}

/* Memory for received plaintext. It is overwritten with zeros before Lua frees or reuses it. */
static char *new_scratch(lua_State *L, int32_t size) {
    char *bytes = lua_newuserdatauv(L, (size_t)size, 0);
    luaL_setmetatable(L, SCRATCH);
    return bytes;
}

static int wipe(lua_State *L) {
    void *bytes = lua_touserdata(L, 1);
    if (bytes) explicit_bzero(bytes, (size_t)lua_rawlen(L, 1));
    return 0;
}

char *native_grow(lua_State *L, struct native_state *state, int32_t size) {
    if (size > NATIVE_SCRATCH) return new_scratch(L, size);
    int32_t room = state->scratch_size > 0 ? state->scratch_size : 4096;
    while (room < size) room *= 2;
    room = room < NATIVE_SCRATCH ? room : NATIVE_SCRATCH;
    char *scratch = new_scratch(L, room);
    native_set_uservalue(L, lua_upvalueindex(1), NATIVE_UV_SCRATCH);
    state->scratch = scratch;
    state->scratch_size = room;
    return scratch;
}

char *native_longer(lua_State *L, int arguments, int32_t size) {
    lua_settop(L, arguments);
    return lua_newuserdatauv(L, (size_t)size, 0);
}

int32_t *native_ints_room(lua_State *L, int32_t *few, int32_t capacity) {
    size_t size = capacity > 0 ? (size_t)capacity * sizeof(int32_t) : 0;
    int32_t *room = capacity <= NATIVE_FEW ? few : lua_newuserdatauv(L, size, 0);
    memset(room, 0, size);
    return room;
}

const int32_t *native_ints(lua_State *L, int argument, const char *name, int32_t *few,
                           int32_t *length) {
    if (lua_type(L, argument) != LUA_TTABLE)
        native_refuse(L, name, argument, "must be an array of integers");
    size_t size = (size_t)lua_rawlen(L, argument);
    if (size > INT32_MAX) native_refuse(L, name, argument, "is too long");
    *length = (int32_t)size;
    int32_t *list = native_ints_room(L, few, *length);
    for (int32_t i = 0; i < *length; i++) {
        lua_rawgeti(L, argument, i + 1);
        if (!native_to_int32(L, -1, &list[i]))
            native_refuse(L, name, argument, "must be an array of integers");
        lua_pop(L, 1);
    }
    return list;
}

void native_push_ints(lua_State *L, const int32_t *list, int32_t length) {
    lua_createtable(L, length > 0 ? length : 0, 0);
    for (int32_t i = 0; i < length; i++) {
        lua_pushinteger(L, list[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

static int buffer_new(lua_State *L) {
    int32_t size = native_int(L, 1, "buffer_new");
    if (size < 0) native_refuse(L, "buffer_new", 1, "is out of bounds");
    struct native_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer + (size_t)size, 0);
    buffer->size = size;
    memset(buffer->data, 0, (size_t)size);
    luaL_setmetatable(L, BUFFER);
    return 1;
}

static int buffer_size(lua_State *L) {
    lua_pushinteger(L, native_buffer(L, 1, "buffer_size")->size);
    return 1;
}

static int buffer_get(lua_State *L) {
    int32_t length;
    const char *bytes = native_within(L, 1, "buffer_get", &length);
    lua_pushlstring(L, bytes, (size_t)length);
    return 1;
}

static int buffer_set(lua_State *L) {
    struct native_buffer *buffer = native_buffer(L, 1, "buffer_set");
    int32_t offset = native_int(L, 2, "buffer_set");
    if (offset < 0 || offset > buffer->size) native_refuse(L, "buffer_set", 2, "is out of bounds");
    if (lua_type(L, 3) != LUA_TSTRING) native_refuse(L, "buffer_set", 3, "must be a string");
    size_t length;
    const char *bytes = lua_tolstring(L, 3, &length);
    if (length > (size_t)(buffer->size - offset))
        native_refuse(L, "buffer_set", 3, "is out of bounds");
    memcpy(buffer->data + offset, bytes, length);
    return 0;
}

static struct native_guard *check_guard(lua_State *L, const char *name) {
    struct native_guard *guard = native_object(L, 1, native_state(L)->guard_metatable);
    if (!guard) native_refuse(L, name, 1, "must be a guard");
    return guard;
}

struct native_guard *native_push_guard(lua_State *L) {
    struct native_guard *guard = lua_newuserdatauv(L, sizeof *guard, 0);
    guard->id = 0;
    luaL_setmetatable(L, GUARD);
    return guard;
}

static int make_guard(lua_State *L) {
    native_push_guard(L);
    return 1;
}

/* guard_new returns a guard that the previous call has prepared, so that the id has an owner before this call allocates
 * the next guard. If none was prepared, and the allocation fails, the id is closed. */
static int guard_new(lua_State *L) {
    int32_t id = native_int(L, 1, "guard_new");
    struct native_guard *guard;
    if (native_get_uservalue(L, lua_upvalueindex(1), NATIVE_UV_GUARD) != LUA_TUSERDATA) {
        native_get_uservalue(L, lua_upvalueindex(1), NATIVE_UV_MAKE_GUARD);
        if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
            (void)cleat_close(id);
            return lua_error(L);
        }
    }
    guard = lua_touserdata(L, -1);
    guard->id = id;
    lua_pushnil(L);
    native_set_uservalue(L, lua_upvalueindex(1), NATIVE_UV_GUARD);
    native_push_guard(L);
    native_set_uservalue(L, lua_upvalueindex(1), NATIVE_UV_GUARD);
    return 1;
}

static int guard_set(lua_State *L) {
    struct native_guard *guard = check_guard(L, "guard_set");
    guard->id = native_int(L, 2, "guard_set");
    return 0;
}

static int32_t close_guard(struct native_guard *guard) {
    int32_t id = guard->id;
    guard->id = 0;
    return id ? cleat_close(id) : CLEAT_OK;
}

static int guard_close(lua_State *L) {
    lua_pushinteger(L, close_guard(check_guard(L, "guard_close")));
    return 1;
}

static int guard_release(lua_State *L) {
    check_guard(L, "guard_release")->id = 0;
    return 0;
}

/* For LuaSec's objects: some libraries accept userdata only. */
static int proxy_new(lua_State *L) {
    if (lua_type(L, 1) != LUA_TTABLE) native_refuse(L, "proxy_new", 1, "must be a table");
    lua_newuserdatauv(L, 0, 0);
    lua_pushvalue(L, 1);
    lua_setmetatable(L, -2);
    return 1;
}

static int buffer_collect(lua_State *L) {
    struct native_buffer *buffer = luaL_testudata(L, 1, BUFFER);
    if (buffer) explicit_bzero(buffer->data, (size_t)buffer->size);
    return 0;
}

static int guard_collect(lua_State *L) {
    struct native_guard *guard = luaL_testudata(L, 1, GUARD);
    if (guard) (void)close_guard(guard);
    return 0;
}

/* push_metatable pushes a metatable, and returns the pointer by which it is recognised. */
static const void *push_metatable(lua_State *L, const char *name, lua_CFunction collect) {
    if (luaL_newmetatable(L, name)) {
        lua_pushstring(L, name);
        lua_setfield(L, -2, "__metatable");
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
    }
    return lua_topointer(L, -1);
}

__attribute__((visibility("default"))) int luaopen_cleat_backend_native(lua_State *L);

int luaopen_cleat_backend_native(lua_State *L) {
    static const luaL_Reg own[] = {
        {"buffer_new", buffer_new},
        {"buffer_size", buffer_size},
        {"buffer_get", buffer_get},
        {"buffer_set", buffer_set},
        {"guard_new", guard_new},
        {"guard_set", guard_set},
        {"guard_close", guard_close},
        {"guard_release", guard_release},
        {"proxy_new", proxy_new},
#if LUA_VERSION_NUM >= 503
        {"fast_method", native_fast_method},
#endif
        {NULL, NULL},
    };
#if LUA_VERSION_NUM > 501
    luaL_checkversion(L);
#endif
    int32_t abi = cleat_abi_version();
    if (abi < CLEAT_ABI)
        return luaL_error(L, "cleat.backend: the libcleat found has ABI %d, this needs %d",
                          (int)abi, CLEAT_ABI);

    lua_newtable(L);
    lua_pushliteral(L, "native");
    lua_setfield(L, -2, "name");

    struct native_state *state = lua_newuserdatauv(L, sizeof *state, NATIVE_UV_LAST);
    *state = (struct native_state){0};
    state->buffer_metatable = push_metatable(L, BUFFER, buffer_collect);
    state->guard_metatable = push_metatable(L, GUARD, guard_collect);
    push_metatable(L, SCRATCH, wipe);
    lua_pop(L, 3); /* the registry keeps them */
    int owner = lua_gettop(L);
    native_push_guard(L);
    native_set_uservalue(L, owner, NATIVE_UV_GUARD);
    lua_pushcfunction(L, make_guard);
    native_set_uservalue(L, owner, NATIVE_UV_MAKE_GUARD);

    lua_pushvalue(L, -1);
    lua_insert(L, -3);
    luaL_setfuncs(L, own, 1);
    lua_insert(L, -2);
    luaL_setfuncs(L, native_abi, 1);
    return 1;
}
