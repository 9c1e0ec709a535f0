#include "net/resolve.h"

#include "core/base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct resolve {
    _Atomic unsigned refs; /* the caller's, the thread's */
    _Atomic bool done;     /* what follows is written before, by the thread, and read after */
    struct addrinfo *found;
    int failed;
    struct str host; /* heap, NUL-terminated */
    char port[8];
};

static void unref(struct resolve *resolve)
{
    if (atomic_fetch_sub(&resolve->refs, 1) > 1)
        return;
    if (resolve->found != NULL)
        freeaddrinfo(resolve->found);
    str_free(&resolve->host);
    mem_free(resolve);
}

static void look_up(struct resolve *resolve, int flags)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | flags,
    };
    resolve->failed = getaddrinfo(resolve->host.at, resolve->port, &hints, &resolve->found);
    if (resolve->failed != 0)
        resolve->found = NULL;
}

static void *resolve_main(void *self)
{
    struct resolve *resolve = self;
    look_up(resolve, 0);
    atomic_store(&resolve->done, true);
    unref(resolve);
    return NULL;
}

static int start_thread(struct resolve *resolve)
{
    pthread_t thread;
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed != 0)
        return failed;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    atomic_store(&resolve->refs, 2);
    failed = pthread_create(&thread, &attributes, resolve_main, resolve);
    pthread_attr_destroy(&attributes);
    return failed;
}

struct resolve *resolve_begin(struct str host, uint16_t port)
{
    struct resolve *resolve = MEM_NEW(struct resolve);
    atomic_init(&resolve->refs, 1);
    resolve->host = str_copy(host);
    snprintf(resolve->port, sizeof(resolve->port), "%u", port);
    look_up(resolve, AI_NUMERICHOST);
    if (resolve->failed == 0) {
        atomic_store(&resolve->done, true);
    } else if (start_thread(resolve) != 0) {
        atomic_store(&resolve->refs, 1);
        resolve->failed = EAI_AGAIN;
        atomic_store(&resolve->done, true);
    }
    return resolve;
}

bool resolve_done(struct resolve *resolve)
{
    return atomic_load(&resolve->done);
}

const struct addrinfo *resolve_result(const struct resolve *resolve, const char **why)
{
    if (resolve->failed != 0)
        *why = gai_strerror(resolve->failed);
    return resolve->found;
}

void resolve_end(struct resolve *resolve)
{
    if (resolve != NULL)
        unref(resolve);
}
