#include "tools/stentord/load.h"

#include "core/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool load_file(struct config *config, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(config->error, sizeof(config->error), "%.300s: %s", path, strerror(errno));
        return false;
    }
    struct buf text;
    buf_init(&text, NULL);
    size_t got;
    do {
        got = fread(buf_reserve(&text, 4096), 1, 4096, file);
        text.len += got;
    } while (got > 0);
    bool ok = ferror(file) == 0;
    fclose(file);
    if (!ok)
        snprintf(config->error, sizeof(config->error), "%.300s: cannot be read", path);
    ok = ok && config_load(config, buf_str(&text), path);
    buf_free(&text);
    return ok;
}

bool load_config(struct config *config, const char *file, const char *const *settings,
                 unsigned count)
{
    if (file != NULL && !load_file(config, file))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!config_set(config, settings[i]))
            return false;
    }
    return true;
}
