# The fuzzers: spec/fuzz/NAME.c -> spec/fuzz/NAME, which script/fuzz runs, and a short run of each as the test
# fuzz.NAME. The fuzzer sees the coverage of the core and of BoringSSL (script/boringssl --sanitize fuzz).
if(NOT CLEAT_SANITIZE STREQUAL "fuzzer" OR NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "CLEAT_BUILD_FUZZ needs clang and -DCLEAT_SANITIZE=fuzzer: see the preset fuzz")
endif()

if(CLEAT_BORINGSSL_SANITIZED)
    add_test(NAME fuzz.proof.boringssl_instrumented WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
        COMMAND bash spec/proofs/instrumented.sh __sanitizer_cov_ ${boringssl_prefix}/lib/libssl.a ${boringssl_prefix}/lib/libcrypto.a)
endif()

# Fuzzers are programs: a shared library would lack the sanitizer's runtime.
set_target_properties(cleat PROPERTIES EXCLUDE_FROM_ALL TRUE)
file(GLOB fuzzers CONFIGURE_DEPENDS spec/fuzz/*.c)
foreach(source ${fuzzers})
    get_filename_component(name ${source} NAME_WE)
    add_executable(fuzz-${name} ${source} spec/c/identity.c spec/c/ca.c spec/c/ocsp_made.c
        spec/c/full_certificate.c)
    target_link_libraries(fuzz-${name} PRIVATE cleat_objects cleat_flags)
    target_compile_definitions(fuzz-${name} PRIVATE _GNU_SOURCE)
    target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz-${name} PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME ${name}
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec/fuzz)
    add_test(NAME fuzz.${name} COMMAND script/fuzz ${name} 3 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 900 ENVIRONMENT CLEAT_FUZZ_DIR=${PROJECT_BINARY_DIR}/spec/fuzz)
endforeach()
