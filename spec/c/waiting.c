#include "waiting.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/handle.h"
#include "expect.h"
#include "identity.h"

int32_t waiting_server_context;
int32_t waiting_client_context;
char waiting_directory[] = "/tmp/cleat-waiting.XXXXXX";
const char waiting_bytes[WAITING_MUCH];

void waiting_set_up(void) {
    EXPECT(mkdtemp(waiting_directory) != NULL);
    identity_contexts(&waiting_server_context, &waiting_client_context);
}

void waiting_tear_down(void) {
    EXPECT(cleat_close(waiting_server_context) == CLEAT_OK &&
           cleat_close(waiting_client_context) == CLEAT_OK);
    EXPECT(rmdir(waiting_directory) == 0);
}

void waiting_close(struct waiting *self) {
    int i;
    for (i = 0; i < 4; i++) {
        if (self->ids[i] > 0) EXPECT(cleat_close(self->ids[i]) == CLEAT_OK);
        self->ids[i] = 0;
    }
    if (self->other > 0) EXPECT(cleat_close(self->other) == CLEAT_OK);
    self->other = 0;
    if (self->accepted > 0) EXPECT(cleat_close(self->accepted) == CLEAT_OK);
    self->accepted = 0;
    if (self->fd > 0) EXPECT(close(self->fd) == 0);
    self->fd = 0;
    if (self->path[0] != '\0') unlink(self->path);
    self->path[0] = '\0';
}

bool waiting_is_inside(const struct waiting *self) {
    struct cleat_object *object = NULL;
    bool is_inside;
    if (self->ids[0] <= 0 || cleat_handle_find(self->ids[0], 0, &object) < 0) return true;
    is_inside = atomic_load(&object->waiting) > 0;
    cleat_handle_done(object);
    return is_inside;
}

static int32_t call_poll(struct waiting *self) {
    int32_t fd = cleat_socket_fileno(self->ids[1]);
    int32_t events = CLEAT_POLLIN;
    int32_t revents = 0;
    return cleat_poll(&fd, 1, &events, 1, &revents, 1, WAITING_NO_LIMIT);
}

/* The call waits on no object. */
static void open_poll(struct waiting *self) {
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &self->ids[1], &self->ids[2]) ==
           CLEAT_OK);
}

static void send_to_poll(struct waiting *self) {
    EXPECT(cleat_socket_send(self->ids[2], "x", 1, 0, WAITING_PATIENCE) == 1);
}

static void open_epoll(struct waiting *self) {
    open_poll(self);
    self->ids[0] = cleat_epoll_new();
    EXPECT(cleat_epoll_control(self->ids[0], CLEAT_EPOLL_CTL_ADD, cleat_socket_fileno(self->ids[1]),
                               CLEAT_EPOLLIN) == CLEAT_OK);
}

static int32_t call_epoll(struct waiting *self) {
    int32_t fds[2];
    int32_t events[2];
    return cleat_epoll_wait(self->ids[0], fds, 2, events, 2, WAITING_NO_LIMIT);
}

static void open_fifo(struct waiting *self) {
    snprintf(self->path, sizeof self->path, "%s/fifo", waiting_directory);
    EXPECT(mkfifo(self->path, 0600) == 0);
    self->ids[1] = cleat_context_new(CLEAT_PROTOCOL_TLS);
}

static int32_t call_load(struct waiting *self) {
    return cleat_context_load_verify_file(self->ids[1], self->path, (int32_t)strlen(self->path));
}

static void write_fifo(struct waiting *self) {
    int32_t len;
    const char *text = identity_text(IDENTITY_OTHER, &len);
    int fd = open(self->path, O_WRONLY | O_CLOEXEC);
    EXPECT(fd >= 0 && write(fd, text, (size_t)len) == len);
    close(fd);
}

static void open_pipe(struct waiting *self) {
    int ends[2];
    EXPECT(pipe2(ends, O_CLOEXEC) == 0);
    self->fd = ends[0];
    self->write_fd = ends[1];
}

static int32_t call_descriptor_read(struct waiting *self) {
    char byte;
    return cleat_descriptor_read(self->fd, &byte, 1, WAITING_NO_LIMIT);
}

static void write_pipe(struct waiting *self) {
    EXPECT(write(self->write_fd, "x", 1) == 1 && close(self->write_fd) == 0);
}

static struct waiting other_kinds[] = {
    {.name = "poll",
     .function = "cleat_poll",
     .open = open_poll,
     .call = call_poll,
     .release = send_to_poll,
     .result = 1},
    {.name = "epoll",
     .function = "cleat_epoll_wait",
     .open = open_epoll,
     .call = call_epoll,
     .release = send_to_poll,
     .result = 1},
    {.name = "descriptor",
     .function = "cleat_descriptor_read",
     .open = open_pipe,
     .call = call_descriptor_read,
     .release = write_pipe,
     .result = 1},
    {.name = "file",
     .open = open_fifo,
     .call = call_load,
     .release = write_fifo,
     .result = 1,
     .is_restarted = true},
    {.open = NULL},
};

void waiting_each(void (*test)(struct waiting *, int32_t), int32_t argument) {
    static struct waiting *const tables[] = {waiting_socket_kinds, other_kinds,
                                             waiting_connection_kinds};
    size_t i;
    for (i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct waiting *waiting;
        for (waiting = tables[i]; waiting->open != NULL; waiting++) test(waiting, argument);
    }
}
