#include "full_certificate.h"

#include <stdbool.h>
#include <string.h>

#include "expect.h"

/* Made with openssl req -x509. */
const char full_certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIDczCCAxmgAwIBAgIUeqZHyEQ2KbZmHmdcVpnn0MRl1I0wCgYIKoZIzj0EAwIw\n"
                                "MTEUMBIGA1UECgwLY2xlYXQgdGVzdHMxGTAXBgNVBAMMEGZ1bGwgY2VydGlmaWNh\n"
                                "dGUwIBcNMjYxMTI4MTkxMjI2WhgPMjEyNTA2MjIxOTEyMjZaMDExFDASBgNVBAoM\n"
                                "C2NsZWF0IHRlc3RzMRkwFwYDVQQDDBBmdWxsIGNlcnRpZmljYXRlMFkwEwYHKoZI\n"
                                "zj0CAQYIKoZIzj0DAQcDQgAE/KI13oYTds8ypVz5JTBmuEBh4cxzIX6UAQU7hQUu\n"
                                "rYcNoKVtxajqXvD6UU2trkB0g4aZM3ddCddQdSgEAVywt6OCAgswggIHMBIGA1Ud\n"
                                "EwEB/wQIMAYBAf8CAQMwDwYDVR0PAQH/BAUDAweOgDAiBgNVHSUEGzAZBggrBgEF\n"
                                "BQcDAQYIKwYBBQUHAwIGAyoDBDAdBgNVHQ4EFgQUz7O3T7/n6sOKde58+N6A21UO\n"
                                "NdEwbgYIKwYBBQUHAQEEYjBgMB0GCCsGAQUFBzABhhFodHRwOi8vb2NzcC50ZXN0\n"
                                "LzAfBggrBgEFBQcwAoYTaHR0cDovL2lzc3Vlci50ZXN0LzAeBggrBgEFBQcwAYYS\n"
                                "aHR0cDovL29jc3AyLnRlc3QvMDsGA1UdHwQ0MDIwF6AVoBOGEWh0dHA6Ly9jcmwu\n"
                                "dGVzdC8xMBegFaAThhFodHRwOi8vY3JsLnRlc3QvMjCBjwYDVR0RBIGHMIGEggls\n"
                                "b2NhbGhvc3SCCyoud2lsZC50ZXN0hwR/AAABhxAgAQ24AAAAAAAAAAAAAAABgQhh\n"
                                "QGIudGVzdIYOaHR0cDovL3UudGVzdC+IAyoDBKQzMDExFDASBgNVBAoMC2NsZWF0\n"
                                "IHRlc3RzMRkwFwYDVQQDDBBmdWxsIGNlcnRpZmljYXRlMFAGCisGAQQB1nkCBAIE\n"
                                "QgRAAD4ANQABqwGrAasBqwGrAasBqwGrAasBqwGrAasBqwGrAasBqwAAAV0+95h7\n"
                                "AANleHQEAwADc2lnAAUBcmVzdDAMBgMqAwUBAf8EAgUAMAoGCCqGSM49BAMCA0gA\n"
                                "MEUCIHiI6B8P/usAC2+oTNkgbSW4LBoZCaeFtjTtNlnfy0ucAiEAgcUTLuiloEao\n"
                                "lurzRPlWvzqK16w/VmxU8yjordKsNWQ=\n"
                                "-----END CERTIFICATE-----\n";

/* The digest of everything that is read; memory_lacks stays set. */
struct reading {
    uint64_t *digest;
    bool memory_lacks;
    char room[8192];
};

static void add_number(struct reading *self, int64_t number) {
    *self->digest = (*self->digest ^ (uint64_t)number) * 0x100000001b3U;
}

static int32_t add_result(struct reading *self, int32_t result) {
    if (result < 0 && CLEAT_CLASS(result) == CLEAT_NOMEM) self->memory_lacks = true;
    add_number(self, result);
    return result;
}

/* The same for a getter that has written to the buffer. */
static void add_bytes(struct reading *self, int32_t len) {
    int32_t i;
    add_result(self, len);
    for (i = 0; i < len && i < (int32_t)sizeof self->room; i++) add_number(self, self->room[i]);
}

/* After an allocation has failed no function is called, so that the thread's error record is kept. */
#define ADD(reading, call) ((reading)->memory_lacks ? -1 : add_result((reading), (call)))
#define ADD_TEXT(reading, call)                                                                    \
    do {                                                                                           \
        if (!(reading)->memory_lacks) add_bytes((reading), (call));                                \
    } while (0)

#define ROOM self.room, (int32_t)sizeof self.room
#define TEXT(call) ADD_TEXT(&self, (call))

static void read_name(struct reading *reading, int32_t certificate, int32_t which) {
    struct reading *const at = reading;
    int32_t count = ADD(at, cleat_certificate_name_count(certificate, which));
    int32_t i;
    for (i = 0; i < count; i++) {
        ADD(at, cleat_certificate_name_rdn(certificate, which, i));
        ADD_TEXT(at, cleat_certificate_name_type(certificate, which, i, at->room, 8192));
        ADD_TEXT(at, cleat_certificate_name_value(certificate, which, i, at->room, 8192));
    }
}

