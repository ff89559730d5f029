/* fuzz-conf: a configuration file with the shared options. Goal: one that is loaded; one that is refused says where and leaves nothing
 * behind. */

/* system */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "conf/shared.h"
#include "fuzz.h"

size_t fuzz_goals;

static const struct mr_option lookup_options[] = {
	{ .section = "lookup",
	  .name = "nets",
	  .type = MR_OPT_NETS,
	  .def = "127.0.0.0/8",
	  .offset = sizeof(struct mr_conf_shared),
	  .help = "x" },
	{ .section = "lookup",
	  .name = "words",
	  .type = MR_OPT_STRINGS,
	  .def = "",
	  .offset = sizeof(struct mr_conf_shared) + sizeof(struct mr_conf_nets),
	  .help = "x" },
	MR_OPTIONS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mr_option *const tables[] = { mr_conf_shared_options, lookup_options, NULL };
	struct {
		struct mr_conf_shared shared;
		struct mr_conf_nets nets;
		struct mr_conf_strings words;
	} conf = { 0 }, zero = { 0 };
	int fd = memfd_create("conf", MFD_CLOEXEC);
	struct mr_diag why = { 0 };
	char path[64];

	fuzz_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (mr_conf_load(path, true, tables, &conf, &why) == 0) {
		fuzz_assert(conf.shared.run_dir[0] == '/' && strlen(conf.shared.delimiter) == 1);
		fuzz_goals += conf.words.n > 0;
		mr_conf_free(tables, &conf);
	} else {
		fuzz_assert(strncmp(why.text, path, strlen(path)) == 0);
		fuzz_assert(!conf.shared.run_dir && !memcmp(&conf.words, &zero.words, sizeof(zero.words)));
	}
	close(fd);
	return 0;
}
