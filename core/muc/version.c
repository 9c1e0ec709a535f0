#include "core/muc/version.h"

void version_answer(struct step *step, const struct inbound *in)
{
    struct fb fb;

    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_VERSION);
    fb_leaf(&fb, NAME_NAME, NS_VERSION, STR("Stentor"));
    fb_leaf(&fb, NAME_VERSION, NS_VERSION, step->env->settings->version);
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}
