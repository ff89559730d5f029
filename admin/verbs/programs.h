/* programs: where our other programs are, and what they say when asked. */
#pragma once
#include <stdint.h>
#include "base/buf.h"
#include "base/diag.h"

/* Path of the program, looked for in MR_LIBEXEC, in the folders of a build tree, in our libexec folder and in sbin. -ENOENT: not installed.
 */
int program_find(const char *name, char *path, size_t size);

extern const char *const program_daemons[]; /* "lookup" ...; NULL-terminated */
/* Runs PATH -c CONF ARG and takes what it prints (stdout and stderr). The exit code, or -errno; -ETIMEDOUT after `ms`, and it is gone. */
int program_ask(const char *path, const char *arg, uint64_t ms, struct mr_buf *out);
