/* mailreeve check: each dependency, asked once, or until all of them answer. */
/* system */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "base/parse.h"
#include "control.h"
#include "database.h"
#include "programs.h"
#include "rt/clock.h"

static const char usage[] = "usage: mailreeve check [--wait SECONDS]\n"
			    "One line a dependency, \"ok NAME\" or \"failed NAME: why\"; exit 1 when one of them failed.\n";

#define ASK_MS     30000
#define BETWEEN_MS 300
#define OUTPUT_MAX (64 * 1024)
#define WAIT_MAX   86400

struct flags {
	const char *wait;
};

static bool check_database(const struct verbs_conf *conf, struct mr_buf *out)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	bool ok = verbs_open(conf, &db, &diag) == 0;

	mr_buf_printf(out, "%s database%s%s\n", ok ? "ok" : "failed", ok ? "" : ": ", diag.text);
	return ok;
}

/* The daemon's lines with its name put in: "ok database" becomes "ok lookup: database". */
static void add_lines(const char *daemon, struct mr_slice lines, struct mr_buf *out)
{
	struct mr_slice line;
	ptrdiff_t space;

	while (mr_slice_next(&lines, '\n', &line)) {
		space = mr_slice_chr(line, ' ');
		if (space <= 0)
			continue;
		mr_buf_add(out, (struct mr_slice){ line.p, (size_t)space });
		mr_buf_printf(out, " %s:", daemon);
		mr_buf_add(out, mr_slice_from(line, (size_t)space));
		mr_buf_putc(out, '\n');
	}
}

/* What the running daemon itself misses: it may not have noticed yet that all is well again. None runs: that is for doctor to say. */
static bool check_running(const struct verbs_conf *conf, const char *daemon, struct mr_buf *out)
{
	struct mr_buf answer = { 0 };
	struct mr_slice rest, line;
	bool ok = true;

	control_ask(conf->shared.run_dir, daemon, "status", &answer, NULL);
	rest = mr_buf_slice(&answer);
	while (mr_slice_next(&rest, '\n', &line)) {
		if (!mr_slice_iends(line, MR_LIT("=away")) && !mr_slice_iends(line, MR_LIT("=late")))
			continue;
		mr_buf_printf(out, "failed %s: %.*s: the running daemon waits for it\n", daemon, (int)mr_slice_chr(line, '='), line.p);
		ok = false;
	}
	mr_buf_done(&answer);
	return ok;
}

static bool check_daemon(const struct verbs_conf *conf, const char *daemon, struct mr_buf *out)
{
	struct mr_buf said = MR_BUF(OUTPUT_MAX);
	char name[64], path[PATH_MAX];
	int code;

	snprintf(name, sizeof(name), "mailreeve-%s", daemon);
	if (program_find(name, path, sizeof(path)) < 0)
		return true; /* each part is useful alone */
	code = program_ask(path, "--check", ASK_MS, &said);
	if (code == 0 || (code == 1 && said.n))
		add_lines(daemon, mr_buf_slice(&said), out);
	else
		mr_buf_printf(out, "failed %s: %s\n", daemon,
			      code == -ETIMEDOUT ? "no answer in time" : "its --check ended without a result");
	mr_buf_done(&said);
	return code == 0 && check_running(conf, daemon, out);
}

static bool check_all(const struct verbs_conf *conf, struct mr_buf *out)
{
	bool ok = check_database(conf, out);

	for (size_t i = 0; program_daemons[i]; i++)
		ok = check_daemon(conf, program_daemons[i], out) && ok;
	return ok;
}

static int check(const struct verbs_conf *conf, const struct flags *flags)
{
	const struct timespec pause = { .tv_nsec = BETWEEN_MS * 1000000 };
	struct mr_buf out = MR_BUF(OUTPUT_MAX);
	int64_t seconds = 0;
	uint64_t until;
	bool ok;

	if (flags->wait && mr_parse_i64(mr_slice_of(flags->wait), 0, WAIT_MAX, &seconds) < 0)
		return verb_usage("--wait: seconds, at most %d", WAIT_MAX);
	until = mr_now_ms() + (uint64_t)seconds * 1000;
	ok = check_all(conf, &out);
	while (!ok && mr_now_ms() < until) {
		nanosleep(&pause, NULL);
		mr_buf_reset(&out);
		ok = check_all(conf, &out);
	}
	fwrite(out.p, 1, out.n, stdout);
	mr_buf_done(&out);
	return ok ? 0 : 1;
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_flag table[] = { { "wait", "", FLAG_TEXT, offsetof(struct flags, wait), 0 }, { 0 } };
	struct flags flags = { 0 };
	int code = verb_flags("check", table, &flags, &argc, &argv);

	if (code)
		return code;
	return argc ? verb_usage("too many words (--help tells)") : check(conf, &flags);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "check", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
