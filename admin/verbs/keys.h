/* keys: the files with secrets of the site, made once and never replaced. */
#pragma once
#include "options.h"

struct keys_file {
	const char *path, *group; /* who reads it: mode 0640, owner root */
	const char *what;         /* for messages */
};
#define KEYS_FILES  5
#define KEYS_ALWAYS 3 /* the others are for login_listen */
void keys_files(const struct verbs_conf *conf, struct keys_file out[KEYS_FILES]);
/* Makes those that are missing, and says so on stdout. */
int keys_make(const struct verbs_conf *conf, struct mr_diag *diag);
