# Where tests differ by the kind of build: cleat_vary (tests/common.cmake) with a row for each.

# These let every N-th of their cases be tested: all of them take too long in a slow build.
cleat_vary("memcheck|emulated" "c[.]boundaries" arguments 997)
cleat_vary("coverage" "c[.]boundaries" arguments 97)
cleat_vary("memcheck|emulated" "c[.]setters" arguments 997)
cleat_vary("thread"   "c[.]setters" arguments 61)
cleat_vary("address|coverage" "c[.]setters" arguments 13)
cleat_vary("floor" "c[.]setters" arguments 3)
cleat_vary("memcheck|floor|emulated" "c[.]pairs" arguments "0 97 5")
cleat_vary("thread" "c[.]pairs" arguments "0 29 2")

# spec/schedule: random calls from several threads, for so long. script/fuzz schedule takes longer.
cleat_vary(".*" "c[.]schedule" arguments "--seconds 10")
cleat_vary("thread" "c[.]schedule" arguments "--seconds 20")
cleat_vary("memcheck|floor|coverage|emulated|cross" "c[.]schedule" arguments "--seconds 3")
cleat_vary(".*" "c[.]schedule_long" arguments "--seconds 600")
cleat_vary(".*" "c[.]schedule_long" when full)

# One thread, with each of its allocations failing in turn: under TSan it takes minutes and has no thread to race with.
cleat_vary("thread" "c[.]allocation" when full)

# Under valgrind these take from half a minute to two minutes each, and all specs a quarter of an hour.
cleat_vary("memcheck" "c[.](faults|secrets|states|allocation|hostile)" when full)
cleat_vary("memcheck" "lua54[.].*[.].*" when full)
# The spec makes other programs leak, and valgrind has descriptors open itself: memcheck would report both.
cleat_vary("memcheck" "lua54[.]backend[.]living" when never)

# A stack frame that is kept after its function has returned keeps what the next frame would have overwritten.
cleat_vary(".*" "c[.](secrets|ech)" environment ASAN_OPTIONS=detect_stack_use_after_return=0)

# Under an aggressive collector (script/sanitize gc) specs are slow: each run has those that drop most objects.
cleat_vary(".*" "gc[.].*" when full)
cleat_vary(".*" "gc[.][^.]*[.](ssl[.]closing|socket[.]coroutine|ssl[.]wrap)" when always)
cleat_vary(".*" "(proof[.])?gc[.].*" label gc)

# script/test --fast: the tests that find most mistakes in a second of a processor; see there for how long it may take.
# Left out are other programs as peers, what takes more than two seconds, and checks of sources that seldom change.
cleat_vary("release" "c[.].*" fast yes)
cleat_vary("release" "c[.](boundaries|setters|schedule|schedule_long)" fast no)
cleat_vary("release" "lua54[.](ssl|socket|backend|https|adapters)[.].*" fast yes)
cleat_vary("release" "lua54[.]backend[.](id_leak|living)" fast no)
cleat_vary("release" "lua54[.]ssl[.](bad_certificates|decoder|encrypted_key|paths|protocol_range|protocol_table)" fast no)
cleat_vary("release" "lua54[.]adapters[.].*(nginx|questions)" fast no)
cleat_vary("release" "lua54[.]sessions[.](client|memory|ticket_keys)" fast yes)
cleat_vary("release" "lua54[.]luasec[.](connection|https|preference|verification)" fast yes)
cleat_vary("release" "luajit[.]backend[.](backend|keywords)" fast yes)
cleat_vary("release" "luajit[.]socket[.](coroutine|makefile|socket|turns)" fast yes)
cleat_vary("release" "luajit[.]ssl[.](connection|context|errors|memory_bio|nonblocking|tls_socket|wrap)" fast yes)
cleat_vary("release" "lua54[.](checks|peers)[.](helpers|python)" fast yes)
cleat_vary("release" "check[.](coverage|generated|headers|names|rooms|security|surface|symbols|public_names)" fast yes)

