#include "peer.h"

#include <netinet/in.h>
#include <openssl/bytestring.h>
#include <openssl/hkdf.h>
#include <openssl/mem.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../c/expect.h"
#include "../c/identity.h"

static int hex_digit(char digit) {
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

/* "CLIENT_TRAFFIC_SECRET_0 RANDOM SECRET", in hexadecimal. */
static void keep_secret(const SSL *ssl, const char *line) {
    struct peer *self = SSL_get_app_data(ssl);
    int of = strncmp(line, "CLIENT_TRAFFIC_SECRET_0", 23) == 0   ? 0
             : strncmp(line, "SERVER_TRAFFIC_SECRET_0", 23) == 0 ? 1
                                                                 : -1;
    const char *digits = strrchr(line, ' ');
    if (of < 0) return;
    for (self->secret_len = 0, digits++; digits[0] != '\0'; digits += 2) {
        EXPECT(self->secret_len < sizeof self->secret[of]);
        self->secret[of][self->secret_len++] =
            (uint8_t)(hex_digit(digits[0]) << 4 | hex_digit(digits[1]));
    }
}

static SSL_CTX *new_ctx(const struct peer *self, int32_t version) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    EXPECT(SSL_CTX_set_min_proto_version(ctx, (uint16_t)version) == 1);
    EXPECT(SSL_CTX_set_max_proto_version(ctx, (uint16_t)version) == 1);
    EXPECT(SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256") == 1);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_keylog_callback(ctx, keep_secret);
    if (self->is_server) {
        BIO *bio = BIO_new_mem_buf(text, len);
        X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        EXPECT(SSL_CTX_use_certificate(ctx, x509) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
        X509_free(x509);
        EVP_PKEY_free(key);
        BIO_free(bio);
    }
    return ctx;
}

static void set_up(struct peer *self, int32_t version, bool is_server, int fd, int other) {
    int32_t contexts[2];
    int32_t context;
    const char *name = is_server ? "localhost" : NULL;
    *self = (struct peer){
        .is_server = is_server, .is_1_3 = version == CLEAT_TLS1_3_VERSION, .fd = {fd, other}};
    identity_contexts(&contexts[0], &contexts[1]);
    context = contexts[is_server];
    self->id = fd < 0 ? cleat_connection_over_memory(context, !is_server, name, is_server ? 9 : 0)
                      : cleat_connection_over_fd(context, fd, !is_server, name, is_server ? 9 : 0);
    EXPECT(self->id > 0);
    EXPECT(cleat_close(contexts[0]) == CLEAT_OK && cleat_close(contexts[1]) == CLEAT_OK);
    self->ctx = new_ctx(self, version);
    self->ssl = SSL_new(self->ctx);
    SSL_set_app_data(self->ssl, self);
    SSL_set_bio(self->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(self->ssl), -1);
    if (is_server) {
        SSL_set_accept_state(self->ssl);
    } else {
        SSL_set_connect_state(self->ssl);
    }
}

void peer_open(struct peer *self, int32_t version, bool is_server) {
    set_up(self, version, is_server, -1, -1);
}

/* TCP, over which a flood does not wait for its reader. */
void peer_open_socket(struct peer *self, int32_t version, bool is_server) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fd[2];
    EXPECT(bind(listener, (const struct sockaddr *)&name, len) == 0 && listen(listener, 1) == 0);
    EXPECT(getsockname(listener, (struct sockaddr *)&name, &len) == 0);
    fd[1] = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(connect(fd[1], (const struct sockaddr *)&name, len) == 0);
    fd[0] = accept(listener, NULL, NULL);
    EXPECT(fd[0] >= 0 && close(listener) == 0);
    set_up(self, version, is_server, fd[0], fd[1]);
}

/* RFC 8446 section 7.1, with an empty context. */
static void expand(const struct peer *self, const char *label, uint8_t *out, size_t out_len) {
    uint8_t info[64];
    size_t info_len;
    CBB cbb;
    CBB part;
    EXPECT(CBB_init_fixed(&cbb, info, sizeof info) && CBB_add_u16(&cbb, (uint16_t)out_len));
    EXPECT(CBB_add_u8_length_prefixed(&cbb, &part) &&
           CBB_add_bytes(&part, (const uint8_t *)"tls13 ", 6));
    EXPECT(CBB_add_bytes(&part, (const uint8_t *)label, strlen(label)));
    EXPECT(CBB_add_u8(&cbb, 0) && CBB_finish(&cbb, NULL, &info_len));
    EXPECT(HKDF_expand(out, out_len, self->md, self->secret[self->is_server], self->secret_len,
                       info, info_len));
}

static void set_key(struct peer *self, const EVP_AEAD *aead, const uint8_t *key) {
    EVP_AEAD_CTX_free(self->aead);
    self->aead =
        EVP_AEAD_CTX_new(aead, key, EVP_AEAD_key_length(aead), EVP_AEAD_DEFAULT_TAG_LENGTH);
    EXPECT(self->aead != NULL);
}

static void set_key_1_3(struct peer *self) {
    const SSL_CIPHER *cipher = SSL_get_current_cipher(self->ssl);
    const EVP_AEAD *aead = SSL_CIPHER_get_protocol_id(cipher) == 0x1303
                               ? EVP_aead_chacha20_poly1305()
                           : SSL_CIPHER_get_protocol_id(cipher) == 0x1302 ? EVP_aead_aes_256_gcm()
                                                                          : EVP_aead_aes_128_gcm();
    uint8_t key[32];
    self->md = self->secret_len == 48 ? EVP_sha384() : EVP_sha256();
    expand(self, "key", key, EVP_AEAD_key_length(aead));
    expand(self, "iv", self->iv, sizeof self->iv);
    set_key(self, aead, key);
}

/* RFC 5246 section 6.3: both sides' keys of 16 bytes, then their nonces' fixed parts of 4. */
static void set_key_1_2(struct peer *self) {
    uint8_t block[40];
    EXPECT(SSL_get_key_block_len(self->ssl) == sizeof block);
    EXPECT(SSL_generate_key_block(self->ssl, block, sizeof block) == 1);
    memcpy(self->iv, block + 32 + 4 * self->is_server, 4);
    set_key(self, EVP_aead_aes_128_gcm(), block + 16 * self->is_server);
}

int32_t peer_step(struct peer *self, uint8_t *bytes) {
    int32_t len = self->fd[1] < 0 ? cleat_connection_drain(self->id, (char *)bytes, PEER_RECORD)
                                  : (int32_t)recv(self->fd[1], bytes, PEER_RECORD, MSG_DONTWAIT);
    if (len > 0) EXPECT(BIO_write(SSL_get_rbio(self->ssl), bytes, len) == len);
    SSL_do_handshake(self->ssl);
    len = BIO_read(SSL_get_wbio(self->ssl), bytes, PEER_RECORD);
    return len < 0 ? 0 : len;
}

void peer_shake_hands(struct peer *self) {
    static uint8_t bytes[PEER_RECORD];
    int32_t status = -1;
    int turn;
    for (turn = 0; turn < 10 && !(status == CLEAT_OK && SSL_is_init_finished(self->ssl)); turn++) {
        status = cleat_connection_handshake(self->id, 0);
        EXPECT(status == CLEAT_OK || CLEAT_CLASS(status) == CLEAT_WANT_READ);
        peer_send_raw(self, bytes, peer_step(self, bytes));
    }
    EXPECT(status == CLEAT_OK && SSL_is_init_finished(self->ssl));
    self->sequence = SSL_get_write_sequence(self->ssl);
    if (self->is_1_3) {
        set_key_1_3(self);
    } else {
        set_key_1_2(self);
    }
}

void peer_update_key(struct peer *self) {
    uint8_t next[48];
    expand(self, "traffic upd", next, self->secret_len);
    memcpy(self->secret[self->is_server], next, self->secret_len);
    set_key_1_3(self);
    self->sequence = 0;
}

static void put_number(uint8_t *at, uint64_t number, int bytes) {
    while (bytes-- > 0) {
        at[bytes] = (uint8_t)number;
        number >>= 8;
    }
}

/* TLS 1.3: the header is the additional data, the type is behind the content (RFC 8446 section 5.2). TLS 1.2: the
 * nonce's rest is in front of it (RFC 5288 section 3). */
int32_t peer_seal(struct peer *self, uint8_t type, const void *bytes, int32_t len,
                  uint8_t *record) {
    static uint8_t plain[PEER_RECORD];
    uint8_t nonce[12];
    uint8_t additional[13];
    size_t additional_len = 5;
    size_t start = self->is_1_3 ? 5 : 13;
    size_t record_len;
    memcpy(plain, bytes, (size_t)len);
    memcpy(nonce, self->iv, sizeof nonce);
    record[0] = self->is_1_3 ? APPLICATION_DATA : type;
    put_number(record + 1, 0x0303, 2);
    if (self->is_1_3) {
        int i;
        plain[len++] = type;
        put_number(record + 3, (uint64_t)len + 16, 2);
        for (i = 0; i < 8; i++) nonce[11 - i] ^= (uint8_t)(self->sequence >> (8 * i));
        memcpy(additional, record, 5);
    } else {
        put_number(record + 3, (uint64_t)len + 24, 2);
        put_number(record + 5, self->sequence, 8);
        memcpy(nonce + 4, record + 5, 8);
        put_number(additional, self->sequence, 8);
        memcpy(additional + 8, record, 3);
        put_number(additional + 11, (uint64_t)len, 2);
        additional_len = 13;
    }
    EXPECT(EVP_AEAD_CTX_seal(self->aead, record + start, &record_len, PEER_RECORD - start, nonce,
                             sizeof nonce, plain, (size_t)len, additional, additional_len) == 1);
    self->sequence++;
    return (int32_t)(start + record_len);
}

void peer_send_raw(struct peer *self, const void *bytes, int32_t len) {
    if (self->fd[1] < 0) {
        EXPECT(cleat_connection_feed(self->id, bytes, len) == len);
    } else {
        EXPECT(send(self->fd[1], bytes, (size_t)len, MSG_NOSIGNAL) == len);
    }
}

void peer_send(struct peer *self, uint8_t type, const void *bytes, int32_t len) {
    static uint8_t record[PEER_RECORD];
    peer_send_raw(self, record, peer_seal(self, type, bytes, len, record));
}

void peer_close(struct peer *self) {
    EVP_AEAD_CTX_free(self->aead);
    SSL_free(self->ssl);
    SSL_CTX_free(self->ctx);
    EXPECT(cleat_close(self->id) == CLEAT_OK);
    if (self->fd[0] >= 0) close(self->fd[0]);
    if (self->fd[1] >= 0) close(self->fd[1]);
}
