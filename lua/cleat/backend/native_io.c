/* native_io.c: methods of SSLSocket that move data, in C, because the interpreter needs longer for the same steps than
 * BoringSSL for a small record. They make the first attempt with the object's fields. For everything else they call
 * two Lua functions of cleat.ssl.io.
 *
 * Before Lua 5.3 a Lua function that C has called cannot yield, and LuaJIT compiles the Lua methods anyway: these
 * use the methods in Lua. */
#include "native.h"

#if LUA_VERSION_NUM >= 503

#define FOREVER 1e300 /* only an infinite timeout is larger */

/* The upvalues of a method. The first one is the native_state. */
enum {
    UV_METHOD = 2, /* method(self, ...): the whole method in Lua, for unusual arguments */
    UV_REST, /* rest(self, argument, result): continues after a first attempt that has not succeeded */
    UV_WANT_READ, /* the shared error for a non-blocking socket */
    UV_BUFFERS, /* maps buffer objects to their contents */
    UV_ID, /* names of fields */
    UV_WAIT,
    UV_TIMEOUT,
    UV_EVENTS,
    UV_STREAM,
    UV_WANTED, /* "want_read" */
    UV_LAST = UV_WANTED
};

static int returned(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    return lua_gettop(L);
}

/* call_lua calls the function of an upvalue with the first arguments on the stack. It may yield. */
static int call_lua(lua_State *L, int upvalue, int arguments) {
    lua_settop(L, arguments);
    lua_pushvalue(L, lua_upvalueindex(upvalue));
    lua_insert(L, 1);
    lua_callk(L, arguments, LUA_MULTRET, 0, returned);
    return returned(L, LUA_OK, 0);
}

/* call_rest continues a call in Lua after the first attempt. The object and an argument are on the stack. */
static int call_rest(lua_State *L, int32_t result) {
    lua_settop(L, 2);
    lua_pushinteger(L, result);
    return call_lua(L, UV_REST, 3);
}

/* push_field pushes a field of the object itself, and returns its type. The methods do not pop the fields: they return
 * the top of the stack only. */
static int push_field(lua_State *L, int upvalue) {
    lua_pushvalue(L, lua_upvalueindex(upvalue));
    return lua_rawget(L, 1);
}

/* is_given returns whether an argument is given and not nil. */
static bool is_given(lua_State *L, int index, int arguments) {
    return arguments >= index && !lua_isnil(L, index);
}

/* find stores the connection's id and the timeout of its calls. It returns false if self is not an SSLSocket. */
static bool find(lua_State *L, int32_t *id, double *wait) {
    if (lua_type(L, 1) != LUA_TTABLE || push_field(L, UV_ID) != LUA_TNUMBER) return false;
    *id = (int32_t)lua_tointeger(L, -1);
    if (push_field(L, UV_WAIT) != LUA_TNUMBER) return false;
    *wait = lua_tonumber(L, -1);
    return true;
}

/* set_events_read sets the field _events to its default "r", if the object has the field. */
static void set_events_read(lua_State *L) {
    if (push_field(L, UV_EVENTS) == LUA_TNIL) return;
    lua_pushvalue(L, lua_upvalueindex(UV_EVENTS));
    lua_pushliteral(L, "r");
    lua_rawset(L, 1);
}

/* finish_read handles the failure of a read. */
static int finish_read(lua_State *L, int32_t result) {
    bool raises = CLEAT_CLASS(result) == CLEAT_WANT_READ &&
                  push_field(L, UV_TIMEOUT) == LUA_TNUMBER && lua_tonumber(L, -1) == 0;
    if (!raises) return call_rest(L, result);
    set_events_read(L);
    lua_pushvalue(L, lua_upvalueindex(UV_WANT_READ));
    return lua_error(L);
}

/* read_arguments stores the arguments of a read into a string. It returns false for unusual arguments. */
static bool read_arguments(lua_State *L, int arguments, int32_t *id, double *wait, int32_t *size) {
    *size = 1024;
    if (is_given(L, 3, arguments)) return false;
    if (is_given(L, 2, arguments) && (!native_to_int32(L, 2, size) || *size <= 0)) return false;
    if (*size > NATIVE_SCRATCH) *size = NATIVE_SCRATCH;
    return find(L, id, wait);
}

/* recv(self, buflen, flags) */
static int io_recv(lua_State *L) {
    int arguments = lua_gettop(L);
    int32_t id;
    int32_t size;
    double wait;
    if (!read_arguments(L, arguments, &id, &wait, &size)) return call_lua(L, UV_METHOD, arguments);
    char *bytes = native_room(L, size);
    int32_t result = cleat_connection_read(id, bytes, size, wait);
    if (result < 0) return finish_read(L, result);
    native_push_bytes(L, bytes, result, size);
    return 1;
}