# What qemu-user does not do as a kernel: see the tests. And the OpenSSL that c.loading loads is this machine's.
cleat_vary("emulated" "c[.](garbage|names|resolution)" environment CLEAT_EMULATED=1)
cleat_vary("emulated|cross" "c[.]loading" environment CLEAT_NO_OPENSSL=1)
# c.states loads this machine's Lua.
cleat_vary("emulated|cross" "c[.]states" when never)

# script/generate is the same on every interpreter and in every build.
cleat_vary(".*"               "luajit[.]checks[.]lua_api" when never)
cleat_vary("floor|address|memcheck|coverage" "[^.]*[.]checks[.]lua_api" when never)
cleat_vary(".*"               "gc[.].*[.]checks[.].*" when never)

# What the backend and Lua do with any argument, at any instruction and under a waiter is the same over each BoringSSL.
cleat_vary("floor" "[^.]*[.](adapters[.]questions|backend[.](garbage|id_leak)|ssl[.]arguments)" when never)
# Which versions connect is the same on each interpreter.
cleat_vary("release" "(lua51|lua52|lua53)[.]ssl[.]protocol_range" when never)

# A program of plain Lua; and what two servers, Redis and CPython do with each other, in builds in which they are slow.
cleat_vary("floor|address|memcheck|coverage" "[^.]*[.]sessions[.]simulate" when never)
cleat_vary("release" "luajit[.]sessions[.]simulate" when never)
cleat_vary("address|memcheck" "[^.]*[.]sessions[.]fleet" when full)
cleat_vary(".*" "gc[.].*[.]sessions[.](fleet|simulate)" when never)

# Python cannot load a library with a sanitizer.
cleat_vary("address" "[^.]*[.]docs[.]interrupt" when never)

# The programs of spec/hosts bring their own Lua: once is enough. They cannot load a library with a sanitizer.
cleat_vary(".*"               "luajit[.]hosts[.].*" when never)
cleat_vary("floor|address|memcheck" "[^.]*[.]hosts[.].*" when never)
cleat_vary(".*"               "gc[.].*[.]hosts[.].*" when never)

# Those of the sessions' spec too, and openssl s_server waits for half a second after each connection: once.
cleat_vary(".*"      ".*peers[.]sessions" when never)
cleat_vary("release" "lua54[.]peers[.]sessions" when always)

# nghttpd, nginx, curl and h2load find the same in each build.
cleat_vary(".*"      ".*programs[.]lua_http" when never)
cleat_vary("release" "(lua54|luajit)[.]programs[.]lua_http" when always)

# The servers of docs/recipes.md find the same in each build: once on each of two interpreters is enough.
cleat_vary(".*"      ".*docs[.]recipes" when never)
cleat_vary("release" "(lua54|luajit)[.]docs[.]recipes" when always)

# Prosody brings its own Lua.
cleat_vary(".*"      ".*programs[.]prosody" when never)
cleat_vary("release" "lua54[.]programs[.]prosody" when always)

# The command finds the same in each build: once is enough, and what moves bytes on LuaJIT too.
cleat_vary(".*"      ".*[.](cli[.].*|docs[.]command)" when never)
cleat_vary("release" "lua54[.](cli[.].*|docs[.]command)" when always)
cleat_vary("release" "luajit[.]cli[.](connect|serve)" when always)
cleat_vary("floor|address" "lua54[.]cli[.]inspect" when always)
cleat_vary("coverage" "lua54[.](cli[.].*|docs[.]command)" when always)

# Other projects' programs over cleat.luasec return the same in each build, and so do LuaSec's certificates.
cleat_vary(".*"      ".*[.]programs[.]luasec" when never)
cleat_vary("release" "(lua54|luajit)[.]programs[.]luasec" when always)
cleat_vary("coverage" "lua54[.]programs[.](luasec|lua_http)" when always)
