# How check-install.sh and check-static.sh run a program that serves or fetches, against a Lua script of examples/ in
# the installed cleat. They set work, prefix, libdir and examples, and end $server should they fail; sourced, never run.
# shellcheck shell=bash disable=SC2154
pki=$CLEAT_SOURCE_DIR/build/spec-pki
sh "$CLEAT_SOURCE_DIR/spec/support/pki.sh" "$pki"
lua=(env LUA_PATH="$prefix/share/lua/5.4/?.lua" LUA_CPATH="$prefix/$libdir/lua/5.4/?.so"
    timeout 600 lua5.4)
# start COMMAND…: a server in the background, of which $port is the port once it listens
start() {
    : >"$work/said"
    "$@" >"$work/said" 2>&1 &
    server=$!
    for ((i = 0; i < 15000; i++)); do
        port=$(sed -n 's/^listening on //p' "$work/said")
        [[ -z $port ]] || return 0
        sleep 0.02
    done
    cat "$work/said"
    return 1
}
stop() {
    kill "$server"
    wait "$server" || true
    server=''
}
# serves PROGRAM: an echo server echoes a line; fetches PROGRAM: a client verifies a server, and refuses it for a wrong
# name
serves() {
    start timeout 600 "$1" "$pki/server-ec.pem" "$pki/ec.key"
    [[ $(echo ahoy | "${lua[@]}" "$examples/echo_client.lua" "$pki/root.pem" localhost "$port" 2>&1 | tail -n 1) == ahoy ]] ||
        { echo "$1 does not echo" && exit 1; }
    stop
}
fetches() {
    start "${lua[@]}" "$examples/https_server.lua" --cert "$pki/$2.pem" --key "$pki/ec.key"
    "$1" --cafile "$pki/root.pem" localhost "$port" / >"$work/page" 2>&1 || true
    stop
    grep -q "$3" "$work/page" || { cat "$work/page" && echo "$1 does not get $3" && exit 1; }
}
