/* scenario.h: what is tried with every one of its allocations failing. */
#ifndef CLEAT_SPEC_SCENARIO_H
#define CLEAT_SPEC_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

struct scenario {
    const char *name;
    void (*before)(void); /* makes what act needs; or NULL */
    int32_t (*act)(void); /* its allocations fail; returns a status, and notes what it saw */
    void (*after)(void); /* closes what the two made, however far act came; or NULL */
    int32_t right; /* the status that is right with all the memory there is: 0 for any answer */
    bool again; /* act works when it is called once more after it failed: it changed nothing */
};

/* note and note_text add to what act saw; it must be the same whenever act succeeds. */
void note(int32_t number);
void note_text(const char *text, int32_t len);

/* Tables that end with a NULL name, and what makes and frees what their scenarios share. */
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
