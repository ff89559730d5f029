/* render: {{option}} in a template becomes the value of that option of the shared table or of section setup; {{data_dir}} the folder of the
 * templates. */
#pragma once
#include "base/buf.h"
#include "options.h"

/* An unknown or broken {{...}} is an error that names file and line. */
int render(const struct verbs_conf *conf, const char *data_dir, const char *file, struct mr_slice text, struct mr_buf *out,
	   struct mr_diag *diag);
