# zlib: the static zlib that is linked in, for certificate compression. Without one the feature is missing, and the rest
# is the same: HAS_CERTIFICATE_COMPRESSION is false. CLEAT_ZLIB=OFF leaves it out.
option(CLEAT_ZLIB "Link a static zlib in, if there is one: certificate compression" ON)

add_library(zlib INTERFACE)
set(zlib_archives)
set(CLEAT_HAS_ZLIB 0)
if(CLEAT_ZLIB)
    find_library(CLEAT_ZLIB_ARCHIVE libz.a)
    mark_as_advanced(CLEAT_ZLIB_ARCHIVE)
    if(CLEAT_ZLIB_ARCHIVE)
        # One for another machine or another libc does not do.
        include(CheckCSourceCompiles)
        set(CMAKE_REQUIRED_LIBRARIES ${CLEAT_ZLIB_ARCHIVE})
        check_c_source_compiles("
            #include <zlib.h>
            int main(void) { z_stream stream = {0}; return inflateInit(&stream) + deflateInit(&stream, 9); }"
            CLEAT_ZLIB_LINKS)
        unset(CMAKE_REQUIRED_LIBRARIES)
    endif()
    if(CLEAT_ZLIB_ARCHIVE AND CLEAT_ZLIB_LINKS)
        set(CLEAT_HAS_ZLIB 1)
        set(zlib_archives ${CLEAT_ZLIB_ARCHIVE})
        target_link_libraries(zlib INTERFACE ${CLEAT_ZLIB_ARCHIVE})
    endif()
endif()
message(STATUS "zlib: ${CLEAT_HAS_ZLIB} ${zlib_archives}")
