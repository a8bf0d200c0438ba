/* calls.c: calls of the ABI, which the bytes choose with their arguments, on several objects and, if the first byte
 * says so, in three threads that share them. No call crashes, waits or leaks. */
#include <pthread.h>
#include <stdatomic.h>

#include "../c/identity.h"
#include "fuzz.h"

enum { SLOTS = 8 };

static atomic_int slots[SLOTS]; /* ids that the calls use and store */

struct part {
    const uint8_t *at;
    const uint8_t *end;
};

static int take(struct part *part) {
    return part->at < part->end ? *part->at++ : 0;
}

static int32_t id_of(struct part *part) {
    return atomic_load(&slots[take(part) % SLOTS]);
}

/* keep stores a new id in a slot, and closes the previous one. */
static void keep(struct part *part, int32_t id) {
    checked(id);
    if (id > 0) cleat_close(atomic_exchange(&slots[take(part) % SLOTS], id));
}

static void pair(struct part *part) {
    int32_t one = 0;
    int32_t two = 0;
    if (cleat_socket_pair(CLEAT_AF_UNIX, 1 + take(part) % 2, 0, &one, &two) < 0) return;
    keep(part, one);
    keep(part, two);
}

static void receive(struct part *part, char *room) {
    int32_t sender = 0;
    if (checked(cleat_socket_recvfrom(id_of(part), room, 64, 0, 0, &sender)) >= 0)
        cleat_close(sender);
}

static void load(struct part *part) {
    int32_t len;
    const char *text = identity_text((enum identity_part)(take(part) % IDENTITY_PARTS), &len);
    switch (take(part) % 3) {
        case 0:
            checked(cleat_context_load_cert_chain_data(id_of(part), text, len, NULL, 0, NULL, 0));
            break;
        case 1: checked(cleat_context_load_verify_data(id_of(part), text, len)); break;
        default:
            checked(cleat_context_load_cert_chain_remote_key_data(id_of(part), text, len));
            break;
    }
}

/* As a caller with the key does. */
static void sign(struct part *part, char *room) {
    char signature[256];
    int32_t key_len;
    const char *key = identity_text(IDENTITY_KEY, &key_len);
    int32_t id = id_of(part);
    int32_t algorithm = checked(cleat_connection_signature_algorithm(id));
    int32_t len = checked(cleat_connection_signature_input(id, room, 4096));
    if (algorithm <= 0 || len < 0 || len > 4096) return;
    len = checked(
        cleat_sign_data(key, key_len, NULL, 0, algorithm, room, len, signature, sizeof signature));
    if (len > 0) checked(cleat_connection_answer_signature(id, signature, len));
}

static void answer_psk(struct part *part, const char *bytes) {
    char text[CLEAT_PSK_IDENTITY_MAX];
    int32_t id = id_of(part);
    int32_t len = take(part);
    checked(cleat_connection_psk_hint(id, text, sizeof text));
    checked(cleat_connection_psk_identity(id, text, sizeof text));
    checked(cleat_connection_answer_psk(id, len % 2 == 0 ? NULL : "name", len % 2 * 4, bytes, len));
}

static void move(struct part *part, char *room) {
    int32_t len = cleat_connection_drain(id_of(part), room, 1 + take(part) * 16);
    if (len > 0) checked(cleat_connection_feed(id_of(part), room, len));
}

