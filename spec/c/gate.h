/* gate.h: look-ups that hang until a gate is opened, for tests that replace a function of the resolver. */
#ifndef CLEAT_SPEC_GATE_H
#define CLEAT_SPEC_GATE_H

#include <stdbool.h>

/* gate_pass is called by the replaced function. It counts the call as hanging and, if it waits, returns once the gate
 * is open. */
void gate_pass(bool waits);

/* gate_set opens or closes the gate; closing it begins a new count for gate_most. */
void gate_set(bool open);

/* gate_await waits until that many calls hang. */
void gate_await(int number);

/* gate_hanging returns how many calls hang now, gate_most how many have hung at the same time. */
int gate_hanging(void);
int gate_most(void);

/* gate_after_fork makes an open gate, in a child whose parent's threads may have held the lock. */
void gate_after_fork(void);

#endif
