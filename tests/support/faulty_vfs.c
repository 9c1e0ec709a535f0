#include "tests/support/faulty_vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* A stretch of a file that was written and not synced. */
struct stretch {
    int64_t at, len;
};

struct faulty_file {
    sqlite3_file base;
    int durable; /* descriptor of the second file; -1: none */
    struct stretch *unsynced;
    unsigned count, cap;
    sqlite3_file *real; /* behind this */
};

static struct vfs_faults own;

static struct {
    bool registered, power;
    struct vfs_faults *faults; /* `own`, or those of a file */
    sqlite3_vfs *real;
    sqlite3_vfs vfs;
} layer = {.faults = &own};

/* True: there was one left, and it is taken. */
static bool take_one(_Atomic uint32_t *left)
{
    uint32_t now = atomic_load(left);
    while (now > 0 && now < UINT32_MAX)
        if (atomic_compare_exchange_weak(left, &now, now - 1))
            return true;
    return now == UINT32_MAX;
}

static bool strikes(enum vfs_fault fault)
{
    struct vfs_faults *faults = layer.faults;
    if (atomic_load(&faults->fault) != fault || take_one(&faults->after) ||
        !take_one(&faults->count))
        return false;
    atomic_fetch_add(&faults->struck, 1);
    return true;
}

static struct faulty_file *file_of(sqlite3_file *file)
{
    return (struct faulty_file *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return file_of(file)->real;
}

/* ---- what was not synced ---- */

static void note(struct faulty_file *file, int64_t at, int64_t len)
{
    if (file->durable < 0)
        return;
    if (file->count == file->cap) {
        file->cap = file->cap == 0 ? 64 : file->cap * 2;
        file->unsynced = realloc(file->unsynced, file->cap * sizeof(*file->unsynced));
    }
    file->unsynced[file->count++] = (struct stretch){at, len};
}

static void make_durable(struct faulty_file *file)
{
    char bytes[65536];
    sqlite3_int64 size = 0;
    if (file->durable < 0)
        return;
    file->real->pMethods->xFileSize(file->real, &size);
    for (unsigned i = 0; i < file->count; i++) {
        struct stretch left = file->unsynced[i];
        while (left.len > 0 && left.at < size) {
            int64_t step = left.len < (int64_t)sizeof(bytes) ? left.len : (int64_t)sizeof(bytes);
            step = left.at + step > size ? size - left.at : step;
            file->real->pMethods->xRead(file->real, bytes, (int)step, left.at);
            if (pwrite(file->durable, bytes, (size_t)step, left.at) != step)
                abort();
            left.at += step;
            left.len -= step;
        }
    }
    if (ftruncate(file->durable, size) != 0)
        abort();
    file->count = 0;
}

static void durable_name(char *name, size_t size, const char *path)
{
    snprintf(name, size, "%s.durable", path);
}

static void copy(const char *from, const char *to)
{
    char bytes[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got = 0;
    while (in >= 0 && (got = read(in, bytes, sizeof(bytes))) > 0)
        if (write(out, bytes, (size_t)got) != got)
            abort();
    if (in >= 0)
        close(in);
    close(out);
}

static void restore(const char *path)
{
    char durable[1100];
    durable_name(durable, sizeof(durable), path);
    if (access(durable, F_OK) == 0)
        copy(durable, path);
    else
        unlink(path); /* not even its name was synced */
}

void faulty_vfs_power_loss(const char *path)
{
    char name[512];
    restore(path);
    snprintf(name, sizeof(name), "%s-wal", path);
    restore(name);
    snprintf(name, sizeof(name), "%s-journal", path);
    restore(name);
    snprintf(name, sizeof(name), "%s-shm", path);
    unlink(name); /* memory, as far as SQLite is concerned */
}

/* ---- files ---- */

static int file_close(sqlite3_file *file)
{
    struct faulty_file *self = file_of(file);
    int code = self->real->pMethods->xClose(self->real);
    if (self->durable >= 0)
        close(self->durable);
    free(self->unsynced);
    return code;
}

static void pause_ms(uint32_t ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    if (ms != 0)
        nanosleep(&wait, NULL);
}

static bool answers_queries(void)
{
    char name[16] = "";
    return pthread_getname_np(pthread_self(), name, sizeof(name)) == 0 &&
           strcmp(name, "reader") == 0;
}

static int file_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
    uint32_t read_ms = atomic_load(&layer.faults->read_ms);
    if (read_ms != 0 && answers_queries())
        pause_ms(read_ms);
    if (strikes(VFS_READ_FAILS))
        return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), bytes, len, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    if (strikes(VFS_DISK_FULL))
        return SQLITE_FULL;
    if (strikes(VFS_WRITE_FAILS)) {
        /* half of it is there, as with a real one */
        real_of(file)->pMethods->xWrite(real_of(file), bytes, len / 2, at);
        note(file_of(file), at, len / 2);
        return SQLITE_IOERR_WRITE;
    }
    note(file_of(file), at, len);
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, len, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    atomic_fetch_add(&layer.faults->syncs, 1);
    pause_ms(atomic_load(&layer.faults->slow_ms));
    if (strikes(VFS_SYNC_FAILS))
        return SQLITE_IOERR_FSYNC;
    make_durable(file_of(file));
    /* With the second files, the real ones need not survive. */
    return layer.power ? SQLITE_OK : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int file_control(sqlite3_file *file, int op, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int file_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **at)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, at);
}

