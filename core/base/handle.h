/* handle.h: objects, and the table that gives them ids.
 *
 * An object is freed when its last reference is released. Its id has one reference while it is open; the other
 * references belong to objects that use it. Every exported function that takes an id has the same form:
 *
 * struct cleat_socket *socket; CLEAT_FIND(socket, id, CLEAT_KIND_SOCKET); result = ...; CLEAT_DONE(socket); return
 * result;
 *
 * CLEAT_FIND pins the object until CLEAT_DONE, even if its id is closed meanwhile. It takes no lock. cleat_close
 * does not wait: it marks the object as closed and wakes the calls that wait on it. */
#ifndef CLEAT_CORE_HANDLE_H
#define CLEAT_CORE_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "cleat/handle.h"

struct cleat_slot;

struct cleat_object {
    int32_t kind; /* CLEAT_KIND_* */
    atomic_int references;
    atomic_bool closed; /* its id was closed */
    atomic_int waiting; /* calls that wait on it for the network */
    int32_t id; /* 0 if it never had one */
    struct cleat_slot *slot; /* of its id, if it has one */
    void (*destroy)(struct cleat_object *object); /* called when the last reference is released */
    void (*interrupt)(
        struct cleat_object *object); /* cleat_close calls it while calls wait; or NULL */
};

/* cleat_object_init initialises an object with one reference, the caller's. Each object's
 * struct begins with its cleat_object. */
void cleat_object_init(struct cleat_object *object, int32_t kind,
                       void (*destroy)(struct cleat_object *object));

void cleat_object_ref(struct cleat_object *object);
void cleat_object_unref(struct cleat_object *object);

/* cleat_object_is_closed returns whether the object's id was closed. */
static inline bool cleat_object_is_closed(const struct cleat_object *object) {
    return atomic_load_explicit(&object->closed, memory_order_relaxed);
}

/* cleat_object_wait_begin returns false if the object's id was closed; otherwise the caller may wait, and calls
 * cleat_object_wait_end afterwards. In between, cleat_close calls the object's interrupt. */
bool cleat_object_wait_begin(struct cleat_object *object);
void cleat_object_wait_end(struct cleat_object *object);

/* cleat_handle_open returns a new id for the object, which takes over the caller's reference. If it fails, it
 * releases the reference. */
int32_t cleat_handle_open(struct cleat_object *object);

/* cleat_handle_find returns CLEAT_OK and the id's object, and pins it; kind 0 is any. cleat_handle_done removes the
 * pin. */
int32_t cleat_handle_find(int32_t id, int32_t kind, struct cleat_object **object);
void cleat_handle_done(struct cleat_object *object);

/* cleat_handle_ref adds a reference to an object that the caller has found by its id; it
 * takes a lock, so that cleat_handle_detach sees every reference. */
void cleat_handle_ref(struct cleat_object *object);

/* cleat_handle_detach returns CLEAT_OK and closes the id of an object that the caller has found, if
 * there is no other user of the object and no other reference; otherwise it changes nothing:
 * CLEAT_USAGE, or CLEAT_CLOSED if the id was closed meanwhile. */
int32_t cleat_handle_detach(struct cleat_object *object);

/* CLEAT_PIN finds an object for a function without a cancellation point (cancel.h). */
#define CLEAT_PIN(variable, id, kind)                                                              \
    do {                                                                                           \
        struct cleat_object *found_ = NULL;                                                        \
        int32_t status_ = cleat_handle_find((id), (kind), &found_);                                \
        if (found_ == NULL) return status_;                                                        \
        (variable) = (void *)found_;                                                               \
    } while (0)

/* CLEAT_FIND also disables cancellation until the block that it is in ends. */
#define CLEAT_FIND(variable, id, kind)                                                             \
    CLEAT_NO_CANCEL_AS(variable##_cancel_, true);                                                  \
    CLEAT_PIN(variable, id, kind)

#define CLEAT_DONE(variable) cleat_handle_done(&(variable)->object)

#endif
