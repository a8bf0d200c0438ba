// The functions of the C++ runtime that a BoringSSL built without exceptions needs. libstdc++'s own
// versions would add its exception handling, and with it an initialiser that runs, and
// allocates, when the library is loaded. Weak: if libstdc++ is linked in, its functions are used.
#include <cstddef>
#include <cstdlib>

// Never called: destructors that can delete refer to it, but BoringSSL frees with OPENSSL_free.
// clang calls the first, gcc the second.
__attribute__((weak)) void operator delete(void *block) noexcept {
    std::free(block);
}
__attribute__((weak)) void operator delete(void *block, std::size_t) noexcept {
    std::free(block);
}

namespace std {
// Called for a part of a std::string_view beyond its end.
[[noreturn]] __attribute__((weak)) void __throw_out_of_range_fmt(const char *, ...) {
    abort();
}
} // namespace std

#if defined(_LIBCPP_VERSION) && _LIBCPP_VERSION < 15000
#include <algorithm>
// libc++'s headers leave std::sort of integers to its library.
template void std::__1::__sort<std::__1::__less<unsigned short> &, unsigned short *>(
    unsigned short *, unsigned short *, std::__1::__less<unsigned short> &);
template bool
std::__1::__insertion_sort_incomplete<std::__1::__less<unsigned short> &, unsigned short *>(
    unsigned short *, unsigned short *, std::__1::__less<unsigned short> &);
#endif
