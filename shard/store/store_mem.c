#include "shard/store/store.h"

#include "core/base/base.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/map.h"
#include "core/base/mem.h"

struct store_mem {
    struct store store;
    struct hash_key hash_key;
    struct map accounts; /* name -> struct account, heap */
};

static void drop(struct account *account)
{
    account_fini(account);
    mem_free(account);
}

static int load(struct store_mem *mem, struct account *account)
{
    const struct account *kept = map_get(&mem->accounts, account->name);
    if (kept == NULL)
        return ERR_NOT_FOUND;
    account_fini(account);
    account_copy(account, kept);
    return 0;
}

static void keep(struct store_mem *mem, const struct account *account)
{
    struct account *kept = MEM_NEW(struct account);
    account_copy(kept, account);
    struct account *before = map_put(&mem->accounts, kept->name, kept);
    if (before != NULL)
        drop(before);
}

static int create(struct store_mem *mem, const struct account *account)
{
    if (map_get(&mem->accounts, account->name) != NULL)
        return ERR_EXISTS;
    if (mem->accounts.count >= ACCOUNTS_MAX)
        return ERR_LIMIT;
    keep(mem, account);
    return 0;
}

static int change(struct store_mem *mem, const struct account *account)
{
    if (map_get(&mem->accounts, account->name) == NULL)
        return ERR_NOT_FOUND;
    keep(mem, account);
    return 0;
}

static int forget(struct store_mem *mem, const struct account *account)
{
    struct account *kept = map_remove(&mem->accounts, account->name);
    if (kept == NULL)
        return ERR_NOT_FOUND;
    drop(kept);
    return 0;
}

static int account_do(struct store_mem *mem, struct account_ask *ask)
{
    switch (ask->op) {
    case ACCOUNT_LOAD:
        return load(mem, &ask->account);
    case ACCOUNT_CREATE:
        return create(mem, &ask->account);
    case ACCOUNT_CHANGE:
        return change(mem, &ask->account);
    case ACCOUNT_REMOVE:
        return forget(mem, &ask->account);
    }
    return ERR_INVALID;
}

static void store_mem_account(struct store *store, struct account_ask *ask)
{
    struct store_mem *mem = container_of(store, struct store_mem, store);
    ask->err = account_do(mem, ask);
}

static void store_mem_close(struct store *store)
{
    struct store_mem *mem = container_of(store, struct store_mem, store);
    struct account *account;
    map_each (&mem->accounts, at, account)
        drop(account);
    map_fini(&mem->accounts);
    mem_free(mem);
}

struct store *store_mem_open(const struct hash_key *hash_key)
{
    struct store_mem *mem = MEM_NEW(struct store_mem);
    mem->store = (struct store){.account = store_mem_account, .close = store_mem_close};
    mem->hash_key = *hash_key;
    map_init(&mem->accounts, &mem->hash_key);
    return &mem->store;
}
