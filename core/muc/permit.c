#include "core/muc/permit.h"

#include "core/muc/muc.h"
#include "core/muc/option.h"

bool permit_names(const struct map *names, struct str account)
{
    if (map_get(names, account) != NULL)
        return true;
    const char *at = memchr(account.at, '@', account.len);
    if (at == NULL)
        return false;
    size_t before = (size_t)(at - account.at) + 1;
    return map_get(names, str_of(at + 1, account.len - before)) != NULL;
}

bool permit_admin(const struct muc_settings *settings, struct str account)
{
    return map_get(&settings->admins, account) != NULL;
}

bool permit_banned(const struct muc_settings *settings, struct str account)
{
    return permit_names(&settings->banned, account) && !permit_admin(settings, account);
}

bool permit_allows(const struct muc_settings *settings, const struct permit *permit,
                   struct str account)
{
    return !permit->limited || permit_admin(settings, account) ||
           permit_names(&permit->names, account);
}

bool permit_option(const struct muc_settings *settings, const struct option *option,
                   struct str account)
{
    if (option->id == OPTION_ID_PERSISTENT)
        return permit_allows(settings, &settings->persistent, account);
    if (option->id == OPTION_ID_PUBLIC)
        return permit_allows(settings, &settings->listed, account);
    return true;
}
