/* load.h: how much longer than on a free machine a call may take here and now: the one factor for the upper bounds of
 * the C tests. spec/support/limits.lua is the same for the specs. */
#ifndef CLEAT_SPEC_LOAD_H
#define CLEAT_SPEC_LOAD_H

/* load_bound returns an upper bound, in seconds, for what is done within so many seconds on a free machine. */
double load_bound(double seconds);

/* load_alarm ends the process by SIGALRM after load_bound(seconds): what hangs. */
void load_alarm(unsigned seconds);

#endif
