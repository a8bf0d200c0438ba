#!/bin/sh
# python_org.sh DIR: look-alikes of the certificates of www.python.org and www.verisign.com in Python's documentation,
# which differ only in when they end, and whom they are signed by: www.python.org.pem, www.verisign.com.pem (with the
# issuer behind), key.pem, root.pem.
set -eu

mkdir -p "$1"
cd "$1"
mkdir issued

cat >pki.cnf <<'CONFIG'
[req]
prompt = no
distinguished_name = root
[root]
C = US
O = DigiCert Inc
OU = www.digicert.com
CN = DigiCert High Assurance EV Root CA
[issuer]
C = US
O = DigiCert Inc
OU = www.digicert.com
CN = DigiCert SHA2 Extended Validation Server CA
[www.python.org]
businessCategory = Private Organization
jurisdictionC = US
jurisdictionST = Delaware
serialNumber = 3359300
street = 16 Allen Rd
postalCode = 03894-4801
C = US
ST = NH
L = Wolfeboro,
O = Python Software Foundation
CN = www.python.org
[www.verisign.com]
C = US
CN = www.verisign.com
[ca]
default_ca = ca
[ca]
database = index.txt
new_certs_dir = issued
serial = serial.txt
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
[ca_extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[www.python.org_extensions]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:www.python.org, DNS:python.org, DNS:pypi.org, DNS:docs.python.org, DNS:testpypi.python.org, DNS:bugs.python.org, DNS:wiki.python.org, DNS:hg.python.org, DNS:mail.python.org, DNS:packaging.python.org, DNS:pythonhosted.org, DNS:www.pythonhosted.org, DNS:test.pythonhosted.org, DNS:us.pycon.org, DNS:id.python.org
crlDistributionPoints = URI:http://crl3.digicert.com/sha2-ev-server-g1.crl, URI:http://crl4.digicert.com/sha2-ev-server-g1.crl
authorityInfoAccess = OCSP;URI:http://ocsp.digicert.com, caIssuers;URI:http://cacerts.digicert.com/DigiCertSHA2ExtendedValidationServerCA.crt
[www.verisign.com_extensions]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:www.verisign.com
CONFIG
: >index.txt

for name in key issuer root; do
    openssl ecparam -name prime256v1 -genkey -noout -out "$name.key"
done
mv key.key key.pem

openssl req -new -x509 -config pki.cnf -key root.key -extensions ca_extensions -days 30 -out root.pem

# issue NAME KEY EXTENSIONS ISSUER SERIAL
issue() {
    sed "s/^distinguished_name = root$/distinguished_name = $1/" pki.cnf >request.cnf
    openssl req -new -config request.cnf -key "$2" -out request.pem
    echo "$5" >serial.txt
    openssl ca -config pki.cnf -batch -notext -preserveDN -extensions "$3" -startdate 20140905000000Z -enddate 20460909120000Z \
        -cert "$4.pem" -keyfile "$4.key" -in request.pem -out "$1.pem" 2>ca.log || { cat ca.log >&2; exit 1; }
}
issue issuer issuer.key ca_extensions root 02
issue www.python.org key.pem www.python.org_extensions issuer 01BB6F00122B177F36CAB49CEA8B6B26
issue www.verisign.com key.pem www.verisign.com_extensions issuer 03
for name in www.python.org www.verisign.com; do
    cat issuer.pem >>"$name.pem"
done
