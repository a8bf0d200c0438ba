/* test_states.c: two Lua states in two threads of one process, one of them the server and one the client of each
 * other, each with its own contexts, errors and garbage. Once with Lua 5.4 and the native module, once with LuaJIT. */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "load.h"

static const char script[] =
    "local socket, ssl = require 'cleat.socket', require 'cleat.ssl'\n"
    "local directory = os.getenv 'CLEAT_SOURCE_DIR' .. '/build/spec-pki/'\n"
    "local function context()\n"
    "  if role == 'client' then return ssl.create_default_context { cafile = directory .. "
    "'root.pem' } end\n"
    "  local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n"
    "  context:load_cert_chain(directory .. 'server-ec.pem', directory .. 'server-ec.key')\n"
    "  return context\n"
    "end\n"
    "for round = 1, 40 do\n"
    "  local conn = context():wrap_socket(descriptor, { server_side = role == 'server', "
    "do_handshake_on_connect = false,\n"
    "    server_hostname = role == 'client' and 'localhost' or nil })\n"
    "  conn:settimeout(30)\n"
    "  conn:do_handshake()\n"
    "  for size = 1, 5 do\n"
    "    local data = role .. (' round %d '):format(round):rep(size * 1000)\n"
    "    conn:sendall(data)\n"
    "    local wanted = (role == 'server' and 'client' or 'server') .. data:sub(7)\n"
    "    local got = ''\n"
    "    while #got < #wanted do got = got .. conn:recv(#wanted - #got) end\n"
    "    assert(got == wanted, 'other bytes than were sent')\n"
    /* the other thread fails at the same time, for another reason */
    "    local name = '/no/such/file/of/the/' .. role\n"
    "    local ok, failure = pcall(context().load_verify_locations, context(), name)\n"
    "    assert(not ok and failure.filename == name and failure.errno == 2, tostring(failure))\n"
    "    assert(ssl.create_default_context().check_hostname)\n"
    "    collectgarbage()\n"
    "  end\n"
    "  if role == 'client' then\n"
    "    conn:unwrap()\n"
    "  else\n"
    "    assert(conn:recv(1) == '')\n"
    "    conn:unwrap()\n"
    "  end\n"
    "end\n";

typedef struct lua_State lua_State;

/* The few functions that the test needs, found by dlsym: this program is compiled without Lua's headers. */
static lua_State *(*new_state)(void);
static void (*open_libs)(lua_State *);
static void (*close_state)(lua_State *);
static int (*load_string)(lua_State *, const char *);
static const char *(*to_string)(lua_State *, int, size_t *);
static int (*pcallk)(lua_State *, int, int, int, intptr_t, void *); /* Lua 5.4 */
static int (*pcall)(lua_State *, int, int, int); /* LuaJIT */

static void find(void *handle, const char *name, void *function) {
    void *symbol = dlsym(handle, name);
    EXPECT(symbol != NULL);
    memcpy(function, &symbol, sizeof symbol);
}

static void load_lua(const char *name) {
    void *handle =
        dlopen(name, RTLD_NOW | RTLD_GLOBAL); /* Lua's modules find Lua's functions in it */
    if (handle == NULL) fprintf(stderr, "%s\n", dlerror());
    EXPECT(handle != NULL);
    find(handle, "luaL_newstate", &new_state);
    find(handle, "luaL_openlibs", &open_libs);
    find(handle, "lua_close", &close_state);
    find(handle, "luaL_loadstring", &load_string);
    find(handle, "lua_tolstring", &to_string);
    if (dlsym(handle, "lua_pcallk") != NULL) {
        find(handle, "lua_pcallk", &pcallk);
    } else {
        find(handle, "lua_pcall", &pcall);
    }
}

struct side {
    const char *role;
    int descriptor;
};

static void *run(void *argument) {
    const struct side *side = argument;
    char text[sizeof script + 200];
    lua_State *state = new_state();
    int status;
    EXPECT(state != NULL);
    open_libs(state);
    snprintf(text, sizeof text, "local role, descriptor = '%s', %d\n%s", side->role,
             side->descriptor, script);
    status = load_string(state, text);
    if (status == 0)
        status = pcallk != NULL ? pcallk(state, 0, 0, 0, 0, NULL) : pcall(state, 0, 0, 0);
    if (status != 0) {
        const char *message = to_string(state, -1, NULL);
        fprintf(stderr, "%s: %s\n", side->role,
                message == NULL ? "an error that is not a string" : message);
        exit(1);
    }
    close_state(state);
    return NULL;
}

/* In a separate process: two versions of Lua cannot be loaded together. */
static void test_states(const char *library) {
    int status = 0;
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        struct side sides[2] = {{"server", 0}, {"client", 0}};
        pthread_t threads[2];
        int fds[2];
        int i;
        load_alarm(100);
        load_lua(library);
        EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        for (i = 0; i < 2; i++) {
            sides[i].descriptor = fds[i];
            EXPECT(pthread_create(&threads[i], NULL, run, &sides[i]) == 0);
        }
        for (i = 0; i < 2; i++) pthread_join(threads[i], NULL);
        exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void make_certificates(const char *source) {
    char program[4096];
    char directory[4096];
    int status = 0;
    pid_t child;
    snprintf(program, sizeof program, "%s/spec/support/pki.sh", source);
    snprintf(directory, sizeof directory, "%s/build/spec-pki", source);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        execl("/bin/sh", "sh", program, directory, (char *)NULL);
        _exit(127);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

int main(void) {
    char text[4096];
    const char *source = getenv("CLEAT_SOURCE_DIR");
    const char *build = getenv("CLEAT_BUILD_DIR");
    EXPECT(source != NULL && build != NULL);
    make_certificates(source);
    snprintf(text, sizeof text, "%s/lua/?.lua", source);
    setenv("LUA_PATH", text, 1);
    snprintf(text, sizeof text, "%s/lua/5.4/?.so", build);
    setenv("LUA_CPATH", text, 1);
    unsetenv("LUA_PATH_5_4");
    unsetenv("LUA_CPATH_5_4");
    test_states("liblua5.4.so.0");
    test_states("libluajit-5.1.so.2");
    puts("two states of Lua 5.4, two of LuaJIT");
    return 0;
}
