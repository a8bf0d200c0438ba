/* test_epoll.c: cleat_epoll_*: the reported events in each mode; errors of the system; a wait that another thread ends;
 * a process without free descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "cleat.h"
#include "expect.h"

static int32_t near;
static int32_t far;
static int32_t fd; /* of near */

static void set_up(void) {
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &near, &far) == CLEAT_OK);
    fd = cleat_socket_fileno(near);
}

static void tear_down(void) {
    EXPECT(cleat_close(near) == CLEAT_OK && cleat_close(far) == CLEAT_OK);
    EXPECT(cleat_handle_count() == 0);
}

static void send_byte(void) {
    EXPECT(cleat_socket_send(far, "x", 1, 0, 10) == 1);
}

static void take_byte(void) {
    char byte;
    EXPECT(cleat_socket_recv(near, &byte, 1, 0, 10) == 1);
}

/* The events of the only descriptor, 0 for none. */
static int32_t events_of(int32_t epoll) {
    int32_t fds[4] = {-1, -1, -1, -1};
    int32_t events[4];
    int32_t count = cleat_epoll_wait(epoll, fds, 4, events, 4, 0);
    EXPECT(count == 0 || (count == 1 && fds[0] == fd));
    return count == 0 ? 0 : events[0];
}

static int32_t with(int32_t events) {
    int32_t epoll = cleat_epoll_new();
    EXPECT(epoll > 0 && cleat_kind(epoll) == CLEAT_KIND_EPOLL);
    EXPECT(fcntl(cleat_epoll_fileno(epoll), F_GETFD) == FD_CLOEXEC);
    EXPECT(cleat_epoll_control(epoll, CLEAT_EPOLL_CTL_ADD, fd, events) == CLEAT_OK);
    return epoll;
}

static void test_level(void) {
    int32_t epoll;
    int i;
    set_up();
    epoll = with(CLEAT_EPOLLIN);
    EXPECT(events_of(epoll) == 0);
    send_byte();
    for (i = 0; i < 2; i++) EXPECT(events_of(epoll) == CLEAT_EPOLLIN);
    EXPECT(cleat_epoll_control(epoll, CLEAT_EPOLL_CTL_MOD, fd, CLEAT_EPOLLOUT) == CLEAT_OK);
    EXPECT(events_of(epoll) == CLEAT_EPOLLOUT);
    EXPECT(cleat_epoll_control(epoll, CLEAT_EPOLL_CTL_DEL, fd, 0) == CLEAT_OK);
    EXPECT(events_of(epoll) == 0);
    EXPECT(cleat_close(epoll) == CLEAT_OK);
    tear_down();
}

/* One report, and not a second one. */
static void once(int32_t epoll) {
    EXPECT(events_of(epoll) == CLEAT_EPOLLIN);
    EXPECT(events_of(epoll) == 0);
}

static void test_modes(void) {
    int32_t epoll;
    set_up();
    epoll = with(CLEAT_EPOLLIN | CLEAT_EPOLLET);
    send_byte();
    once(epoll);
    send_byte();
    once(epoll);
    EXPECT(cleat_epoll_control(epoll, CLEAT_EPOLL_CTL_MOD, fd,
                               CLEAT_EPOLLIN | CLEAT_EPOLLONESHOT) == CLEAT_OK);
    once(epoll);
    take_byte();
    EXPECT(cleat_epoll_control(epoll, CLEAT_EPOLL_CTL_MOD, fd, CLEAT_EPOLLIN) == CLEAT_OK);
    EXPECT(events_of(epoll) == CLEAT_EPOLLIN);
    take_byte();
    EXPECT(cleat_socket_shutdown(far, CLEAT_SHUT_RDWR) == CLEAT_OK);
    EXPECT(events_of(epoll) == (CLEAT_EPOLLIN | CLEAT_EPOLLHUP));
    EXPECT(cleat_close(epoll) == CLEAT_OK);
    tear_down();
}

static void test_errors(void) {
    char text[128];
    int32_t len;
    int32_t epoll;
    int32_t out;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    set_up();
    epoll = with(0);
#define FAILS(operation, on, number)                                                               \
    EXPECT(cleat_epoll_control(epoll, (operation), (on), 0) == CLEAT_STATUS(CLEAT_SYS, (number)))
    FAILS(CLEAT_EPOLL_CTL_ADD, fd, EEXIST);
    FAILS(CLEAT_EPOLL_CTL_ADD, file, EPERM);
    FAILS(CLEAT_EPOLL_CTL_ADD, -1, EBADF);
    FAILS(CLEAT_EPOLL_CTL_MOD, cleat_socket_fileno(far), ENOENT);
    FAILS(CLEAT_EPOLL_CTL_DEL, cleat_socket_fileno(far), ENOENT);
    EXPECT(CLEAT_CLASS(cleat_epoll_control(epoll, 0, fd, 0)) == CLEAT_USAGE);
    EXPECT(CLEAT_CLASS(cleat_epoll_wait(epoll, &out, 1, &out, 2, 0)) == CLEAT_USAGE);
    EXPECT(CLEAT_CLASS(cleat_epoll_wait(epoll, &out, 0, &out, 0, 0)) == CLEAT_USAGE);
    EXPECT(cleat_close(epoll) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_epoll_fileno(epoll)) == CLEAT_HANDLE);
    len = cleat_error_message(text, sizeof text - 1);
    EXPECT(len > 0 && len < (int32_t)sizeof text);
    text[len] = '\0';
    EXPECT(strstr(text, "epoll instance") != NULL);
    close(file);
    tear_down();
}

/* An epoll instance needs two descriptors: with one or none available it is not made, and keeps none. */
static void test_no_descriptors(void) {
    struct rlimit before;
    struct rlimit few;
    int lowest = dup(0);
    int left;
    EXPECT(getrlimit(RLIMIT_NOFILE, &before) == 0);
    close(lowest);
    for (left = 0; left <= 2; left++) {
        int32_t epoll;
        few = before;
        few.rlim_cur = (rlim_t)lowest + (rlim_t)left;
        EXPECT(setrlimit(RLIMIT_NOFILE, &few) == 0);
        epoll = cleat_epoll_new();
        EXPECT(setrlimit(RLIMIT_NOFILE, &before) == 0);
        if (left == 2) {
            EXPECT(epoll > 0 && cleat_close(epoll) == CLEAT_OK);
        } else {
            EXPECT(epoll == CLEAT_STATUS(CLEAT_SYS, EMFILE));
        }
    }
    EXPECT(dup(0) == lowest && close(lowest) == 0);
    EXPECT(cleat_handle_count() == 0);
}

static void *add_from_another_thread(void *epoll) {
    EXPECT(cleat_epoll_control(*(int32_t *)epoll, CLEAT_EPOLL_CTL_ADD, fd, CLEAT_EPOLLIN) == 0);
    send_byte();
    return NULL;
}

/* A descriptor that another thread adds during a wait is reported to it. */
static void test_added_meanwhile(void) {
    pthread_t thread;
    int32_t epoll = cleat_epoll_new();
    int32_t out;
    int32_t events;
    set_up();
    EXPECT(pthread_create(&thread, NULL, add_from_another_thread, &epoll) == 0);
    EXPECT(cleat_epoll_wait(epoll, &out, 1, &events, 1, -1) == 1);
    EXPECT(out == fd && events == CLEAT_EPOLLIN);
    pthread_join(thread, NULL);
    EXPECT(cleat_close(epoll) == CLEAT_OK);
    tear_down();
}

int main(void) {
    test_level();
    test_modes();
    test_errors();
    test_no_descriptors();
    test_added_meanwhile();
    return 0;
}