static void play(struct part *part) {
    static const char bytes[256] = {0, CLEAT_TICKET_SECRET_MIN, 's'};
    char room[4096];
    int32_t a;
    int32_t b;
    int32_t c;
    while (part->at < part->end) {
        switch (take(part) % 54) {
            case 0: keep(part, cleat_context_new(take(part) % 7)); break;
            case 1: pair(part); break;
            case 2:
                keep(part, cleat_connection_over_memory(id_of(part), take(part) % 2, NULL, 0));
                break;
            case 3: keep(part, cleat_connection_over_memory(id_of(part), 0, "localhost", 9)); break;
            case 4:
                a = id_of(part);
                keep(part, cleat_connection_over_socket(a, id_of(part), take(part) % 2, NULL, 0));
                break;
            case 5: cleat_close(id_of(part)); break;
            case 6: checked(cleat_connection_handshake(id_of(part), 0)); break;
            case 7: checked(cleat_connection_read(id_of(part), room, take(part), 0)); break;
            case 8:
                memset(room, 0, 256);
                checked(cleat_connection_write(id_of(part), room, take(part), 0));
                break;
            case 9: checked(cleat_connection_shutdown(id_of(part), 0)); break;
            case 10: move(part, room); break;
            case 11: checked(cleat_connection_feed_eof(id_of(part))); break;
            case 12: load(part); break;
            case 13: checked(cleat_context_set_verify_mode(id_of(part), take(part) % 4)); break;
            case 14: checked(cleat_context_set_check_hostname(id_of(part), take(part) % 2)); break;
            case 15:
                checked(cleat_context_set_options(id_of(part), (take(part) & 127) << 24));
                break;
            case 16:
                checked(cleat_context_set_minimum_version(id_of(part), 0x0300 + take(part) % 6));
                break;
            case 17:
                checked(cleat_context_set_maximum_version(id_of(part), 0x0300 + take(part) % 6));
                break;
            case 18:
                checked(cleat_context_set_server_name_events(id_of(part), take(part) % 2));
                break;
            case 19:
                checked(cleat_connection_answer_server_name(id_of(part), take(part) - 1));
                break;
            case 20:
                a = id_of(part);
                checked(cleat_connection_set_context(a, id_of(part)));
                break;
            case 21: keep(part, cleat_connection_peer_certificate(id_of(part))); break;
            case 22: checked(cleat_connection_cipher(id_of(part), room, 64, &a)); break;
            case 23: checked(cleat_context_cert_store_stats(id_of(part), &a, &b, &c)); break;
            case 24: keep(part, cleat_context_ca_certificate(id_of(part), 0)); break;
            case 25: checked(cleat_certificate_alt_name_value(id_of(part), 0, room, 64)); break;
            case 26:
                memset(room, 1, 256);
                checked(cleat_socket_send(id_of(part), room, take(part), 0, 0));
                break;
            case 27: checked(cleat_socket_recv(id_of(part), room, take(part), 0, 0)); break;
            case 28: receive(part, room); break;
            case 29: checked(cleat_socket_shutdown(id_of(part), take(part) % 3)); break;
            case 30:
                checked(cleat_context_set_alpn_protocols(id_of(part), "\2h2\1x", take(part) % 6));
                break;
            case 31: checked(cleat_context_set_verify_events(id_of(part), take(part) % 4)); break;
            case 32: checked(cleat_connection_answer_verify(id_of(part), take(part) - 3)); break;
            case 33:
                checked(cleat_connection_verify_error(id_of(part), 0, room, 64, &a, &b));
                break;
            case 34: sign(part, room); break;
            case 35:
                a = id_of(part);
                checked(cleat_connection_answer_signature(a, "wrong", take(part) % 6));
                break;
            case 36:
                a = id_of(part);
                b = take(part);
                keep(part, cleat_connection_chain_certificate(a, b % 2, b / 2 % 4));
                break;
            case 37: keep(part, cleat_connection_verification(id_of(part))); break;
            case 38:
                a = id_of(part);
                b = id_of(part);
                keep(part, cleat_verification_new(a, b, 1 + take(part) % 2, NULL, 0, take(part) - 1,
                                                  NULL, 0));
                break;
            case 39:
                checked(cleat_verification_result(id_of(part)));
                checked(cleat_verification_error(id_of(part), 0, room, 64, &a, &b));
                break;
            case 40:
                a = id_of(part);
                b = take(part);
                keep(part, b < 128 ? cleat_verification_error_certificate(a, b)
                                   : cleat_verification_chain_certificate(a, b % 2, b / 2 % 4));
                break;
            case 41: checked(cleat_context_set_session_events(id_of(part), take(part) % 4)); break;
            case 42: checked(cleat_context_set_ticket_keys(id_of(part), bytes, take(part))); break;
            case 43:
                a = id_of(part);
                checked(cleat_context_set_ticket_secrets(a, bytes, take(part), take(part) - 1));
                break;
            case 44:
                checked(cleat_connection_answer_session(id_of(part), bytes, take(part)));
                break;
            case 45: checked(cleat_connection_stored_session(id_of(part), room, 64, &a)); break;
            case 46: checked(cleat_connection_answer_session(id_of(part), NULL, 0)); break;
            case 47: checked(cleat_connection_key_update(id_of(part), take(part) % 2, 0)); break;
            case 48:
                a = id_of(part);
                checked(cleat_connection_export_keying_material(a, bytes, take(part), bytes,
                                                                take(part), room, 64));
                break;
            case 49: checked(cleat_context_set_psk_client(id_of(part), take(part) % 2)); break;
            case 50:
                a = id_of(part);
                b = take(part) % 2;
                checked(cleat_context_set_psk_server(a, b, "hint", take(part) % 5));
                break;
            case 51:
                a = id_of(part);
                checked(cleat_context_set_ciphers(a, "PSK:HIGH", take(part) % 2 == 0 ? 3 : 8));
                break;
            case 52: answer_psk(part, bytes); break;
            default:
                checked(cleat_connection_channel_binding(id_of(part), take(part) % 4, room, 64));
                break;
        }
    }
}

static void *play_thread(void *argument) {
    play(argument);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int32_t len;
    int i;
    if (size < 1 || size > 4096) return 0;
    (void)identity_text(IDENTITY_KEY, &len); /* before any thread starts */
    if (data[0] % 4 != 0) {
        struct part part = {data + 1, data + size};
        play(&part);
    } else {
        struct part parts[3];
        pthread_t threads[3];
        size_t third = (size - 1) / 3;
        for (i = 0; i < 3; i++) {
            parts[i].at = data + 1 + third * (size_t)i;
            parts[i].end = parts[i].at + third;
            DEMAND(pthread_create(&threads[i], NULL, play_thread, &parts[i]) == 0);
        }
        for (i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    }
    for (i = 0; i < SLOTS; i++) cleat_close(atomic_exchange(&slots[i], 0));
    DEMAND(cleat_handle_count() == 0);
    return 0;
}
