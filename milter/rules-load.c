/* rules-load: see rules-load.h. */

/* system */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rules-builtin.h"
#include "rules-load.h"

#define FILE_BYTES_MAX (16u << 20)
#define FILES_MAX      1000 /* of one folder */

/* Where Debian's package puts what it brings, and sa-update, in a folder named by SpamAssassin's version, "4.000001": where there is one,
 * the one of the highest version counts alone. Then what the administrator wrote. */
#define STOCK   "/usr/share/spamassassin"
#define UPDATES "/var/lib/spamassassin"
#define SITE    "/etc/spamassassin"
#define SCORES  "mailreeve/scores.cf"

/* What no administrator wrote. */
static bool is_of_package(const char *file)
{
	return mr_slice_starts(mr_slice_of(file), MR_LIT(STOCK "/")) || mr_slice_starts(mr_slice_of(file), MR_LIT(UPDATES "/"));
}

static int read_file(struct mr_rules *r, const char *path, struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(FILE_BYTES_MAX);
	int err = mr_file_read(path, &text, diag);

	mr_rules_brought(r, is_of_package(path));
	mr_rules_stock(r, is_of_package(path));
	if (err == 0)
		mr_rules_read(r, path, mr_buf_slice(&text));
	mr_buf_done(&text);
	return err;
}

static int include(void *arg, struct mr_rules *r, const char *path, struct mr_diag *diag)
{
	return read_file(r, path, diag);
}

static bool ends(const char *name, const char *ending)
{
	return mr_slice_iends(mr_slice_of(name), mr_slice_of(ending)) && name[0] != '.';
}

static int wanted_pre(const struct dirent *e)
{
	return ends(e->d_name, ".pre");
}

static int wanted_cf(const struct dirent *e)
{
	return ends(e->d_name, ".cf");
}

/* In the order of bytes, whatever the locale is. */
static int order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_folder(struct mr_rules *r, const char *path, bool pre, struct mr_diag *diag)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, pre ? wanted_pre : wanted_cf, order);
	int err = n < 0 ? mr_diag_set(diag, -errno, "%s: %s", path, strerror(errno)) : 0;

	if (n > FILES_MAX)
		err = mr_diag_set(diag, -E2BIG, "%s: more than %d files", path, FILES_MAX);
	for (int i = 0; i < n; i++) {
		mr_autofree char *file = NULL;

		if (err == 0 && asprintf(&file, "%s/%s", path, entries[i]->d_name) > 0)
			err = read_file(r, file, diag);
		free(entries[i]);
	}
	free(entries);
	return err;
}

static int read_path(struct mr_rules *r, const char *path, bool pre, struct mr_diag *diag)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return mr_diag_set(diag, -errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return read_folder(r, path, pre, diag);
	return ends(path, ".pre") == pre ? read_file(r, path, diag) : 0;
}

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* Of SpamAssassin as sa-update names its folders: "4.000002", always as long, so that their order is that of the versions. */
static int wanted_version(const struct dirent *e)
{
	struct mr_slice name = mr_slice_of(e->d_name);

	return name.n == 8 && name.p[1] == '.' && strspn(name.p, "0123456789") == 1 && strspn(name.p + 2, "0123456789") == 6;
}

/* The newest folder that sa-update has filled, or NULL. */
static char *find_updates(void)
{
	struct dirent **entries = NULL;
	int n = scandir(UPDATES, &entries, wanted_version, order);
	char *found = NULL;

	for (int i = n - 1; i >= 0; i--) {
		mr_autofree char *channel = NULL;

		if (!found && asprintf(&channel, UPDATES "/%s/updates_spamassassin_org.cf", entries[i]->d_name) > 0 && is_there(channel))
			found = mr_slice_dup((struct mr_slice){ channel, strlen(UPDATES) + 1 + strlen(entries[i]->d_name) });
		free(entries[i]);
	}
	free(entries);
	return found;
}

/* Ours, of milter/rules: the scores that we give rules of others, or our own rules. */
static void read_builtin(struct mr_rules *r, bool scores)
{
	mr_rules_brought(r, true);
	mr_rules_stock(r, false);
	for (size_t i = 0; i < mr_rules_builtin_n; i++)
		if ((strcmp(mr_rules_builtin[i].name, SCORES) == 0) == scores)
			mr_rules_read(r, mr_rules_builtin[i].name, mr_rules_builtin[i].text);
}

/* Each of those is only read where it is: the word may stand in a configuration before the package is installed. Scores of ours come after
 * those of the package, not after those that sa-update brings, and before the site's. */
static int read_spamassassin(struct mr_rules *r, bool pre, bool scores, struct mr_diag *diag)
{
	mr_autofree char *updates = find_updates();
	const char *stock = updates ? updates : STOCK;
	int err;

	mr_rules_of_others(r, true);
	err = is_there(stock) ? read_path(r, stock, pre, diag) : 0;
	if (err == 0 && !pre && scores && !updates)
		read_builtin(r, true);
	if (err == 0 && is_there(SITE))
		err = read_path(r, SITE, pre, diag);
	mr_rules_of_others(r, false);
	return err;
}

int mr_rules_load(const struct mr_slice *paths, size_t n, struct mr_rules **out, struct mr_diag *diag)
{
	struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ .include = include, .cpu_ms = mr_cpu_ms });
	bool ours = false;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		ours |= mr_slice_eq(paths[i], MR_LIT("mailreeve"));
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; err == 0 && i < n; i++) {
			mr_autofree char *path = mr_slice_dup(paths[i]);

			if (strcmp(path, "mailreeve") == 0 && pass == 1)
				read_builtin(r, false);
			else if (strcmp(path, "spamassassin") == 0)
				err = read_spamassassin(r, pass == 0, ours, diag);
			else if (strcmp(path, "mailreeve") != 0)
				err = read_path(r, path, pass == 0, diag);
		}
	}
	if (err < 0) {
		mr_rules_free(r);
		return err;
	}
	mr_rules_finish(r);
	*out = r;
	return 0;
}

struct mr_rules *mr_rules_load_words(const struct mr_slice *paths, size_t n)
{
	struct mr_rules *r = NULL;
	struct mr_diag diag = { 0 };

	return n && mr_rules_load(paths, n, &r, &diag) == 0 ? r : NULL;
}
