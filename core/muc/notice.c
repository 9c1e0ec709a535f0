#include "core/muc/notice.h"

#include "core/muc/feature.h"

void notice_statuses(struct room *room, struct step *step, uint32_t statuses)
{
    struct fb fb;

    if (statuses == 0)
        return;
    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR("groupchat"), step_id(step));
    fb_open(&fb, NAME_X, NS_MUC_USER);
    fb_statuses(&fb, statuses, false);
    fb_close(&fb);
    effect_broadcast(step, fb_finish(&fb), room->roster, AUDIENCE_ALL);
}
