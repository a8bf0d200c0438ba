/* scenario.h: the operations, in which every allocation fails once. */
#ifndef CLEAT_SPEC_SCENARIO_H
#define CLEAT_SPEC_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

struct scenario {
    const char *name;
    void (*before)(void); /* makes the objects that act needs; or NULL */
    int32_t (*act)(void); /* its allocations fail; returns a status, and records its results */
    void (*after)(void); /* closes the objects of both, at whatever point act has failed; or NULL */
    int32_t right; /* the expected status without failures: 0 for any success */
    bool
        again; /* act succeeds when it is called again after a failure, because it changes nothing */
};

/* note and note_text record results of act; they must be the same whenever act succeeds. */
void note(int32_t number);
void note_text(const char *text, int32_t len);

/* Tables that end with a NULL name, and functions that make and free the objects that their scenarios share. */
extern const struct scenario context_scenarios[];
extern const struct scenario object_scenarios[];
extern const struct scenario connection_scenarios[];
extern const struct scenario verification_scenarios[];
extern const struct scenario staple_scenarios[];
extern const struct scenario session_scenarios[];
extern const struct scenario credential_scenarios[];
extern const struct scenario certificate_scenarios[];
void context_scenarios_begin(void);
void context_scenarios_end(void);
void object_scenarios_begin(void);
void object_scenarios_end(void);
void connection_scenarios_begin(void);
void connection_scenarios_end(void);
void verification_scenarios_begin(void);
void verification_scenarios_end(void);
void staple_scenarios_begin(void);
void staple_scenarios_end(void);

#endif
