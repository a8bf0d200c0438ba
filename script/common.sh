# Functions for the scripts of this folder, which source this file.
# Messages go to stderr, so that stdout has results only.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # used by those who source this
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/cleat

say() { printf '%s\n' "$*" >&2; }
step() { printf '[%(%H:%M:%S)T] %s\n' -1 "$*" >&2; }
die() {
    say "${0##*/}: $*"
    exit 1
}

# usage FILE: a script's help is the comment block below its first line.
usage() { sed -n '2,/^[^#]/{ s/^# \{0,1\}//p; }' "$1"; }

# watch_job PID LABEL STATUS: waits for a background job and returns its exit status. Meanwhile it prints
# LABEL and the output of the function STATUS: as a changing line on a terminal, every ten seconds in a
# log, so that a long step does not look like a hang.
watch_job() {
    local pid=$1 label=$2 status=$3 started=$SECONDS last=$SECONDS rc=0
    while kill -0 "$pid" 2>/dev/null; do
        if [[ -t 2 ]]; then
            printf '\r\033[K  %s %s' "$label" "$("$status")" >&2
            sleep 0.3
        else
            if ((SECONDS - last >= 10)); then
                last=$SECONDS
                step "  $label $("$status")"
            fi
            sleep 0.1
        fi
    done
    wait "$pid" || rc=$?
    [[ -t 2 ]] && printf '\r\033[K' >&2
    ((rc)) || step "  $label done in $((SECONDS - started)) s"
    return "$rc"
}

# as_root COMMAND…: runs it with sudo if that is needed and installed.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root for: $* (run as root, or install sudo)"
    fi
}

# install_packages NAME…: installs the Debian packages that are missing; asks dpkg once, so that it
# costs a few milliseconds if nothing is missing. "a|b" accepts b, and installs a.
install_packages() {
    command -v dpkg-query >/dev/null || return 0 # not Debian: CMake names what is missing
    local -A have=()
    local name status wanted missing=() names
    read -r -a names <<<"${*//|/ }"
    while read -r name status; do
        [[ $status == installed ]] && have[$name]=1
    done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${names[@]}" 2>/dev/null)
    for wanted in "$@"; do
        for name in ${wanted//|/ }; do
            [[ ${have[$name]:-} ]] && continue 2
        done
        missing+=("${wanted%%|*}")
    done
    ((${#missing[@]})) || return 0

    step "installing Debian packages: ${missing[*]}"
    as_root true # sudo asks for its password here, not in the background
    APT_LOG=$(mktemp)
    (
        # The web server is for tests, and must not be started as a service.
        policy=/usr/sbin/policy-rc.d
        if [[ ! -e $policy ]]; then
            trap 'as_root rm -f "$policy"' EXIT
            as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy"
        fi
        as_root apt-get update &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
                install -y --no-install-recommends "${missing[@]}"
    ) </dev/null >"$APT_LOG" 2>&1 &
    if ! watch_job $! "apt" apt_status; then
        tail -n 15 "$APT_LOG" >&2
        rm -f "$APT_LOG"
        die "apt could not install ${missing[*]} (see above). Is the package archive reachable?
Install them by hand, then run this again."
    fi
    rm -f "$APT_LOG"
}
apt_status() { tail -n 1 "$APT_LOG" | tr -d '\r' | cut -c1-70; }

# lua_flavour ARGUMENT: sets flavour where the argument names a Lua: --luajit, --lua5.1 … --lua5.5, and
# --luajit-native for LuaJIT with the native module of 5.1. (--lua54 is --lua5.4.)
lua_flavour() {
    case $1 in
    --luajit | --luajit-native) flavour=${1#--} ;;
    --lua5.[1-5] | --lua5[1-5]) flavour=${1#--} && flavour=${flavour/./} ;;
    *) return 1 ;;
    esac
}

# lua_setup FLAVOUR: sets LUA to the interpreter for lua51 … lua55, luajit or luajit-native, and the environment
# in which it finds cleat in the build tree CLEAT_BUILD_DIR (build/release unless given).
lua_setup() {
    local version
    export CLEAT_SOURCE_DIR=$ROOT
    export CLEAT_BUILD_DIR=${CLEAT_BUILD_DIR:-$ROOT/build/release}
    export CLEAT_LIBRARY=$CLEAT_BUILD_DIR/libcleat.so
    unset CLEAT_BACKEND
    case $1 in
    lua5[1-5])
        version=5.${1#lua5}
        LUA=$CLEAT_BUILD_DIR/$1 # there in a build with a sanitizer
        [[ -x $LUA ]] || LUA=${CLEAT_INTERPRETER:-lua$version}
        ;;
    luajit) version=5.1 LUA=luajit ;;
    luajit-native)
        version=5.1 LUA=luajit
        export CLEAT_BACKEND=native
        ;;
    *) die "no such Lua: $1" ;;
    esac
    command -v "$LUA" >/dev/null || die "there is no $LUA (CLEAT_INTERPRETER may name another interpreter)"
    export LUA_PATH="$ROOT/lua/?.lua;${LUA_PATH:-;;}"
    export LUA_CPATH="$CLEAT_BUILD_DIR/lua/$version/?.so;${LUA_CPATH:-;;}"
    # these would take precedence
    unset LUA_INIT LUA_PATH_5_{2..5} LUA_CPATH_5_{2..5} LUA_INIT_5_{2..5}
    # script/coverage has every interpreter record what it executes
    [[ -z ${CLEAT_LINES:-} ]] || export LUA_INIT="@$ROOT/spec/coverage/init.lua"
    export CLEAT_LUA=$LUA # the interpreter for scripts that a script starts
}
