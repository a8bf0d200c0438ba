# A build whose sanitizer is off passes all tests, so the deliberate mistakes of spec/proofs must be reported.
if(NOT cleat_build MATCHES "^(address|thread|memcheck)$")
    return()
endif()

# cleat_proof(BUILD MISTAKE REPORT): in this kind of build, proof.c's mistake leads to a report that matches.
function(cleat_proof build mistake report)
    if(cleat_build MATCHES "^(${build})$")
        cleat_test(proof.${mistake} spec/proofs/proof.sh "${report}" ${cleat_memcheck} $<TARGET_FILE:proof> ${mistake})
    endif()
endfunction()

# cleat_proof_boringssl(BUILD MISTAKE REPORT SYMBOL): the same inside BoringSSL, and its archives refer to the symbol.
# Not where BORINGSSL_ROOT names a BoringSSL, which may have been built without the sanitizer.
function(cleat_proof_boringssl build mistake report symbol)
    if(NOT cleat_build STREQUAL build OR NOT CLEAT_BORINGSSL_SANITIZED)
        return()
    endif()
    add_executable(proof-boringssl EXCLUDE_FROM_ALL spec/proofs/boringssl.c)
    target_link_libraries(proof-boringssl PRIVATE boringssl cleat_flags)
    set_target_properties(proof-boringssl PROPERTIES LINKER_LANGUAGE CXX)
    add_dependencies(tests proof-boringssl)
    cleat_test(proof.boringssl_${mistake} spec/proofs/proof.sh "${report}" $<TARGET_FILE:proof-boringssl> ${mistake})
    cleat_test(proof.boringssl_instrumented bash spec/proofs/instrumented.sh "${symbol}"
        ${boringssl_prefix}/lib/libssl.a ${boringssl_prefix}/lib/libcrypto.a)
endfunction()

add_executable(proof EXCLUDE_FROM_ALL spec/proofs/proof.c)
target_link_libraries(proof PRIVATE cleat cleat_flags Threads::Threads)
set_target_properties(proof PROPERTIES LINKER_LANGUAGE CXX)
add_dependencies(tests proof)

cleat_proof(".*"     nothing        none)
cleat_proof(address  use_after_free "AddressSanitizer: heap-use-after-free")
cleat_proof(address  overrun        "AddressSanitizer: heap-buffer-overflow")
cleat_proof(address  overflow       "runtime error: signed integer overflow")
cleat_proof(address  leak           "LeakSanitizer: detected memory leaks")
cleat_proof(address  cast           "runtime error: 1e\\+10 is outside the range")
cleat_proof(thread   race           "ThreadSanitizer: data race")
cleat_proof(memcheck use_after_free "Invalid write of size 8")
cleat_proof(memcheck overrun        "0 bytes inside a block of size 1 alloc'd")
cleat_proof(memcheck leak           "1,000 bytes in 1 blocks are definitely lost")
cleat_proof(memcheck uninitialised  "ninitialised value")

cleat_proof_boringssl(address use_after_free "#0 .* in BIO_number_read" "__asan_report_")
cleat_proof_boringssl(thread  race           "#0 BIO_set_flags"         "__tsan_")
