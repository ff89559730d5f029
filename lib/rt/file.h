/* file: whole files, read bounded and written so that a crash leaves the old or the new one. */
#pragma once
#include "base/buf.h"
#include "base/diag.h"
#include "base/seal.h"

/* 0, or -errno with one line naming the file. -EFBIG past b->max. */
int mr_file_read(const char *path, struct mr_buf *b, struct mr_diag *diag);
/* A secret: additionally refused when others can read it; trailing line break removed; empty is refused. */
int mr_file_secret(const char *path, struct mr_buf *b, struct mr_diag *diag);
/* Temporary file in the same folder, fsync, rename, fsync of the folder. */
int mr_file_write(const char *path, unsigned mode, struct mr_slice content, struct mr_diag *diag);
int mr_keyring_load(const char *path, struct mr_keyring *out, struct mr_diag *diag);
