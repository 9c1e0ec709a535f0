#include "tests/support/sasl_client.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

#include <gsasl.h>

struct sasl_client {
    Gsasl *library;
    Gsasl_session *session;
    const char *name, *password, *authzid;
    char *said;
    bool content;
};

static int on_question(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    struct sasl_client *client = gsasl_callback_hook_get(library);
    if (property == GSASL_AUTHID)
        return gsasl_property_set(session, property, client->name);
    if (property == GSASL_PASSWORD)
        return gsasl_property_set(session, property, client->password);
    if (property == GSASL_AUTHZID && client->authzid != NULL)
        return gsasl_property_set(session, property, client->authzid);
    return GSASL_NO_CALLBACK;
}

struct sasl_client *sasl_client_new(const char *mechanism, const char *name, const char *password,
                                    const char *authzid)
{
    struct sasl_client *client = MEM_NEW(struct sasl_client);
    client->name = name;
    client->password = password;
    client->authzid = authzid;
    ensure(gsasl_init(&client->library) == GSASL_OK);
    gsasl_callback_hook_set(client->library, client);
    gsasl_callback_set(client->library, on_question);
    ensure(gsasl_client_start(client->library, mechanism, &client->session) == GSASL_OK);
    return client;
}

void sasl_client_free(struct sasl_client *client)
{
    gsasl_free(client->said);
    gsasl_finish(client->session);
    gsasl_done(client->library);
    mem_free(client);
}

const char *sasl_client_step(struct sasl_client *client, const char *challenge)
{
    gsasl_free(client->said);
    client->said = NULL;
    int rc = gsasl_step64(client->session, challenge, &client->said);
    client->content = rc == GSASL_OK;
    return rc == GSASL_OK || rc == GSASL_NEEDS_MORE ? client->said : NULL;
}

bool sasl_client_is_content(const struct sasl_client *client)
{
    return client->content;
}
