/* file: the files that a configuration consists of. (rt/file.h is a floor above.) */
#pragma once
#include "base/buf.h"
#include "base/diag.h"

/* Whole file into b. -ENOENT and others with the diagnosis "PATH: why"; -EFBIG past b->max. Folders, pipes and sockets are refused. */
int mr_conf_file_read(const char *path, struct mr_buf *b, struct mr_diag *diag);
/* Names of the *.conf in `folder`, in byte order; a folder that is absent has none. *names and each of it to free(). */
int mr_conf_folder_list(const char *folder, char ***names, size_t *n, struct mr_diag *diag);
