#include "shard/store/store.h"

static void verifier_fini(struct scram_verifier *verifier)
{
    str_free(&verifier->salt);
    str_free(&verifier->stored_key);
    str_free(&verifier->server_key);
    verifier->iterations = 0;
}

static struct scram_verifier verifier_copy(const struct scram_verifier *from)
{
    return (struct scram_verifier){
        .salt = str_copy(from->salt),
        .iterations = from->iterations,
        .stored_key = str_copy(from->stored_key),
        .server_key = str_copy(from->server_key),
    };
}

void account_fini(struct account *account)
{
    str_free(&account->name);
    verifier_fini(&account->sha1);
    verifier_fini(&account->sha256);
}

void account_copy(struct account *to, const struct account *from)
{
    *to = (struct account){
        .name = str_copy(from->name),
        .sha1 = verifier_copy(&from->sha1),
        .sha256 = verifier_copy(&from->sha256),
    };
}
