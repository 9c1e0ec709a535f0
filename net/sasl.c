#include "net/sasl.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"

#include <gsasl.h>
#include <stdio.h>

#define SALT_BYTES 16

struct mechanism {
    const char *name;
    Gsasl_hash hash;
    bool anonymous;
    bool plain;
};

static const struct mechanism mechanisms[] = {
    {"SCRAM-SHA-256", GSASL_HASH_SHA256, false, false},
    {"SCRAM-SHA-1", GSASL_HASH_SHA1, false, false},
    {"PLAIN", GSASL_HASH_SHA256, false, true},
    {"ANONYMOUS", GSASL_HASH_SHA256, true, false},
};

struct sasl {
    struct str domain, secret;
    const struct mechanism *mechanism; /* NULL before sasl_start() */
    Gsasl_session *session;
    struct str name;  /* heap: local part, once learned */
    struct str input; /* heap: of the step to be repeated; holds a password with PLAIN */
    struct scram_verifier verifier; /* of the mechanism's hash, once loaded */
    bool loaded;                    /* the account was looked for */
    bool exists;                    /* and found */
    bool asked;                     /* the step needs what only the account knows */
};

/* Read only after sasl_init(), so all net agents share it. */
static Gsasl *library;

/* ---- verifiers ---- */

struct scram_keys {
    char salted[GSASL_HASH_MAX_SIZE], client[GSASL_HASH_MAX_SIZE];
    char server[GSASL_HASH_MAX_SIZE], stored[GSASL_HASH_MAX_SIZE];
};

static struct str heap_base64(const char *bytes, size_t size)
{
    char *text = NULL;
    ensure(gsasl_base64_to(bytes, size, &text, NULL) == GSASL_OK);
    struct str copy = str_copy(str_z(text));
    gsasl_free(text);
    return copy;
}

static void wipe(struct str *text)
{
    if (str_present(*text))
        explicit_bzero((char *)text->at, text->len);
    str_free(text);
}

static void verifier_fini(struct scram_verifier *verifier)
{
    wipe(&verifier->salt);
    wipe(&verifier->stored_key);
    wipe(&verifier->server_key);
}

static void verifier_copy(struct scram_verifier *to, const struct scram_verifier *from)
{
    to->salt = str_copy(from->salt);
    to->stored_key = str_copy(from->stored_key);
    to->server_key = str_copy(from->server_key);
    to->iterations = from->iterations;
}

static int verifier_make(struct scram_verifier *verifier, Gsasl_hash hash, const char *password,
                         void (*random)(void *bytes, size_t size))
{
    char salt[SALT_BYTES];
    random(salt, sizeof(salt));
    struct scram_keys keys;
    int rc = gsasl_scram_secrets_from_password(hash, password, SCRAM_ITERATIONS, salt, sizeof(salt),
                                               keys.salted, keys.client, keys.server, keys.stored);
    if (rc == GSASL_OK) {
        size_t size = gsasl_hash_length(hash);
        verifier->salt = heap_base64(salt, sizeof(salt));
        verifier->iterations = SCRAM_ITERATIONS;
        verifier->stored_key = heap_base64(keys.stored, size);
        verifier->server_key = heap_base64(keys.server, size);
    }
    explicit_bzero(&keys, sizeof(keys));
    if (rc == GSASL_OK)
        return 0;
    return rc == GSASL_SASLPREP_ERROR ? ERR_INVALID : ERR_CRYPTO;
}

/* What is left of a password after preparation; GNU SASL prepares again when it makes keys, but
 * would let an empty result pass. */
static bool password_is_fit(const char *password)
{
    char *prepared = NULL;
    int rc = gsasl_saslprep(password, GSASL_ALLOW_UNASSIGNED, &prepared, NULL);
    bool fit = rc == GSASL_OK && prepared[0] != '\0';
    if (rc == GSASL_OK) {
        explicit_bzero(prepared, strlen(prepared));
        gsasl_free(prepared);
    }
    return fit;
}

