/* keys: the files with secrets of the site, made once and never replaced. */
#pragma once
#include "options.h"

struct keys_file {
	const char *path, *group; /* who reads it: mode 0640, owner root */
	const char *what;         /* for messages */
};
/* Fills at most 2; the count. */
unsigned keys_files(const struct verbs_conf *conf, struct keys_file out[2]);
/* Makes those that are missing, and says so on stdout. */
int keys_make(const struct verbs_conf *conf, struct mr_diag *diag);
