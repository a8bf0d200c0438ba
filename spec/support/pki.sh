#!/bin/sh
# pki.sh DIR: makes the certificates and keys that the specs and the demo use, with the openssl command.
#
# For each NAME below: NAME.crt the certificate alone, NAME.pem with its intermediates behind it as a server sends
# them, NAME.key its private key. Roots: root.pem, unknown-root.pem. The table is at the end of this file.
# A directory that this version of the script has filled less than a day ago is left as it is.
set -eu

directory=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$directory"
cd "$directory"
exec 9>.lock
flock -w 1000 9
stamp=$(cksum <"$here/pki.sh")
if [ "$(cat .stamp 2>/dev/null)" = "$stamp" ] && [ -z "$(find .stamp -mmin +1200)" ]; then
    exit 0
fi
rm -rf ./*.pem ./*.crt ./*.key ./*.der ./*.crl ./*.cnf ./*.txt capath issued .stamp
mkdir issued capath capath-empty 2>/dev/null || true

cat >pki.cnf <<'CONFIG'
[req]
prompt = no
utf8 = yes
string_mask = utf8only
distinguished_name = name
[name]
O = cleat tests
[ca]
default_ca = ca
[ca]
database = index.txt
new_certs_dir = issued
serial = serial.txt
default_md = sha256
default_days = 30
default_crl_days = 30
policy = policy
unique_subject = no
[policy]
organizationName = optional
commonName = optional
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:www.cleat.test, DNS:*.wild.cleat.test, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server_rsa]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:www.cleat.test, DNS:*.wild.cleat.test, IP:127.0.0.1, IP:::1
[selfsigned]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost, IP:127.0.0.1
[other]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:other.example, IP:192.0.2.1
[cn_only]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = email:client@cleat.test
[wrong_purpose]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
[nul]
basicConstraints = critical, CA:FALSE
subjectAltName = DER:308185821e616c746e756c6c2e707974686f6e2e6f7267006578616d706c652e636f6d81206e756c6c40707974686f6e2e6f72670075736572406578616d706c652e6f72678629687474703a2f2f6e756c6c2e707974686f6e2e6f726700687474703a2f2f6578616d706c652e6f72678704c0000201871020010db8000000000000000000000001
[fancy]
basicConstraints = critical, CA:FALSE
subjectAltName = @fancy_names
crlDistributionPoints = URI:http://crl3.cleat.test/ev-server-g1.crl, URI:http://crl4.cleat.test/ev-server-g1.crl
authorityInfoAccess = OCSP;URI:http://ocsp.cleat.test, caIssuers;URI:http://cacerts.cleat.test/Intermediate.crt
[fancy_names]
DNS.1 = www.python.test
DNS.2 = python.test
email.1 = webmaster@python.test
URI.1 = https://www.python.test/about
IP.1 = 192.0.2.7
IP.2 = 2001:db8::1
dirName.1 = fancy_directory
RID.1 = 1.2.3.4.5
otherName.1 = 1.3.6.1.4.1.311.20.2.3;UTF8:upn@python.test
DNS.3 = docs.python.test
[fancy_directory]
C = US
CN = A directory
[fancy_request]
prompt = no
utf8 = yes
string_mask = utf8only
distinguished_name = fancy_subject
[fancy_subject]
businessCategory = Private Organization
jurisdictionC = US
jurisdictionST = Delaware
serialNumber = 3359300
street = 16 Allen Rd
postalCode = 03894-4801
C = US
ST = NH
L = Wolfebörö
O = Python Software Foundation
0.OU = Servers
1.OU = +Web
CN = www.python.test
emailAddress = webmaster@python.test
CONFIG
# "+Web" above is a value; the multi-valued RDN is asked for in the subject below.
sed -i 's/^1\.OU = +Web$/1.+OU = Web/' pki.cnf
: >index.txt

ec_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

# self NAME SECTION: a self-signed certificate for the key NAME.key.
self() {
    openssl req -new -x509 -config pki.cnf -extensions "$2" -key "$1.key" -subj "/O=cleat tests/CN=$3" -days 30 \
        -out "$1.crt"
    cp "$1.crt" "$1.pem"
}

# issue NAME SECTION COMMON-NAME ISSUER KEY: a certificate signed by ISSUER.
issue() {
    [ "$1" = "$5" ] || cp "$5.key" "$1.key"
    openssl req -new -x509 -config pki.cnf -extensions "$2" -key "$1.key" -subj "/O=cleat tests/CN=$3" -days 30 \
        -CA "$4.crt" -CAkey "$4.key" -out "$1.crt"
    chain "$1" "$4"
}

# dated NAME SECTION START END SERIAL REQUEST-OPTIONS...: the same by the intermediate, with dates and serial number.
dated() {
    name=$1 section=$2 start=$3 end=$4
    echo "$5" >serial.txt
    shift 5
    cp ec.key "$name.key"
    openssl req -new -key "$name.key" "$@" -out "$name.csr.txt"
    openssl ca -config pki.cnf -batch -notext -preserveDN -extensions "$section" -startdate "$start" -enddate "$end" \
        -cert intermediate.crt -keyfile intermediate.key -in "$name.csr.txt" -out "$name.crt" 2>ca.log.txt ||
        { cat ca.log.txt >&2; exit 1; }
    chain "$name" intermediate
}

chain() {
    if [ "$2" = intermediate ]; then
        cat "$1.crt" intermediate.crt >"$1.pem"
    else
        cp "$1.crt" "$1.pem"
    fi
}

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
for name in ec root intermediate unknown-root client; do ec_key "$name"; done
cp ec.key selfsigned.key

self root root "cleat test root"
self unknown-root root "nobody's root"
self selfsigned selfsigned localhost
issue intermediate intermediate "cleat test intermediate" root intermediate
cp intermediate.crt intermediate.pem

issue server-ec server localhost intermediate ec
issue server-rsa server_rsa localhost intermediate rsa
issue other other other.example intermediate ec
issue unknown server localhost unknown-root ec
issue cn-only cn_only localhost intermediate ec
issue wrong-purpose wrong_purpose localhost intermediate ec
issue nul nul "null.python.org" intermediate ec
issue client client client intermediate client
issue client-rsa client "client with RSA" intermediate rsa
issue client-unknown client "nobody's client" unknown-root client
issue revoked server localhost intermediate ec
dated expired server 20200101000000Z 20200201000000Z 1001 -config pki.cnf -subj "/O=cleat tests/CN=localhost"
dated future server 20400101000000Z 20400201000000Z 1002 -config pki.cnf -subj "/O=cleat tests/CN=localhost"
dated client-expired client 20200101000000Z 20200201000000Z 1003 -config pki.cnf -subj "/O=cleat tests/CN=client"
sed -n '/^\[fancy_request\]$/,$p' pki.cnf | sed 's/^\[fancy_request\]$/[req]/' >fancy.cnf
dated fancy fancy 20240105000000Z 20440909120000Z 01BB6F00122B177F36CAB49CEA8B6B26 -config fancy.cnf

# A certificate of X.509 version 1: no extensions at all.
cp ec.key v1.key
openssl req -new -config pki.cnf -key v1.key -subj "/CN=version 1" -out v1.csr.txt
openssl x509 -req -in v1.csr.txt -signkey v1.key -days 30 -out v1.crt 2>/dev/null
cp v1.crt v1.pem

# Revocation lists: the root's is empty, the intermediate's names the certificate "revoked".
crl() {
    openssl ca -config pki.cnf -gencrl -cert "$1.crt" -keyfile "$1.key" -out "$1.crl" 2>ca.log.txt ||
        { cat ca.log.txt >&2; exit 1; }
}
: >index.txt
crl root
serial=$(openssl x509 -in revoked.crt -noout -serial)
printf 'R\t400101000000Z\t%s\t%s\tunknown\t/CN=revoked\n' "$(date -u +%y%m%d%H%M%SZ)" "${serial#serial=}" >index.txt
crl intermediate

# Keys and certificates in the shapes that files come in.
openssl pkcs8 -topk8 -v2 aes-256-cbc -in ec.key -passout pass:somepass -out ec.pkcs8-encrypted.key
openssl pkcs8 -topk8 -v2 aes-256-cbc -in ec.key -passout pass:pässwörd -out ec.utf8-encrypted.key
openssl rsa -in rsa.key -traditional -aes256 -passout pass:somepass -out rsa.encrypted.key 2>/dev/null
openssl rsa -in rsa.key -traditional -des3 -passout pass:somepass -out rsa.des3.key 2>/dev/null
cat ec.key server-ec.pem >server-ec.key-first.pem
cat server-ec.pem ec.key >server-ec.key-last.pem
cat ec.pkcs8-encrypted.key server-ec.pem >server-ec.encrypted.pem
cat root.crt unknown-root.crt >roots.pem
cat root.crt root.crl intermediate.crl >root-and-crls.pem
cat root.crt server-ec.crt >root-and-leaf.pem
{ echo "some text first"; cat root.crt; echo "and between"; cat unknown-root.crt; echo "and last"; } >with-text.pem
: >empty.pem
echo "this is no PEM file" >junk.pem
printf -- '-----BEGIN CERTIFICATE-----\nnot base64 at all!\n-----END CERTIFICATE-----\n' >bad.pem
openssl x509 -in root.crt -outform DER -out root.der
openssl x509 -in unknown-root.crt -outform DER -out unknown-root.der
cat root.der unknown-root.der >roots.der
openssl x509 -in server-ec.crt -outform DER -out server-ec.der
cp root.crt capath/root.pem
openssl rehash capath

chmod 600 ./*.key
echo "$stamp" >.stamp

# server-ec, server-rsa   localhost, www.cleat.test, *.wild.cleat.test, 127.0.0.1, ::1; under root and intermediate
# other                   the same for another host
# expired, future         the same, of 2020 and of 2040
# unknown                 the same under unknown-root
# selfsigned              its own root, no CA
# cn-only                 a common name and no alternative names
# wrong-purpose           may only be used by clients
# revoked                 named by the intermediate's list
# client, client-rsa, client-expired, client-unknown   for clients
# fancy, nul, v1          names of every kind, names with zero bytes, X.509 version 1
