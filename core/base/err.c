#include "core/base/err.h"

#include "core/base/base.h"

#include <errno.h>

static const char *const texts[] = {
#define ERR(name, text) text,
#include "core/base/err.def"
#undef ERR
};

const char *err_text(int err)
{
    if (err >= 0)
        return "no error";
    unsigned row = (unsigned)(-1 - err);
    return row < ARRAY_LEN(texts) ? texts[row] : "unknown error";
}

int err_from_errno(int number)
{
    switch (number) {
    case 0:
        return ERR_OK;
    case EAGAIN:
    case EINTR:
    case EINPROGRESS:
        return ERR_AGAIN;
    case ENOENT:
    case ENXIO:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EINVAL:
    case EAFNOSUPPORT:
    case ENAMETOOLONG:
        return ERR_INVALID;
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case ENOBUFS:
    case ENOMEM:
    case EFBIG:
        return ERR_LIMIT;
    case ECONNREFUSED:
        return ERR_REFUSED;
    case EADDRINUSE:
    case EBUSY:
        return ERR_BUSY;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_ACCESS;
    case EOPNOTSUPP:
    case ENOSYS:
    case EPROTONOSUPPORT:
        return ERR_UNSUPPORTED;
    default:
        return ERR_IO;
    }
}
