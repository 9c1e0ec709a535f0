/*
 * Linked to a server of the tests, and to no other: before its main() begins, the file layer that
 * fails on request stands under its store.
 *
 *     STENTOR_FAULTS      the file by which it is told what is to fail (struct vfs_faults)
 *     STENTOR_POWER       set: what was synced is kept beside each file, NAME.durable
 */
#include "tests/support/faulty_vfs.h"

#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void put_under(void)
{
    const char *faults = getenv("STENTOR_FAULTS");
    if (faults == NULL)
        return;
    faulty_vfs_register(getenv("STENTOR_POWER") != NULL);
    if (faulty_vfs_control(faults))
        return;
    fprintf(stderr, "%s cannot be mapped\n", faults);
    abort();
}
