# All tests go through ctest. CLEAT_TESTS lists the kinds that a build registers:
#   c       spec/c/test_X.c        -> c.X         programs that see the core's internals (tests/programs.cmake)
#   lua54   spec/F/X_spec.lua      -> lua54.F.X   busted on lua5.4 with the native module (tests/specs.cmake)
#   lua51 lua52 lua53              -> lua51.F.X   some of them on these, where CMake finds their headers
#   luajit  spec/F/X_spec.lua      -> luajit.F.X  the same on LuaJIT with the FFI backend
#   gc      the same under an aggressive collector -> gc.lua54.F.X, gc.luajit.F.X
#   soak    script/soak X, briefly -> soak.X      (tests/checks.cmake, as what follows)
#   check   spec/checks/X.{sh,lua} -> check.X     rules about the sources and what is built;
#           cmake/check-X.sh       -> check.X     installing, as CMake and as a rock
#           bench/guards/run.lua X -> check.guard_X  numbers of system calls, allocations and instructions
#   lint    script/lint X          -> lint.X
# In a build with a sanitizer or valgrind, spec/proofs tests that it is on -> proof.X (tests/proofs.cmake).
# Names of other builds than the main one have the build's name as prefix: asan.c.X. CMakePresets.json has the kinds of
# each build.
#
# To add a C test, a spec or a check, add a file of such a name. To add an interpreter, add a row in tests/specs.cmake.
# A row in tests/variations.cmake leaves a test out of a build, or of all runs but `ctest -C full`, or changes its
# arguments, with the reason.
set(CLEAT_TESTS "c;lua51;lua52;lua53;lua54;luajit;gc;soak;check;lint" CACHE STRING "Kinds of tests to register")

# Types, for abidw (spec/checks/abi.sh) and for debuggers; the code is the same.
target_compile_options(cleat_objects PRIVATE -g)

# The C programs of the tests, which script/build --tests builds
add_custom_target(tests)

include(tests/common)     # cleat_test, cleat_vary
include(tests/variations)
foreach(part proofs programs specs checks)
    block() # no variable leaves its file
        include(tests/${part})
    endblock()
endforeach()