int sasl_make_verifiers(struct account *account, struct str password,
                        void (*random)(void *bytes, size_t size))
{
    if (password.len == 0 || password.len > PASSWORD_BYTES_MAX ||
        memchr(password.at, '\0', password.len) != NULL)
        return ERR_INVALID;
    struct str text = str_copy(password); /* ends in NUL */
    struct scram_verifier sha1 = {0}, sha256 = {0};
    int err = password_is_fit(text.at) ? 0 : ERR_INVALID;
    if (err == 0)
        err = verifier_make(&sha1, GSASL_HASH_SHA1, text.at, random);
    if (err == 0)
        err = verifier_make(&sha256, GSASL_HASH_SHA256, text.at, random);
    wipe(&text);
    if (err != 0) {
        verifier_fini(&sha1);
        verifier_fini(&sha256);
        return err;
    }
    verifier_fini(&account->sha1);
    verifier_fini(&account->sha256);
    account->sha1 = sha1;
    account->sha256 = sha256;
    return 0;
}

/* For a name that has no account: PBKDF2 with one iteration is one HMAC of the name under our
 * secret, so the salt cannot be told from a real one and nobody can compute a proof for the keys.
 */
static void verifier_invent(struct sasl *sasl, struct scram_verifier *verifier)
{
    char *key = NULL;
    size_t key_len = 0;
    ensure(gsasl_hex_to(sasl->secret.at, sasl->secret.len, &key, &key_len) == GSASL_OK);
    struct scram_keys keys;
    Gsasl_hash hash = sasl->mechanism->hash;
    ensure(gsasl_scram_secrets_from_password(hash, key, 1, sasl->name.at, sasl->name.len,
                                             keys.salted, keys.client, keys.server,
                                             keys.stored) == GSASL_OK);
    size_t size = gsasl_hash_length(hash);
    verifier->salt = heap_base64(keys.salted, SALT_BYTES);
    verifier->iterations = SCRAM_ITERATIONS;
    verifier->stored_key = heap_base64(keys.stored, size);
    verifier->server_key = heap_base64(keys.server, size);
    explicit_bzero(&keys, sizeof(keys));
    explicit_bzero(key, key_len);
    gsasl_free(key);
}

/* ---- the library's questions ---- */

static bool decode(struct str base64, char **bytes, size_t *size)
{
    return gsasl_base64_from(base64.at, base64.len, bytes, size) == GSASL_OK;
}

static int check_password(struct sasl *sasl, Gsasl_session *session)
{
    const char *password = gsasl_property_fast(session, GSASL_PASSWORD);
    if (password == NULL || password[0] == '\0')
        return GSASL_AUTHENTICATION_ERROR;
    char *salt = NULL;
    size_t salt_len = 0;
    if (!decode(sasl->verifier.salt, &salt, &salt_len))
        return GSASL_AUTHENTICATION_ERROR;
    Gsasl_hash hash = sasl->mechanism->hash;
    struct scram_keys keys;
    int rc =
        gsasl_scram_secrets_from_password(hash, password, sasl->verifier.iterations, salt, salt_len,
                                          keys.salted, keys.client, keys.server, keys.stored);
    gsasl_free(salt);
    if (rc != GSASL_OK)
        return GSASL_AUTHENTICATION_ERROR;
    struct str made = heap_base64(keys.stored, gsasl_hash_length(hash));
    bool same = str_eq_secret(made, sasl->verifier.stored_key);
    wipe(&made);
    explicit_bzero(&keys, sizeof(keys));
    return same && sasl->exists ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

static int on_question(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
    UNUSED(gsasl);
    struct sasl *sasl = gsasl_session_hook_get(session);
    if (property == GSASL_VALIDATE_ANONYMOUS)
        return GSASL_OK;
    bool about_account = property == GSASL_SCRAM_ITER || property == GSASL_SCRAM_SALT ||
                         property == GSASL_VALIDATE_SIMPLE;
    if (!about_account || sasl == NULL)
        return GSASL_NO_CALLBACK;
    if (sasl->loaded)
        return property == GSASL_VALIDATE_SIMPLE ? check_password(sasl, session)
                                                 : GSASL_NO_CALLBACK;
    sasl->asked = true;
    return GSASL_NO_CALLBACK;
}

int sasl_init(void)
{
    ensure(library == NULL);
    if (gsasl_init(&library) != GSASL_OK)
        return ERR_CRYPTO;
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
        if (!gsasl_server_support_p(library, mechanisms[i].name)) {
            sasl_fini();
            return ERR_UNSUPPORTED;
        }
    }
    gsasl_callback_set(library, on_question);
    return 0;
}