static int shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

/* Version 2: with shared memory for the log, without mapping the file itself. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* ---- the layer ---- */

static bool is_kept(const char *path, int flags)
{
    int kept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
    return layer.power && path != NULL && (flags & kept) != 0;
}

static int layer_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                      int *out_flags)
{
    (void)vfs;
    struct faulty_file *self = file_of(file);
    memset(self, 0, sizeof(*self));
    self->durable = -1;
    if (strikes(VFS_OPEN_FAILS))
        return SQLITE_CANTOPEN;
    self->real = (sqlite3_file *)(void *)(self + 1);
    int code = layer.real->xOpen(layer.real, path, self->real, flags, out_flags);
    if (code != SQLITE_OK)
        return code;
    self->base.pMethods = &methods;
    if (!is_kept(path, flags))
        return SQLITE_OK;
    char name[1100];
    durable_name(name, sizeof(name), path);
    bool known = access(name, F_OK) == 0;
    self->durable = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    sqlite3_int64 size = 0;
    self->real->pMethods->xFileSize(self->real, &size);
    if (!known)
        note(self, 0, size); /* it was there before us: durable */
    if (!known && size > 0)
        make_durable(self);
    return SQLITE_OK;
}

static int layer_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    (void)vfs;
    char name[1100];
    durable_name(name, sizeof(name), path);
    unlink(name);
    return layer.real->xDelete(layer.real, path, sync_folder);
}

void faulty_vfs_register(bool power)
{
    layer.power = power;
    faulty_vfs_fail(VFS_FINE, 0, 0);
    faulty_vfs_slow(0);
    if (layer.registered)
        return;
    layer.registered = true;
    layer.real = sqlite3_vfs_find(NULL);
    layer.vfs = *layer.real;
    layer.vfs.zName = FAULTY_VFS;
    layer.vfs.pNext = NULL;
    layer.vfs.szOsFile = (int)sizeof(struct faulty_file) + layer.real->szOsFile;
    layer.vfs.xOpen = layer_open;
    layer.vfs.xDelete = layer_delete;
    sqlite3_vfs_register(&layer.vfs, 0);
}

bool faulty_vfs_control(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof(struct vfs_faults)) != 0)
        return false;
    void *at = mmap(NULL, sizeof(struct vfs_faults), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (at == MAP_FAILED)
        return false;
    layer.faults = at;
    return sqlite3_vfs_register(&layer.vfs, 1) == SQLITE_OK;
}

void faulty_vfs_fail(enum vfs_fault fault, unsigned after, unsigned count)
{
    atomic_store(&layer.faults->fault, fault);
    atomic_store(&layer.faults->after, after);
    atomic_store(&layer.faults->count, count);
}

void faulty_vfs_slow(unsigned ms)
{
    atomic_store(&layer.faults->slow_ms, ms);
}

unsigned faulty_vfs_syncs(void)
{
    return atomic_exchange(&layer.faults->syncs, 0);
}
