# Which tests run in which build, and how, where that differs from the rule: every build registers all tests of its
# kinds (cmake/Tests.cmake). cleat_vary (tests/common.cmake) explains the rows; the comment above a row is its reason.

## C tests

# In slow builds these run every N-th of their cases.
cleat_vary("memcheck|emulated" "c[.]boundaries" arguments 997)
cleat_vary("coverage" "c[.]boundaries" arguments 97)
cleat_vary("memcheck|emulated" "c[.]setters" arguments 997)
cleat_vary("thread"   "c[.]setters" arguments 61)
cleat_vary("address|coverage" "c[.]setters" arguments 13)
cleat_vary("floor" "c[.]setters" arguments 3)
cleat_vary("memcheck|floor|emulated" "c[.]pairs" arguments "0 97 5")
cleat_vary("thread" "c[.]pairs" arguments "0 29 2")

# spec/schedule: random calls from several threads, for a number of seconds. script/fuzz schedule runs longer.
cleat_vary(".*" "c[.]schedule" arguments "--seconds 10")
cleat_vary("thread" "c[.]schedule" arguments "--seconds 20")
cleat_vary("memcheck|floor|coverage|emulated|cross" "c[.]schedule" arguments "--seconds 3")
cleat_vary(".*" "c[.]schedule_long" arguments "--seconds 600")
cleat_vary(".*" "c[.]schedule_long" when full)

# It takes longest, and would be among the last to start.
cleat_vary("memcheck" "c[.]setters" cost 1)

# c.allocation has one thread: TSan can find nothing there, and takes minutes.
cleat_vary("thread" "c[.]allocation" when full)

# Under valgrind these take up to two minutes each, and all specs a quarter of an hour.
cleat_vary("memcheck" "c[.](faults|secrets|states|allocation|hostile)" when full)
cleat_vary("memcheck" "lua54[.].*[.].*" when full)
# Other programs leak in this spec, and valgrind has open descriptors: memcheck would report both.
cleat_vary("memcheck" "lua54[.]backend[.]living" when never)

# These search memory for secrets: ASan would keep stack frames that the next call otherwise overwrites.
cleat_vary(".*" "c[.](secrets|ech)" environment ASAN_OPTIONS=detect_stack_use_after_return=0)

## Kinds of runs

# Under an aggressive collector (script/sanitize gc) specs are slow: script/test runs those that drop most objects.
cleat_vary(".*" "gc[.].*" when full)
cleat_vary(".*" "gc[.][^.]*[.](ssl[.]closing|socket[.]coroutine|ssl[.]wrap)" when always)
cleat_vary(".*" "(proof[.])?gc[.].*" label gc)

# script/test --fast: the tests that find most bugs for their time. It omits other programs as peers, tests of more than
# two seconds, and checks of sources that seldom change.
cleat_vary("release" "c[.].*" fast yes)
cleat_vary("release" "c[.](boundaries|setters|schedule|schedule_long)" fast no)
cleat_vary("release" "lua54[.](ssl|socket|backend|https|adapters)[.].*" fast yes)
cleat_vary("release" "lua54[.]backend[.](id_leak|living)" fast no)
cleat_vary("release" "lua54[.]ssl[.](bad_certificates|decoder|encrypted_key|paths|protocol_range|protocol_table)" fast no)
cleat_vary("release" "lua54[.]adapters[.].*(nginx|concurrency)" fast no)
cleat_vary("release" "lua54[.]sessions[.](client|memory|ticket_keys)" fast yes)
cleat_vary("release" "lua54[.]luasec[.](connection|https|preference|verification)" fast yes)
cleat_vary("release" "luajit[.]backend[.](backend|keywords)" fast yes)
cleat_vary("release" "luajit[.]socket[.](coroutine|makefile|socket|turns)" fast yes)
cleat_vary("release" "luajit[.]ssl[.](connection|context|errors|memory_bio|nonblocking|tls_socket|wrap)" fast yes)
cleat_vary("release" "lua54[.](checks|peers)[.](helpers|python)" fast yes)
cleat_vary("release" "check[.](coverage|generated|headers|names|rooms|security|surface|symbols|public_names)" fast yes)

