# Where tests differ by the kind of build: cleat_vary (tests/common.cmake) with a row for each.

# These let every N-th of their cases be tested: all of them take too long in a slow build.
cleat_vary("memcheck" "c[.]boundaries" arguments 997)
cleat_vary("memcheck" "c[.]setters" arguments 97)
cleat_vary("thread"   "c[.]setters" arguments 13)
cleat_vary("address"  "c[.]setters" arguments 5)

# spec/schedule: random calls from several threads, for so long. script/fuzz schedule takes longer.
cleat_vary(".*" "c[.]schedule" arguments "--seconds 20")
cleat_vary("memcheck|floor|coverage" "c[.]schedule" arguments "--seconds 3")
cleat_vary(".*" "c[.]schedule_long" arguments "--seconds 600")
cleat_vary(".*" "c[.]schedule_long" when full)

# Under valgrind these take from half a minute to two minutes each, and all specs a quarter of an hour.
cleat_vary("memcheck" "c[.](faults|secrets|states|allocation|hostile)" when full)
cleat_vary("memcheck" "lua54[.].*[.].*" when full)
# The spec makes other programs leak, and valgrind has descriptors open itself: memcheck would report both.
cleat_vary("memcheck" "lua54[.]backend[.]living" when never)

# A stack frame that is kept after its function has returned keeps what the next frame would have overwritten.
cleat_vary(".*" "c[.]secrets" environment ASAN_OPTIONS=detect_stack_use_after_return=0)

# Under an aggressive collector (script/sanitize gc) specs are slow: each run has those that drop most objects.
cleat_vary(".*" "gc[.].*" when full)
cleat_vary(".*" "gc[.][^.]*[.](ssl[.]closing|socket[.]coroutine|ssl[.]wrap)" when always)
cleat_vary(".*" "(proof[.])?gc[.].*" label gc)
