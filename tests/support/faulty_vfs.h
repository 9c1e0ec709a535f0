/*
 * A file layer for SQLite that fails on request: "faulty", over the system's own.
 *
 *   faults      the next writes or syncs of databases and logs fail, or all of them until told
 *               otherwise
 *   power loss  beside each file lies a second one, NAME.durable, with what was synced; after the
 *               power has failed, faulty_vfs_power_loss() puts those in the place of the files.
 *               What is written and not synced is gone, also if the process was killed meanwhile
 *
 * A test that is a program sets the faults by functions, for one thread at a time and whatever it
 * forks. A whole server is told from outside, by a file that both have mapped: it works for all its
 * threads, in the middle of whatever they do.
 */
#ifndef TESTS_SUPPORT_FAULTY_VFS_H
#define TESTS_SUPPORT_FAULTY_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum vfs_fault {
    VFS_FINE,
    VFS_DISK_FULL,   /* writes: SQLITE_FULL */
    VFS_WRITE_FAILS, /* writes: an input/output error */
    VFS_SYNC_FAILS,
    VFS_READ_FAILS,
    VFS_OPEN_FAILS,
};

#define FAULTY_VFS "faulty"

/* What is to go wrong. Also the contents of the file by which a server is told. */
struct vfs_faults {
    _Atomic uint32_t fault;   /* enum vfs_fault */
    _Atomic uint32_t after;   /* so many operations of that kind still succeed */
    _Atomic uint32_t count;   /* then so many fail; UINT32_MAX: all */
    _Atomic uint32_t slow_ms; /* every sync takes so long */
    _Atomic uint32_t syncs;   /* counted here */
    _Atomic uint32_t struck;  /* how often an operation failed */
    _Atomic uint32_t read_ms; /* every read takes so long in the thread that answers queries */
};

/* Can be called again. `power`: keep the .durable files. */
void faulty_vfs_register(bool power);
/* From now on the faults are those in this file (made if it is not there), and SQLite takes this
 * layer for every file. False: it cannot be mapped. */
bool faulty_vfs_control(const char *path);
/* `after` operations of that kind still succeed; then `count` fail. */
void faulty_vfs_fail(enum vfs_fault fault, unsigned after, unsigned count);
/* Every sync takes so long. */
void faulty_vfs_slow(unsigned ms);
/* Syncs since the last call. */
unsigned faulty_vfs_syncs(void);
/* The database at `path` (and its log) as it was when it was last synced; nobody has it open. */
void faulty_vfs_power_loss(const char *path);

#endif
