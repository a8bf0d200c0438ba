# 32-bit x86 with glibc, by Debian's g++-i686-linux-gnu. Tests run on an x86-64 kernel itself: the dynamic linker of the
# cross compiler's libc is named, since there need be no other one for this machine.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER i686-linux-gnu-gcc -msse2)
set(CMAKE_CXX_COMPILER i686-linux-gnu-g++ -msse2)
set(CMAKE_CROSSCOMPILING_EMULATOR /usr/i686-linux-gnu/lib/ld-linux.so.2 --library-path /usr/i686-linux-gnu/lib)
