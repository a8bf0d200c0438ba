/* gate.h: lookups that block until a gate is opened, for tests that replace a function of the resolver. */
#ifndef CLEAT_SPEC_GATE_H
#define CLEAT_SPEC_GATE_H

#include <stdbool.h>

/* gate_pass is called by the replaced function. It counts the call as blocked and, if the gate is closed, returns once
 * it is open. */
void gate_pass(bool waits);

/* gate_set opens or closes the gate; closing it begins a new count for gate_most. */
void gate_set(bool open);

/* gate_await waits until that many calls are blocked. */
void gate_await(int number);

/* gate_hanging returns how many calls are blocked now, gate_most how many were blocked at the same time. */
int gate_hanging(void);
int gate_most(void);

/* gate_after_fork makes a new, open gate in a child process, because a thread of the parent may hold the lock. */
void gate_after_fork(void);

#endif
