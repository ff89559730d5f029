/* mailreeve sync: has every lookup read everything anew. */
/* system */
#include <stddef.h>
#include <stdio.h>

/* ours */
#include "acknowledge.h"
#include "app/verb.h"
#include "args.h"
#include "base/parse.h"

#define WAIT_S      "10"
#define WAIT_MAX_S  600
#define MISSING_MAX 65536

static const char usage[] =
    "usage: mailreeve sync [--wait SECONDS]\n"
    "       mailreeve sync --forget HOST\n"
    "Has every lookup forget its rows and read the change log anew; one line for each that has. Exit 1 when one has not.\n"
    "--forget: this host is gone for good, nobody is to wait for it.\n";

struct flags {
	const char *wait, *forget;
};

static int forget(const struct verbs_conf *conf, const char *host)
{
	struct mr_diag diag = { 0 };
	bool was = false;

	if (acknowledge_forget(conf, host, &was, &diag) == 0 && !was)
		mr_diag_set(&diag, -1, "no lookup of a host %s is known", host);
	return diag.text[0] ? verb_failed(&diag) : 0;
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_flag table[] = { { "wait", "", FLAG_TEXT, offsetof(struct flags, wait), 0 },
						  { "forget", "", FLAG_TEXT, offsetof(struct flags, forget), 0 },
						  { 0 } };
	struct flags flags = { 0 };
	struct mr_buf missing = MR_BUF(MISSING_MAX);
	struct mr_diag diag = { 0 };
	uint64_t seconds;
	int code = verb_flags("sync", table, &flags, &argc, &argv);

	if (code || argc)
		return code ? code : verb_usage("too many words (--help tells)");
	if (mr_parse_u64(mr_slice_of(flags.wait ? flags.wait : WAIT_S), 1, WAIT_MAX_S, &seconds) < 0)
		return verb_usage("--wait: seconds, at most %d", WAIT_MAX_S);
	if (flags.forget)
		return forget(conf, flags.forget);
	acknowledge_sync(conf, seconds * 1000, &missing);
	if (missing.n)
		mr_diag_set(&diag, -1, "not by %s", missing.p);
	mr_buf_done(&missing);
	return diag.text[0] ? verb_failed(&diag) : 0;
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "sync", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
