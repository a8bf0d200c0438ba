/* cleat.hpp: cleat for C++17: ids that close themselves, and statuses as exceptions. Copy it into your program. */
#ifndef CLEAT_HPP
#define CLEAT_HPP

#include <cleat.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace cleat {

/* fetch returns the text of a function whose last pair is (out, out_cap), or its status in result. */
template <typename Function, typename... Arguments>
std::string fetch(int32_t &result, Function function, Arguments... arguments) {
    std::string out(256, '\0');
    result = function(arguments..., out.data(), static_cast<int32_t>(out.size()));
    if (result > static_cast<int32_t>(out.size())) {
        out.resize(static_cast<size_t>(result));
        result = function(arguments..., out.data(), static_cast<int32_t>(out.size()));
    }
    out.resize(result > 0 ? static_cast<size_t>(result) : 0);
    return out;
}

/* An Error is a status and the texts of this thread's last failure. */
class Error : public std::runtime_error {
  public:
    explicit Error(int32_t status) : std::runtime_error(words()), status(status) {
    }

    int32_t status_class() const {
        return CLEAT_CLASS(status);
    }
    int32_t value() const {
        return CLEAT_VALUE(status);
    }

    const int32_t status;

  private:
    static std::string words() {
        int32_t result;
        std::string message = fetch(result, cleat_error_message);
        std::string filename = fetch(result, cleat_error_filename);
        return filename.empty() ? message : message + ": " + filename;
    }
};

/* check returns the answer of a call, and throws if it is a status. */
inline int32_t check(int32_t result) {
    if (result < 0) throw Error(result);
    return result;
}

/* text returns what a function whose last pair is (out, out_cap) says, and throws if that is a status. */
template <typename Function, typename... Arguments>
std::string text(Function function, Arguments... arguments) {
    int32_t result;
    std::string out = fetch(result, function, arguments...);
    check(result);
    return out;
}

/* size is the length of a pair (p, p_len). One that does not fit is negative, which cleat refuses (CLEAT_USAGE). */
inline int32_t size(std::string_view bytes) {
    return bytes.size() <= INT32_MAX ? static_cast<int32_t>(bytes.size()) : -1;
}

/* An Id owns an id of any kind: it is moved, not copied, and closes what it owns. */
class Id {
  public:
    explicit Id(int32_t result) : id(check(result)) {
    }
    Id(Id &&other) noexcept : id(std::exchange(other.id, 0)) {
    }
    Id &operator=(Id &&other) noexcept {
        std::swap(id, other.id);
        return *this;
    }
    Id(const Id &) = delete;
    Id &operator=(const Id &) = delete;
    ~Id() {
        if (id > 0) cleat_close(id);
    }

    operator int32_t() const {
        return id;
    }

  private:
    int32_t id;
};

} // namespace cleat

#endif