void sasl_fini(void)
{
    if (library != NULL)
        gsasl_done(library);
    library = NULL;
}

/* ---- an exchange ---- */

struct sasl *sasl_new(struct str domain, struct str secret)
{
    ensure(library != NULL && secret.len > 0);
    struct sasl *sasl = MEM_NEW(struct sasl);
    sasl->domain = domain;
    sasl->secret = secret;
    return sasl;
}

static void session_end(struct sasl *sasl)
{
    if (sasl->session != NULL)
        gsasl_finish(sasl->session);
    sasl->session = NULL;
}

void sasl_free(struct sasl *sasl)
{
    if (sasl == NULL)
        return;
    session_end(sasl);
    verifier_fini(&sasl->verifier);
    wipe(&sasl->input);
    str_free(&sasl->name);
    mem_free(sasl);
}

struct str sasl_account_name(const struct sasl *sasl)
{
    return sasl->name;
}

static bool session_begin(struct sasl *sasl)
{
    session_end(sasl);
    if (gsasl_server_start(library, sasl->mechanism->name, &sasl->session) != GSASL_OK) {
        sasl->session = NULL;
        return false;
    }
    gsasl_session_hook_set(sasl->session, sasl);
    if (!sasl->loaded)
        return true;
    char iterations[16];
    snprintf(iterations, sizeof(iterations), "%u", sasl->verifier.iterations);
    Gsasl_session *session = sasl->session;
    return gsasl_property_set(session, GSASL_SCRAM_ITER, iterations) == GSASL_OK &&
           gsasl_property_set(session, GSASL_SCRAM_SALT, sasl->verifier.salt.at) == GSASL_OK &&
           gsasl_property_set(session, GSASL_SCRAM_STOREDKEY, sasl->verifier.stored_key.at) ==
               GSASL_OK &&
           gsasl_property_set(session, GSASL_SCRAM_SERVERKEY, sasl->verifier.server_key.at) ==
               GSASL_OK;
}

static enum sasl_outcome outcome_of_error(int rc)
{
    switch (rc) {
    case GSASL_AUTHENTICATION_ERROR:
    case GSASL_INTEGRITY_ERROR:
    case GSASL_NO_PASSWORD:
    case GSASL_NO_CALLBACK:
    case GSASL_SASLPREP_ERROR: /* a name or password that no account can have */
        return SASL_NOT_AUTHORIZED;
    case GSASL_MECHANISM_PARSE_ERROR:
    case GSASL_MECHANISM_CALLED_TOO_MANY_TIMES:
    case GSASL_BASE64_ERROR:
        return SASL_MALFORMED;
    default:
        return SASL_TEMPORARY;
    }
}

/* Nobody may act for another: an authorization identity, if there is one, is the account itself.
 * GNU SASL gives the name twice where PLAIN had none. */
static bool authzid_is_own(const struct sasl *sasl, struct str authid, struct arena *arena)
{
    struct str authzid = str_z(gsasl_property_fast(sasl->session, GSASL_AUTHZID));
    if (str_empty(authzid) || (sasl->mechanism->plain && str_eq(authzid, authid)))
        return true;
    struct str own = str_fmt(arena, "%.*s@%.*s", (int)sasl->name.len, sasl->name.at,
                             (int)sasl->domain.len, sasl->domain.at);
    return str_eq(authzid, own);
}

/* The step has asked for the account: learn whose, and begin again when it is loaded. */
static enum sasl_outcome need(struct sasl *sasl, struct str input, struct arena *arena)
{
    struct str authid = str_z(gsasl_property_fast(sasl->session, GSASL_AUTHID));
    struct str name = prep_local(arena, authid);
    if (!str_present(name))
        return SASL_NOT_AUTHORIZED;
    sasl->name = str_copy(name);
    if (!authzid_is_own(sasl, authid, arena))
        return SASL_INVALID_AUTHZID;
    session_end(sasl);
    sasl->input = str_copy(input);
    return SASL_NEED;
}

