#!/bin/sh
# pki.sh DIR: makes the certificates of the specs (spec/support/pki.sh), and a chain of RSA keys alone, of 2048 bits:
# rsa-root.pem, rsa-server.pem with the intermediate behind the server's certificate, rsa-server.key,
# rsa-intermediate.key.
set -eu

directory=$1
sh "$(dirname "$0")/../spec/support/pki.sh" "$directory"
cd "$directory"
exec 9>.lock
flock -w 60 9
[ -s rsa-server.pem ] && [ rsa-server.pem -nt .stamp ] && exit 0

# certificate NAME SECTION COMMON-NAME SIGNED-BY...
certificate() {
    name=$1 section=$2 common=$3
    shift 3
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$name.key" 2>/dev/null
    openssl req -new -x509 -config pki.cnf -extensions "$section" -key "$name.key" -subj "/O=cleat tests/CN=$common" \
        -days 30 -out "$name.crt" "$@"
}
certificate rsa-root root "cleat RSA root"
certificate rsa-intermediate intermediate "cleat RSA intermediate" -CA rsa-root.crt -CAkey rsa-root.key
certificate rsa-server server_rsa localhost -CA rsa-intermediate.crt -CAkey rsa-intermediate.key
cp rsa-root.crt rsa-root.pem
cat rsa-server.crt rsa-intermediate.crt >rsa-server.pem
