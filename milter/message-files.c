/* message-files: see message-files.h */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "message-files.h"
#include "rt/file.h"

int mr_message_file_read(const char *file, struct mr_buf *out, struct mr_diag *diag)
{
	struct mr_buf raw = MR_BUF(MR_MESSAGE_FILE_MAX / 2);
	int r = mr_file_read(file, &raw, diag);
	struct mr_slice in = mr_buf_slice(&raw), line;

	if (in.n && in.p[in.n - 1] == '\n')
		in.n--;
	while (r == 0 && in.n && mr_slice_next(&in, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		mr_buf_add(out, line);
		mr_buf_add(out, MR_LIT("\r\n"));
	}
	mr_buf_done(&raw);
	return r;
}

int mr_message_files_each(const char *list, void (*fn)(void *arg, const char *file), void *arg, struct mr_diag *diag)
{
	FILE *f = strcmp(list, "-") == 0 ? stdin : fopen(list, "re");
	mr_autofree char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		return mr_diag_set(diag, -errno, "%s: %s", list, strerror(errno));
	while ((n = getline(&line, &cap, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		if (line[0])
			fn(arg, line);
	}
	if (f != stdin)
		fclose(f);
	return 0;
}
