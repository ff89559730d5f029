/* mailreeve setup: the shipped files for Postfix and Dovecot with this host's options filled in, and the secrets that are made once. */
/* system */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "keys.h"
#include "render.h"
#include "rt/file.h"

static const char usage[] =
    "usage: mailreeve setup print postfix-main|postfix-master|dovecot [--templates DIR]\n"
    "       mailreeve setup keys      (key rings, SRS secret and key of the log-in protection, where there are none yet)\n";

struct flags {
	const char *templates;
};
static const struct verb_flag table[] = { { "templates", "print", FLAG_TEXT, offsetof(struct flags, templates), 0 }, { 0 } };

#define FILE_MAX (256 * 1024)
static const struct template
{
	const char *word, *file;
}
templates[] = {
	{ "postfix-main", "postfix/main.cf" },
	{ "postfix-master", "postfix/master.cf" },
	{ "dovecot", "dovecot/mailreeve.conf" },
};

/* Postfix and Dovecot would start without it and refuse every TLS session. */
static int certificate_there(const struct verbs_conf *conf, struct mr_diag *diag)
{
	const char *files[] = { conf->tls_cert_file, conf->tls_key_file };

	for (size_t i = 0; i < MR_COUNT(files); i++)
		if (access(files[i], R_OK) < 0)
			return mr_diag_set(diag, -errno, "%s: %s: %m", i ? "tls_key_file" : "tls_cert_file", files[i]);
	return 0;
}

static int print_file(const struct verbs_conf *conf, const char *folder, const char *file, struct mr_diag *diag)
{
	struct mr_buf path = MR_BUF(4096), text = MR_BUF(FILE_MAX), out = MR_BUF(FILE_MAX);
	int r;

	mr_buf_printf(&path, "%s/%s", folder, file);
	r = certificate_there(conf, diag);
	if (r == 0)
		r = mr_file_read(path.p, &text, diag);
	if (r == 0)
		r = render(conf, folder, file, mr_buf_slice(&text), &out, diag);
	if (r == 0)
		fwrite(out.p, 1, out.n, stdout);
	mr_buf_done(&path);
	mr_buf_done(&text);
	mr_buf_done(&out);
	return r;
}

static int print(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	const char *folder = ((const struct flags *)flags)->templates;
	struct mr_diag diag = { 0 };

	for (size_t i = 0; i < MR_COUNT(templates); i++) {
		if (!mr_slice_eq(mr_slice_of(argv[0]), mr_slice_of(templates[i].word)))
			continue;
		return print_file(conf, folder ? folder : MR_DATADIR, templates[i].file, &diag) < 0 ? verb_failed(&diag) : 0;
	}
	return verb_usage("unknown file %s (--help tells)", argv[0]);
}

static int make_keys(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };

	return keys_make(conf, &diag) < 0 ? verb_failed(&diag) : 0;
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = { { "print", 1, 1, print }, { "keys", 0, 0, make_keys }, { 0 } };
	struct flags flags = { 0 };

	return verb_dispatch("setup", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "setup", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
