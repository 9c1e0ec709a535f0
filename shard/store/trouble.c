#include "shard/store/trouble.h"

#include "core/base/err.h"
#include "core/base/log.h"

static const char *reason(int err)
{
    return err == ERR_BUSY ? "another process has been writing to it for too long" : err_text(err);
}

void trouble_note(struct trouble *trouble, int err)
{
    if (err < 0 && !trouble->lasts)
        log_error("%s: %s; what needs that is refused until it works again", trouble->begins,
                  reason(err));
    if (err == 0 && trouble->lasts)
        log_info("%s", trouble->ends);
    trouble->lasts = err < 0;
}

bool is_trouble(int err)
{
    return err == ERR_IO || err == ERR_NO_SPACE || err == ERR_BUSY || err == ERR_ACCESS;
}
