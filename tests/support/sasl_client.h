/*
 * The client's side of SASL, by GNU SASL: what our side is tried against.
 */
#ifndef TESTS_SUPPORT_SASL_CLIENT_H
#define TESTS_SUPPORT_SASL_CLIENT_H

#include <stdbool.h>

struct sasl_client;

/* Texts are borrowed; `authzid` may be NULL. */
struct sasl_client *sasl_client_new(const char *mechanism, const char *name, const char *password,
                                    const char *authzid);
void sasl_client_free(struct sasl_client *client);

/* Answers a challenge (base64; "" for an empty one and for the first step): base64, valid until the
 * next call; NULL if the client does not accept what it was told. */
const char *sasl_client_step(struct sasl_client *client, const char *challenge);

/* The client has seen all it needs: with SCRAM, that the server knows the password too. */
bool sasl_client_is_content(const struct sasl_client *client);

#endif