/* RFC 4505's trace is of no use to us and XEP-0175 wants none; GNU SASL insists on one, so with
 * none there is nothing to ask it. */
static bool is_untraced(const struct sasl *sasl, struct str input)
{
    return sasl->mechanism->anonymous && input.len == 0;
}

static enum sasl_outcome step(struct sasl *sasl, struct str input, struct arena *arena,
                              struct str *out)
{
    if (is_untraced(sasl, input))
        return SASL_SUCCESS;
    char *bytes = NULL;
    size_t size = 0;
    sasl->asked = false;
    int rc = gsasl_step(sasl->session, input.at, input.len, &bytes, &size);
    if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
        size = 0;
    if (sasl->asked) {
        gsasl_free(bytes);
        return need(sasl, input, arena);
    }
    *out = STR_NONE;
    if (size > 0) {
        char *text = NULL;
        ensure(gsasl_base64_to(bytes, size, &text, NULL) == GSASL_OK);
        *out = str_in(arena, str_z(text));
        gsasl_free(text);
    }
    gsasl_free(bytes);
    if (rc == GSASL_NEEDS_MORE)
        return SASL_CHALLENGE;
    if (rc != GSASL_OK)
        return outcome_of_error(rc);
    /* Keys made up for a name cannot be matched; should they ever be, there is still no account. */
    return sasl->mechanism->anonymous || sasl->exists ? SASL_SUCCESS : SASL_NOT_AUTHORIZED;
}

/* "=" and nothing are both an empty message. */
static enum sasl_outcome step_base64(struct sasl *sasl, struct str text, struct arena *arena,
                                     struct str *out)
{
    if (text.len > SASL_MESSAGE_BYTES_MAX)
        return SASL_MALFORMED;
    if (text.len == 0 || str_eq(text, STR("=")))
        return step(sasl, STR(""), arena, out);
    char *bytes = NULL;
    size_t size = 0;
    if (!decode(text, &bytes, &size))
        return SASL_INCORRECT_ENCODING;
    enum sasl_outcome outcome = step(sasl, str_of(bytes, size), arena, out);
    explicit_bzero(bytes, size);
    gsasl_free(bytes);
    return outcome;
}

enum sasl_outcome sasl_start(struct sasl *sasl, struct str mechanism, struct str initial,
                             struct arena *arena, struct str *out)
{
    ensure(sasl->mechanism == NULL);
    *out = STR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
        if (str_eqz(mechanism, mechanisms[i].name))
            sasl->mechanism = &mechanisms[i];
    }
    if (sasl->mechanism == NULL)
        return SASL_INVALID_MECHANISM;
    if (!session_begin(sasl))
        return SASL_TEMPORARY;
    return step_base64(sasl, initial, arena, out);
}

enum sasl_outcome sasl_response(struct sasl *sasl, struct str response, struct arena *arena,
                                struct str *out)
{
    *out = STR_NONE;
    if (sasl->session == NULL)
        return SASL_MALFORMED;
    enum sasl_outcome outcome = step_base64(sasl, response, arena, out);
    /* An empty answer to an empty challenge would go round for ever. */
    bool idle = outcome == SASL_CHALLENGE && str_empty(*out);
    return idle ? SASL_MALFORMED : outcome;
}

enum sasl_outcome sasl_account(struct sasl *sasl, const struct account *account, int err,
                               struct arena *arena, struct str *out)
{
    ensure(str_present(sasl->input) && !sasl->loaded);
    *out = STR_NONE;
    if (err != 0)
        return SASL_TEMPORARY;
    sasl->loaded = true;
    sasl->exists = account != NULL;
    if (account == NULL)
        verifier_invent(sasl, &sasl->verifier);
    else
        verifier_copy(&sasl->verifier,
                      sasl->mechanism->hash == GSASL_HASH_SHA1 ? &account->sha1 : &account->sha256);
    if (!session_begin(sasl))
        return SASL_TEMPORARY;
    struct str input = sasl->input;
    sasl->input = STR_NONE;
    enum sasl_outcome outcome = step(sasl, input, arena, out);
    wipe(&input);
    return outcome;
}
