#include "shard/ways.h"

static struct route now(void *self, struct route route)
{
    return directory_link_now(self, route);
}

static struct route any(void *self, struct str service)
{
    return directory_link_any(self, service);
}

/* Who is not there at all any more has been told to its rooms by its connection's end. */
static bool replaced(void *self, const struct jid *jid, struct route route)
{
    struct route newest;
    return directory_is_local(self, jid) && directory_session_find(self, jid, &newest) &&
           !route_eq(newest, route);
}

struct ways ways_of(struct directory *directory)
{
    return (struct ways){.self = directory, .now = now, .any = any, .replaced = replaced};
}