static void read_names(struct reading *at, int32_t certificate) {
    int32_t count = ADD(at, cleat_certificate_alt_name_count(certificate));
    int32_t which;
    int32_t i;
    for (i = 0; i < count; i++) {
        ADD_TEXT(at, cleat_certificate_alt_name_type(certificate, i, at->room, 8192));
        ADD_TEXT(at, cleat_certificate_alt_name_value(certificate, i, at->room, 8192));
        read_name(at, certificate, CLEAT_NAME_ALT + i);
    }
    for (which = CLEAT_NAME_SUBJECT; which <= CLEAT_NAME_ISSUER; which++)
        read_name(at, certificate, which);
    for (which = CLEAT_URI_OCSP; which <= CLEAT_URI_CRL; which++) {
        count = ADD(at, cleat_certificate_uri_count(certificate, which));
        for (i = 0; i < count; i++)
            ADD_TEXT(at, cleat_certificate_uri(certificate, which, i, at->room, 8192));
    }
    ADD(at, cleat_certificate_matches(certificate, "localhost", 9));
    ADD(at, cleat_certificate_matches(certificate, "a.wild.test", 11));
    ADD(at, cleat_certificate_matches(certificate, "192.0.2.1", 9));
}

static void read_extensions(struct reading *at, int32_t certificate) {
    int32_t count = ADD(at, cleat_certificate_extension_count(certificate));
    int32_t one = 0;
    int32_t two = 0;
    int32_t i;
    for (i = 0; i < count; i++) {
        ADD_TEXT(at, cleat_certificate_extension_oid(certificate, i, at->room, 8192, &one));
        add_number(at, one);
        ADD_TEXT(at, cleat_certificate_extension_value(certificate, i, at->room, 8192));
    }
    ADD(at, cleat_certificate_key_usage(certificate));
    count = ADD(at, cleat_certificate_extended_key_usage_count(certificate));
    for (i = 0; i < count; i++)
        ADD_TEXT(at, cleat_certificate_extended_key_usage(certificate, i, at->room, 8192));
    if (ADD(at, cleat_certificate_basic_constraints(certificate, &one, &two)) >= 0) {
        add_number(at, one);
        add_number(at, two);
    }
    ADD_TEXT(at, cleat_certificate_key_id(certificate, CLEAT_KEY_ID_SUBJECT, at->room, 8192));
    ADD_TEXT(at, cleat_certificate_key_id(certificate, CLEAT_KEY_ID_ISSUER, at->room, 8192));
}

static void read_timestamps(struct reading *at, int32_t certificate) {
    char list[8192];
    int32_t len = -1;
    int32_t count;
    int32_t i;
    ADD_TEXT(at, len = cleat_certificate_scts(certificate, at->room, 8192));
    if (len <= 0 || len > 8192) return;
    memcpy(list, at->room, (size_t)len);
    count = ADD(at, cleat_scts_count(list, len));
    for (i = 0; i < count; i++) {
        char sct[8192];
        double time = 0;
        int32_t hash = 0;
        int32_t signer = 0;
        int32_t which;
        int32_t sct_len = cleat_scts_get(list, len, i, sct, 8192);
        EXPECT(sct_len > 0 && sct_len < len);
        if (ADD(at, cleat_sct_read(sct, sct_len, &time, &hash, &signer)) >= 0) {
            add_number(at, (int64_t)time);
            add_number(at, hash * 256 + signer);
        }
        for (which = CLEAT_SCT_LOG_ID; which <= CLEAT_SCT_SIGNATURE; which++)
            ADD_TEXT(at, cleat_sct_bytes(sct, sct_len, which, at->room, 8192));
    }
}

int32_t full_certificate_read(int32_t certificate, uint64_t *digest) {
    struct reading self;
    double before = 0;
    double after = 0;
    int32_t number = 0;
    self.digest = digest;
    self.memory_lacks = false;
    TEXT(cleat_certificate_der(certificate, ROOM));
    ADD(&self, cleat_certificate_version(certificate));
    ADD(&self, cleat_certificate_is_ca(certificate));
    TEXT(cleat_certificate_serial_number(certificate, ROOM));
    TEXT(cleat_certificate_not_before(certificate, ROOM));
    TEXT(cleat_certificate_not_after(certificate, ROOM));
    if (ADD(&self, cleat_certificate_validity(certificate, &before, &after)) >= 0) {
        add_number(&self, (int64_t)before);
        add_number(&self, (int64_t)after);
    }
    read_names(&self, certificate);
    read_extensions(&self, certificate);
    read_timestamps(&self, certificate);
    TEXT(cleat_certificate_signature_algorithm(certificate, ROOM));
    TEXT(cleat_certificate_public_key(certificate, ROOM, &number));
    add_number(&self, number);
    TEXT(cleat_certificate_curve(certificate, ROOM));
    TEXT(cleat_certificate_public_key_der(certificate, ROOM));
    TEXT(cleat_certificate_fingerprint(certificate, CLEAT_FINGERPRINT_CERTIFICATE, "sha256", 6,
                                       ROOM));
    TEXT(cleat_certificate_fingerprint(certificate, CLEAT_FINGERPRINT_SPKI, "sha384", 6, ROOM));
    return self.memory_lacks ? -(CLEAT_NOMEM << 16) : CLEAT_OK;
}
