// The little that a BoringSSL built without exceptions still asks of the C++ runtime. libstdc++'s own
// versions would bring its exception handling along, and with it an initialiser that runs, and
// allocates, when the library is loaded. Weak: where libstdc++ is linked in after all, its own count.
#include <cstddef>
#include <cstdlib>

// Called by no one: destructors that can delete refer to it, but BoringSSL frees with OPENSSL_free.
__attribute__((weak)) void operator delete(void *block, std::size_t) noexcept {
    std::free(block);
}

namespace std {
// Called where std::string_view is asked for a part beyond its end.
[[noreturn]] __attribute__((weak)) void __throw_out_of_range_fmt(const char *, ...) {
    abort();
}
} // namespace std
