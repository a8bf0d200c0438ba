/* native.h: what the generated functions of native_abi.c share. A Lua error must not leak anything, so memory that must
 * outlive a call into Lua is owned by Lua. */
#ifndef CLEAT_NATIVE_H
#define CLEAT_NATIVE_H

#include "cleat.h"
#include "native_lua.h"

#include <string.h>

#define NATIVE_SHORT 512 /* a text up to this length needs one call */
#define NATIVE_FEW 64 /* arrays up to this length need no memory */
#define NATIVE_SCRATCH (64 * 1024 + 512) /* reads up to this length need no separate allocation */

/* The first upvalue of all functions of a Lua state. Its user values keep the objects alive that it points to. */
struct native_state {
    char *scratch; /* memory for received bytes */
    int32_t scratch_size;
    const void *buffer_metatable;
    const void *guard_metatable;
};

enum native_uservalue {
    NATIVE_UV_SCRATCH = 1,
    NATIVE_UV_GUARD,
    NATIVE_UV_MAKE_GUARD, /* the function make_guard: in Lua 5.1 pushing a C function allocates memory */
    NATIVE_UV_LAST = NATIVE_UV_MAKE_GUARD
};

struct native_buffer {
    int32_t size;
    char data[];
};

/* Closes its id when it is garbage-collected. */
struct native_guard {
    int32_t id; /* 0: nothing to close */
};

extern const luaL_Reg native_abi[];

/* native_fast_method is the function fast_method of the module: see native_io.c. */
int native_fast_method(lua_State *L);

/* native_refuse raises "cleat.backend: NAME: argument N WHAT". */
_Noreturn void native_refuse(lua_State *L, const char *name, int argument, const char *what);

/* native_grow returns room for size bytes: the scratch space, grown, or a separate userdata on Lua's stack. */
char *native_grow(lua_State *L, struct native_state *state, int32_t size);

/* native_longer returns memory for size bytes on Lua's stack, and removes everything above the arguments. */
char *native_longer(lua_State *L, int arguments, int32_t size);

/* native_push_guard pushes a guard without an id. A function that has an id and must push a string stores the id in a
 * guard first, so that the id is not leaked if memory runs out. */
struct native_guard *native_push_guard(lua_State *L);

/* native_ints returns an array's integers and stores their number; few has room for NATIVE_FEW. */
const int32_t *native_ints(lua_State *L, int argument, const char *name, int32_t *few,
                           int32_t *length);

/* native_ints_room returns room for capacity integers, all 0; few has room for NATIVE_FEW. */
int32_t *native_ints_room(lua_State *L, int32_t *few, int32_t capacity);

/* native_push_ints pushes an array of length integers. */
void native_push_ints(lua_State *L, const int32_t *list, int32_t length);

static inline struct native_state *native_state(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(1));
}

static inline int32_t native_int(lua_State *L, int argument, const char *name) {
    int32_t value;
    if (!native_to_int32(L, argument, &value))
        native_refuse(L, name, argument, "must be an integer");
    return value;
}

static inline double native_double(lua_State *L, int argument, const char *name) {
    if (lua_type(L, argument) != LUA_TNUMBER) native_refuse(L, name, argument, "must be a number");
    return lua_tonumber(L, argument);
}

/* native_bytes returns a string's bytes and stores their number; NULL for nil. */
static inline const char *native_bytes(lua_State *L, int argument, const char *name,
                                       int32_t *length) {
    *length = 0;
    if (lua_isnoneornil(L, argument)) return NULL;
    if (lua_type(L, argument) != LUA_TSTRING)
        native_refuse(L, name, argument, "must be a string or nil");
    size_t size;
    const char *bytes = lua_tolstring(L, argument, &size);
    if (size > INT32_MAX) native_refuse(L, name, argument, "is too long");
    *length = (int32_t)size;
    return bytes;
}

/* native_object returns the userdata at argument if it has this metatable, otherwise NULL. */
static inline void *native_object(lua_State *L, int argument, const void *metatable) {
    void *object = lua_touserdata(L, argument);
    if (!object || !lua_getmetatable(L, argument)) return NULL;
    bool same = lua_topointer(L, -1) == metatable;
    lua_pop(L, 1);
    return same ? object : NULL;
}

static inline struct native_buffer *native_buffer(lua_State *L, int argument, const char *name) {
    struct native_buffer *buffer = native_object(L, argument, native_state(L)->buffer_metatable);
    if (!buffer) native_refuse(L, name, argument, "must be a buffer");
    return buffer;
}

/* native_within returns the address that three arguments name (buffer, offset, capacity), and stores the capacity. */
static inline char *native_within(lua_State *L, int argument, const char *name, int32_t *capacity) {
    struct native_buffer *buffer = native_buffer(L, argument, name);
    int32_t offset = native_int(L, argument + 1, name);
    if (offset < 0 || offset > buffer->size)
        native_refuse(L, name, argument + 1, "is out of bounds");
    *capacity = native_int(L, argument + 2, name);
    if (*capacity < 0 || *capacity > buffer->size - offset)
        native_refuse(L, name, argument + 2, "is out of bounds");
    return buffer->data + offset;
}

/* native_source returns what two arguments name (a string or buffer, an offset) and stores how much follows. */
static inline const char *native_source(lua_State *L, int argument, const char *name,
                                        int32_t *length) {
    const char *bytes;
    int32_t size;
    if (lua_type(L, argument) == LUA_TSTRING) {
        bytes = native_bytes(L, argument, name, &size);
    } else {
        struct native_buffer *buffer =
            native_object(L, argument, native_state(L)->buffer_metatable);
        if (!buffer) native_refuse(L, name, argument, "must be a string or a buffer");
        bytes = buffer->data;
        size = buffer->size;
    }
    int32_t offset = native_int(L, argument + 1, name);
    if (offset < 0 || offset > size) native_refuse(L, name, argument + 1, "is out of bounds");
    *length = size - offset;
    return bytes + offset;
}

/* native_room returns room for size bytes that is good until the next call of it. */
static inline char *native_room(lua_State *L, int32_t size) {
    struct native_state *state = native_state(L);
    return size <= state->scratch_size ? state->scratch : native_grow(L, state, size);
}

/* native_status returns a function's only result, its status, to Lua. */
static inline int native_status(lua_State *L, int32_t status) {
    lua_pushinteger(L, status);
    return 1;
}

/* native_push_bytes pushes the bytes that a function has stored in a buffer: `result` bytes, but not more than fit. */
static inline void native_push_bytes(lua_State *L, const char *bytes, int32_t result,
                                     int32_t capacity) {
    lua_pushlstring(L, bytes, (size_t)(result < capacity ? result : capacity));
}

#endif