# qemu-user lacks features of a kernel: see the tests. And c.loading would load the OpenSSL of this machine.
cleat_vary("emulated" "c[.](garbage|names|resolution)" environment CLEAT_EMULATED=1)
cleat_vary("emulated|cross" "c[.]loading" environment CLEAT_NO_OPENSSL=1)
# c.states loads this machine's Lua.
cleat_vary("emulated|cross" "c[.]states" when never)

## Specs whose result does not depend on the build or the interpreter

# script/generate runs without a build.
cleat_vary(".*"               "luajit[.]checks[.]lua_api" when never)
cleat_vary("floor|address|memcheck|coverage" "[^.]*[.]checks[.]lua_api" when never)
cleat_vary(".*"               "gc[.].*[.]checks[.].*" when never)

# Arguments, interrupted instructions and waiters do not depend on the version of BoringSSL.
cleat_vary("floor" "[^.]*[.](adapters[.]concurrency|backend[.](garbage|id_leak)|ssl[.]arguments)" when never)
# The versions that connect do not depend on the interpreter.
cleat_vary("release" "(lua51|lua52|lua53)[.]ssl[.]protocol_range" when never)

# simulate is a program in plain Lua. fleet is slow: two servers, Redis and CPython.
cleat_vary("floor|address|memcheck|coverage" "[^.]*[.]sessions[.]simulate" when never)
cleat_vary("release" "luajit[.]sessions[.]simulate" when never)
cleat_vary("address|memcheck" "[^.]*[.]sessions[.]fleet" when full)
cleat_vary(".*" "gc[.].*[.]sessions[.](fleet|simulate)" when never)

# Python cannot load a library with a sanitizer.
cleat_vary("address" "[^.]*[.]docs[.]interrupt" when never)

# The programs of spec/hosts have their own Lua, and cannot load a library with a sanitizer.
cleat_vary(".*"               "luajit[.]hosts[.].*" when never)
cleat_vary("floor|address|memcheck" "[^.]*[.]hosts[.].*" when never)
cleat_vary(".*"               "gc[.].*[.]hosts[.].*" when never)

# openssl s_server waits half a second after each connection.
cleat_vary(".*"      ".*peers[.]sessions" when never)
cleat_vary("release" "lua54[.]peers[.]sessions" when always)

# The peers are other programs: nghttpd, nginx, curl and h2load.
cleat_vary(".*"      ".*programs[.]lua_http" when never)
cleat_vary("release" "(lua54|luajit)[.]programs[.]lua_http" when always)

# The peers are other programs: the servers of docs/recipes.md.
cleat_vary(".*"      ".*docs[.]recipes" when never)
cleat_vary("release" "(lua54|luajit)[.]docs[.]recipes" when always)

# Prosody has its own Lua.
cleat_vary(".*"      ".*programs[.]prosody" when never)
cleat_vary("release" "lua54[.]programs[.]prosody" when always)

# The command: once, and on LuaJIT the subcommands that move bytes.
cleat_vary(".*"      ".*[.](cli[.].*|docs[.]command)" when never)
cleat_vary("release" "lua54[.](cli[.].*|docs[.]command)" when always)
cleat_vary("release" "luajit[.]cli[.](connect|serve)" when always)
cleat_vary("floor|address" "lua54[.]cli[.]inspect" when always)
cleat_vary("coverage" "lua54[.](cli[.].*|docs[.]command)" when always)

# cleat.luasec is plain Lua over the tested modules.
cleat_vary(".*"      ".*[.]programs[.]luasec" when never)
cleat_vary("release" "(lua54|luajit)[.]programs[.]luasec" when always)
cleat_vary("coverage" "lua54[.]programs[.](luasec|lua_http)" when always)
