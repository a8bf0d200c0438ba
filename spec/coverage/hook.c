/* hook.c: a Lua module that records which lines of lua/ are executed: script/coverage loads it into
 * every interpreter by LUA_INIT.
 *
 * A line is written to CLEAT_LINES/PID when it is executed first, as FILE:LINE, so that a process
 * that is killed has recorded what it did. The file is open only while it is written to: specs count
 * descriptors and run out of them. A debug hook of a spec's replaces this one until it is removed. */
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 256, LINES = 8192, NAME = 512 };

struct file {
    char name[NAME]; /* Lua's name of the chunk, "@" and the path */
    bool watched;
    unsigned char done[LINES];
};

static struct file *files[FILES];
static char prefix[NAME]; /* of those that are watched: "@ROOT/lua/" */
static const char *folder;
static pid_t process;

static struct file *find(const char *source) {
    size_t i;
    struct file *file;
    for (i = 0; i < FILES && files[i]; i++) {
        if (strcmp(files[i]->name, source) == 0) return files[i];
    }
    if (i == FILES || strlen(source) >= NAME) return NULL;
    file = calloc(1, sizeof *file);
    if (!file) return NULL;
    memcpy(file->name, source, strlen(source) + 1);
    file->watched = strncmp(source, prefix, strlen(prefix)) == 0;
    files[i] = file;
    return file;
}

static bool record(const struct file *file, int line) {
    char name[NAME + 16], text[NAME + 16];
    int fd, length;
    ssize_t written;
    snprintf(name, sizeof name, "%s/%ld", folder, (long)process);
    length = snprintf(text, sizeof text, "lua/%s:%d\n", file->name + strlen(prefix), line);
    fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return false;
    written = write(fd, text, (size_t)length);
    close(fd);
    return written == length;
}

static void on_line(lua_State *L, lua_Debug *ar) {
    static const char *last_source;
    static struct file *last;
    if (!lua_getinfo(L, "S", ar) || ar->source[0] != '@') return;
    if (ar->source != last_source || !last || strcmp(last->name, ar->source) != 0) {
        last = find(ar->source);
        last_source = ar->source;
    }
    if (!last || !last->watched || ar->currentline < 1 || ar->currentline >= LINES) return;
    if (process != getpid()) { /* a child of fork has recorded nothing */
        process = getpid();
        memset(last->done, 0, sizeof last->done);
    }
    if (!last->done[ar->currentline]) last->done[ar->currentline] = record(last, ar->currentline);
}

static int install(lua_State *L) {
    lua_sethook(L, on_line, LUA_MASKLINE, 0);
    return 0;
}

int luaopen_hook(lua_State *L);

/* Returns a function that installs the hook in the thread that calls it; new coroutines inherit it. */
int luaopen_hook(lua_State *L) {
    const char *root = getenv("CLEAT_SOURCE_DIR");
    folder = getenv("CLEAT_LINES");
    if (!root || !folder) return luaL_error(L, "hook: no CLEAT_SOURCE_DIR or no CLEAT_LINES");
    snprintf(prefix, sizeof prefix, "@%s/lua/", root);
    lua_pushcfunction(L, install);
    return 1;
}