/* try_recv(self, buflen) */
static int io_try_recv(lua_State *L) {
    int arguments = lua_gettop(L);
    int32_t id;
    int32_t size;
    double wait;
    if (!read_arguments(L, arguments, &id, &wait, &size) || push_field(L, UV_STREAM) != LUA_TNIL)
        return call_lua(L, UV_METHOD, arguments);
    char *bytes = native_room(L, size);
    int32_t result = cleat_connection_read(id, bytes, size, 0);
    if (CLEAT_CLASS(result) == CLEAT_WANT_READ) {
        set_events_read(L);
        lua_pushnil(L);
        lua_pushvalue(L, lua_upvalueindex(UV_WANTED));
        return 2;
    }
    if (result < 0) return call_rest(L, result);
    native_push_bytes(L, bytes, result, size);
    return 1;
}

/* contents_of returns the contents of the buffer at index 2, NULL if it is not a buffer. */
static struct native_buffer *contents_of(lua_State *L) {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(UV_BUFFERS));
    return native_object(L, -1, native_state(L)->buffer_metatable);
}

/* recv_into(self, buffer, nbytes, flags) */
static int io_recv_into(lua_State *L) {
    int arguments = lua_gettop(L);
    int32_t id;
    double wait;
    if (arguments < 2 || is_given(L, 3, arguments) || is_given(L, 4, arguments) ||
        !find(L, &id, &wait))
        return call_lua(L, UV_METHOD, arguments);
    struct native_buffer *buffer = contents_of(L);
    if (!buffer || buffer->size == 0) return call_lua(L, UV_METHOD, arguments);
    int32_t result = cleat_connection_read(id, buffer->data, buffer->size, wait);
    return result < 0 ? finish_read(L, result) : native_status(L, result);
}

/* write_all makes the first attempt of send and sendall. */
static int write_all(lua_State *L, int arguments, int32_t id, double wait) {
    const char *data;
    int32_t length;
    if (lua_type(L, 2) == LUA_TSTRING) {
        size_t size;
        data = lua_tolstring(L, 2, &size);
        length = size <= INT32_MAX ? (int32_t)size : 0;
    } else {
        struct native_buffer *buffer = contents_of(L);
        data = buffer ? buffer->data : NULL;
        length = buffer ? buffer->size : 0;
    }
    if (length == 0) return call_lua(L, UV_METHOD, arguments);
    int32_t result = cleat_connection_write(id, data, length, wait);
    return result == length ? native_status(L, result) : call_rest(L, result);
}

/* send(self, data, flags) */
static int io_send(lua_State *L) {
    int arguments = lua_gettop(L);
    int32_t id;
    double wait;
    if (arguments < 2 || is_given(L, 3, arguments) || !find(L, &id, &wait))
        return call_lua(L, UV_METHOD, arguments);
    return write_all(L, arguments, id, wait);
}

/* sendall(self, data, flags). With a timeout Lua must compute the deadline before the first attempt. */
static int io_sendall(lua_State *L) {
    int arguments = lua_gettop(L);
    int32_t id;
    double wait;
    if (arguments < 2 || is_given(L, 3, arguments) || !find(L, &id, &wait) ||
        (wait != 0 && wait < FOREVER))
        return call_lua(L, UV_METHOD, arguments);
    return write_all(L, arguments, id, wait);
}

/* fast_method(name, method, rest, want_read, buffers) -> function */
int native_fast_method(lua_State *L) {
    static const struct {
        const char *name, *id;
        lua_CFunction f;
    } methods[] = {
        {"recv", "_read_id", io_recv},         {"recv_into", "_read_id", io_recv_into},
        {"try_recv", "_read_id", io_try_recv}, {"send", "_write_id", io_send},
        {"sendall", "_write_id", io_sendall},
    };
    const char *name = luaL_checkstring(L, 1);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, name) != 0) continue;
        lua_settop(L, 5);
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_replace(L, 1);
        lua_pushstring(L, methods[i].id);
        lua_pushliteral(L, "_wait");
        lua_pushliteral(L, "_timeout");
        lua_pushliteral(L, "_events");
        lua_pushliteral(L, "_stream");
        lua_pushliteral(L, "want_read");
        lua_pushcclosure(L, methods[i].f, UV_LAST);
        return 1;
    }
    return luaL_argerror(L, 1, "not a method");
}

#endif
