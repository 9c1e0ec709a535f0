/*
 * SASL exchanges by GNU SASL, I/O-free. The library asks for credentials synchronously; so the name
 * is learned first, the verifier is loaded without blocking, and the step is repeated with it:
 *
 *   step -> the library's callback is asked for what only the account knows -> the session is
 * thrown away, its input kept -> SASL_NEED -> sasl_account() -> a fresh session, which has the
 * answers as properties, takes the same input
 *
 * Nothing of the first session has left the process, so its nonce is of no use to anybody.
 *
 * SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, ANONYMOUS. An account that does not exist looks like a wrong
 * password: same steps, same work, with a made-up salt that stays the same for the name. A PLAIN
 * check costs SCRAM_ITERATIONS of PBKDF2 on the caller's thread; SCRAM leaves that work to the
 * client.
 */
#ifndef NET_SASL_H
#define NET_SASL_H

#include "core/base/arena.h"
#include "shard/store/store.h"

#include <stdbool.h>

/* Once per process, before threads. Negative code on failure. */
MUST_CHECK int sasl_init(void);
void sasl_fini(void);

enum sasl_outcome {
    SASL_CHALLENGE, /* *out goes to the peer (empty: an empty challenge); wait for its response */
    SASL_SUCCESS,   /* *out (may be absent) goes with <success/> */
    SASL_NEED,      /* load the account sasl_account_name(), then sasl_account() */
    SASL_NOT_AUTHORIZED,
    SASL_INVALID_AUTHZID,    /* it asks to act as somebody else */
    SASL_INCORRECT_ENCODING, /* not base64 */
    SASL_MALFORMED,          /* malformed-request */
    SASL_INVALID_MECHANISM,
    SASL_TEMPORARY, /* the store or the library failed */
};

struct sasl;

/* `secret`: made-up salts derive from it. `domain` prepared. Both borrowed. */
struct sasl *sasl_new(struct str domain, struct str secret);
void sasl_free(struct sasl *sasl); /* NULL allowed */

/* <auth mechanism=...>initial</auth>: base64 text as received, absent if there was none ("=" is an
 * empty one). Once per object. */
enum sasl_outcome sasl_start(struct sasl *sasl, struct str mechanism, struct str initial,
                             struct arena *arena, struct str *out);
enum sasl_outcome sasl_response(struct sasl *sasl, struct str response, struct arena *arena,
                                struct str *out);
/* After SASL_NEED: the account, or NULL if there is none; `err`: the store's failure, 0 if none. */
enum sasl_outcome sasl_account(struct sasl *sasl, const struct account *account, int err,
                               struct arena *arena, struct str *out);

/* Local part, prepared; after SASL_NEED or SASL_SUCCESS. For ANONYMOUS: absent (make one up). */
struct str sasl_account_name(const struct sasl *sasl);

/* Verifiers for a new password; `account->name` stays as it is. `random` for the salt. ERR_INVALID:
 * the password is empty, too long or not fit for SASLprep (RFC 4013). */
MUST_CHECK int sasl_make_verifiers(struct account *account, struct str password,
                                   void (*random)(void *bytes, size_t size));

#endif
