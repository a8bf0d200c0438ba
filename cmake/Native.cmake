# The native module, once for each Lua version of CLEAT_LUA_VERSIONS: target native5.4, file
# lua/5.4/cleat/backend/native.so. Lua's own functions come from the interpreter that loads it. LuaJIT loads the module
# of 5.1 where it is asked to.
set(LUA_INCLUDE_DIR "" CACHE PATH "Where one Lua's headers are, if not where pkg-config says")

# lua_version(FILE NAME): the version that the lua.h in this folder is of
function(lua_version folder name)
    file(STRINGS ${folder}/lua.h lines REGEX "^#define[ \t]+LUA_VERSION_(NUM|MAJOR_N|MINOR_N)[ \t]+[0-9]+")
    string(REGEX MATCH "NUM[ \t]+([0-9])0([0-9])" found "${lines}")
    if(NOT found) # 5.5 computes its number
        string(REGEX MATCH "MAJOR_N[ \t]+([0-9]).*MINOR_N[ \t]+([0-9])" found "${lines}")
    endif()
    if(NOT found)
        message(FATAL_ERROR "No version of Lua in ${folder}/lua.h")
    endif()
    set(${name} ${CMAKE_MATCH_1}.${CMAKE_MATCH_2} PARENT_SCOPE)
endfunction()

# native_module(VERSION FOLDER)
file(GLOB native CONFIGURE_DEPENDS lua/cleat/backend/native.c lua/cleat/backend/native_*.c)
function(native_module version folder)
    set(target native${version})
    add_library(${target} MODULE ${native})
    target_include_directories(${target} SYSTEM PRIVATE ${folder})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    target_link_libraries(${target} PRIVATE cleat cleat_flags)
    target_link_options(${target} PRIVATE -Wl,--version-script,${PROJECT_SOURCE_DIR}/cmake/native.map)
    set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME native
        LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/native.map
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lua/${version}/cleat/backend)
endfunction()

set(lua_versions) # those that there is a module for
if(CLEAT_ROCK AND NOT LUA_INCLUDE_DIR)
    message(FATAL_ERROR "luarocks has no headers of the Lua that it builds for (LUA_INCDIR)")
elseif(LUA_INCLUDE_DIR)
    lua_version(${LUA_INCLUDE_DIR} version)
    if(CLEAT_LUA_VERSIONS AND NOT CLEAT_LUA_VERSIONS STREQUAL version)
        message(FATAL_ERROR "LUA_INCLUDE_DIR has Lua ${version}, and CLEAT_LUA_VERSIONS is ${CLEAT_LUA_VERSIONS}")
    endif()
    native_module(${version} ${LUA_INCLUDE_DIR})
    set(lua_versions ${version})
else()
    set(wanted ${CLEAT_LUA_VERSIONS})
    if(NOT wanted)
        set(wanted 5.1 5.2 5.3 5.4 5.5)
    endif()
    find_package(PkgConfig REQUIRED)
    foreach(version ${wanted})
        string(REPLACE . "" digits ${version})
        pkg_search_module(LUA${digits} QUIET IMPORTED_TARGET lua${version} lua-${version} lua${digits})
        if(LUA${digits}_FOUND)
            native_module(${version} "${LUA${digits}_INCLUDE_DIRS}")
            list(APPEND lua_versions ${version})
        elseif(CLEAT_LUA_VERSIONS)
            message(FATAL_ERROR "pkg-config finds no Lua ${version} (CLEAT_LUA_VERSIONS)")
        endif()
    endforeach()
    if(NOT lua_versions)
        message(FATAL_ERROR "pkg-config finds no Lua: install its headers, name their folder with LUA_INCLUDE_DIR, "
            "or build without the native module (CLEAT_NATIVE=OFF)")
    endif()
endif()
list(JOIN lua_versions " " found)
message(STATUS "Native module for Lua ${found}")
file(WRITE ${PROJECT_BINARY_DIR}/lua-versions "${found}\n") # script/build looks whether others have come
