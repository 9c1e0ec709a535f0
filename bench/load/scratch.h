/*
 * Files of one run: a folder that is there when it is asked for, and gone when the program ends,
 * however it does. In $TMPDIR, or /tmp: what a disk costs is measured where that is.
 */
#ifndef BENCH_LOAD_SCRATCH_H
#define BENCH_LOAD_SCRATCH_H

#define SCRATCH_PATH_MAX 128

/* The path of a file of that name there; whoever is told it makes it. It stays valid until
 * scratch_remove(). */
const char *scratch_file(const char *name);

/* The folder goes with all files that were named. Nothing happens if there is none. */
void scratch_remove(void);

#endif
