/* scan-verb: `mailreeve scan`: what the filter says of messages in files, in this process and without any daemon. The same checks, by the
 * same code, as in the milter's scanners. */

/* system */
#include <errno.h>
#include <getopt.h>
#include <sys/socket.h>
#include <unistd.h>

/* libraries */
#include <jansson.h>

/* ours */
#include "app/verb.h"
#include "base/mem.h"
#include "message-files.h"
#include "options.h"
#include "proto/control.h"
#include "rt/clock.h"
#include "rt/dns.h"
#include "rt/sock.h"
#include "rules-cache.h"
#include "rules-load.h"
#include "scan.h"
#include "symbols.h"

#define HISTORY_MAX (8u << 20)
#define NUMBER_MAX  6 /* digits; no queue id is so short */
#define ASK_MS      5000
#define ROUNDS_MAX  32 /* of questions: SPF's includes ask one after the other */

static const char usage[] =
    "usage: mailreeve scan [-c FILE] [--json] [--resolver HOST:PORT] [--client IP] [--client-name NAME] [--helo NAME] [--sender ADDRESS]\n"
    "                      [--trusted] [--state DIR] [--files-from FILE] [FILE...]\n"
    "       mailreeve scan [-c FILE] --history N|QUEUE-ID\n"
    "One message a file. With --json one object a line: file, action, score, symbols,\n"
    "descriptions, groups. --files-from - reads names from standard input.\n";

struct work {
	const struct mr_milter_conf *conf;
	const struct mr_scan_setup *setup;
	struct mr_scores scores;
	struct mr_scan_input in; /* but for the message */
	const char *resolver;    /* NULL: DNS questions stay unanswered */
	const char *history;     /* of the daemon: a number of messages, or a queue id */
	bool json;
	bool failed; /* some file could not be read */
	struct mr_loop *loop;
	struct mr_dns *dns;
	struct mr_dns_view *view; /* of the message at hand */
	size_t open;              /* questions under way */
};

static void on_answer(const struct mr_dns_answer *a, void *arg)
{
	struct work *w = arg;

	mr_dns_view_add(w->view, a);
	if (--w->open == 0)
		mr_loop_stop(w->loop);
}

/* All open questions at once. */
static void answer(struct work *w, uint64_t until)
{
	enum mr_dns_type type;
	const char *name;

	if (!w->dns) {
		mr_dns_view_give_up(w->view);
		return;
	}
	for (size_t i = 0; mr_dns_view_question(w->view, i, &name, &type); i++) {
		w->open++;
		mr_dns_ask(w->dns, name, type, until, on_answer, w);
	}
	if (w->open)
		mr_loop_run(w->loop);
}

/* As the site's thresholds say; mailboxes may have their own. */
static const char *action(const struct work *w, const struct mr_scan_result *r)
{
	const double *at = w->conf->thresholds.at;
	static const char *const outbound[] = { [MR_OUTBOUND_LOG] = "accept",
						[MR_OUTBOUND_HOLD] = "hold",
						[MR_OUTBOUND_QUARANTINE] = "quarantine",
						[MR_OUTBOUND_REJECT] = "reject" };
	const struct mr_milter_conf *c = w->conf;

	if (r->refuse || r->score >= (w->in.trusted ? at[MR_AT_OUTBOUND_REJECT] : at[MR_AT_REJECT]))
		return "reject";
	if (w->in.trusted)
		return r->score >= at[MR_AT_OUTBOUND] ? outbound[c->outbound_action] : "accept";
	if (r->score >= at[MR_AT_JUNK])
		return r->score >= at[MR_AT_QUARANTINE] ? "quarantine" : "junk";
	return r->score >= at[MR_AT_GREYLIST] ? "greylist" : "accept";
}

/* Of each symbol of an object, where there are words. */
static json_t *descriptions(json_t *symbols, const struct mr_rules *rules)
{
	json_t *texts = json_object(), *score;
	const char *name;

	json_object_foreach(symbols, name, score)
	{
		const char *text = mr_symbol_text(mr_slice_of(name), rules);

		if (text)
			json_object_set_new(texts, name, json_string(text));
	}
	return texts;
}

static void add_symbols(const struct mr_scan_result *r, const struct mr_rules *rules, json_t *o)
{
	json_t *symbols = json_object();

	for (size_t i = 0; i < r->n_symbols; i++)
		json_object_setn_new(symbols, r->symbols[i].name.p, r->symbols[i].name.n, json_real(r->symbols[i].score));
	json_object_set_new(o, "symbols", symbols);
	json_object_set_new(o, "descriptions", descriptions(symbols, rules));
}

static json_t *group_json(const struct mr_score_group *g, const struct mr_scan_result *r)
{
	json_t *names = json_array();

	for (size_t i = 0; i < r->n_symbols; i++)
		if (mr_slice_eq(r->symbols[i].group, g->name))
			json_array_append_new(names, json_stringn(r->symbols[i].name.p, r->symbols[i].name.n));
	return json_pack("{s:f, s:o, s:o}", "score", g->counted, "cap", g->cap ? json_real(*g->cap) : json_null(), "symbols", names);
}

static void add_groups(const struct work *w, const struct mr_scan_result *r, json_t *o)
{
	struct mr_score_group groups[MR_SYMBOLS_MAX];
	size_t n = mr_scores_groups(&w->scores, r, groups);
	json_t *all = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_setn_new(all, groups[i].name.p, groups[i].name.n, group_json(&groups[i], r));
	json_object_set_new(o, "groups", all);
}

static void print_json(const struct work *w, const char *file, const struct mr_scan_result *r)
{
	mr_autofree char *text = NULL;
	json_t *name = json_string(file); /* NULL: it is not UTF-8, which JSON cannot say */
	json_t *o = json_pack("{s:o, s:s, s:f}", "file", name ? name : json_null(), "action", action(w, r), "score", r->score);

	add_symbols(r, w->setup->rules, o);
	add_groups(w, r, o);
	text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	puts(text ? text : "");
	json_decref(o);
}

/* Those that count, each on a line of its own. */
static void print_words(const struct mr_symbol *s, const struct mr_rules *rules)
{
	const char *text = mr_symbol_text(s->name, rules);

	if (text && (s->score < 0 || s->score > 0))
		printf("\t%6.2f %.*s: %s\n", s->score, (int)s->name.n, s->name.p, text);
}

static void print(const struct work *w, const char *file, const struct mr_scan_result *r)
{
	struct mr_buf symbols = MR_BUF(MR_SYMBOLS_MAX * (MR_SYMBOL_NAME_MAX + 16));

	if (w->json) {
		print_json(w, file, r);
		return;
	}
	mr_symbols_text(r, " ", &symbols);
	printf("%s: %s %.2f %s\n", file, action(w, r), r->score, symbols.p ? symbols.p : "");
	mr_buf_done(&symbols);
	for (size_t i = 0; i < r->n_symbols; i++)
		print_words(&r->symbols[i], w->setup->rules);
}

static void scan(struct work *w, const char *file, struct mr_slice message)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan *s;
	struct mr_scan_input in = w->in;
	uint64_t until = mr_now_ms() + w->conf->dns_timeout;

	in.message = message;
	in.now = mr_wall();
	in.offline = !w->dns;
	w->view = mr_dns_view_new();
	s = mr_scan_new(w->setup, &in, w->view, arena);
	for (unsigned round = 0; mr_scan_run(s) == -EAGAIN; round++) {
		if (round < ROUNDS_MAX)
			answer(w, until);
		else
			mr_dns_view_give_up(w->view);
	}
	mr_scores_apply(&w->scores, &s->result);
	print(w, file, &s->result);
	mr_scan_done(s);
	mr_dns_view_free(w->view);
}

static void scan_file(void *arg, const char *file)
{
	struct work *w = arg;
	struct mr_buf message = MR_BUF(MR_MESSAGE_FILE_MAX);
	struct mr_diag diag = { 0 };

	if (mr_message_file_read(file, &message, &diag) < 0) {
		fprintf(stderr, "mailreeve-scan: %s\n", diag.text);
		w->failed = true;
	} else {
		scan(w, file, mr_buf_slice(&message));
	}
	mr_buf_done(&message);
}

static int ask(const char *path, struct mr_slice request, struct mr_buf *answer)
{
	int fd = mr_connect_unix_wait(path, ASK_MS), r = fd < 0 ? fd : 0;
	ssize_t n = 1;

	if (r == 0 && (write(fd, request.p, request.n) != (ssize_t)request.n || shutdown(fd, SHUT_WR) < 0))
		r = -errno;
	while (r == 0 && n > 0) {
		char *at = mr_buf_reserve(answer, 65536);

		n = at ? read(fd, at, 65536) : 0;
		if (n < 0)
			r = -errno;
		else if (n > 0)
			mr_buf_filled(answer, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	return r;
}

/* With what its symbols mean by the rules of today; one that is no JSON as it is. */
static void print_told(struct mr_slice line, const struct mr_rules *rules)
{
	json_t *o = json_loadb(line.p, line.n, 0, NULL);
	json_t *symbols = json_object_get(o, "symbols");

	if (symbols)
		json_object_set_new(o, "descriptions", descriptions(symbols, rules));
	if (!o || json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6)) < 0)
		printf("%.*s", (int)line.n, line.p);
	putchar('\n');
	json_decref(o);
}

/* All but the last line, which is "ok" or says what is wrong. */
static int print_answer(struct mr_slice answer, const struct mr_rules *rules)
{
	struct mr_slice line;
	bool ok = false;

	while (answer.n && mr_slice_next(&answer, '\n', &line)) {
		ok = mr_slice_eq(line, MR_LIT("ok"));
		if (line.n && line.p[0] == '{')
			print_told(line, rules);
	}
	return ok ? 0 : -EPROTO;
}

/* What the daemon says of its last messages. */
static int history(const struct work *w, const char *which)
{
	struct mr_buf request = MR_BUF(MR_CONTROL_LINE_MAX), answer = MR_BUF(HISTORY_MAX), path = MR_BUF(4096);
	bool number = which[strspn(which, "0123456789")] == 0 && strlen(which) <= NUMBER_MAX;
	int r;

	mr_buf_printf(&path, "%s/milter/control.sock", w->conf->shared.run_dir);
	mr_buf_printf(&request, "history %s%s\n", number ? "" : "id=", which);
	r = request.full ? -EINVAL : ask(path.p, mr_buf_slice(&request), &answer);
	if (r == 0)
		r = print_answer(mr_buf_slice(&answer), w->setup->rules);
	if (r < 0)
		fprintf(stderr, "mailreeve-scan: %s: %s\n", path.p, strerror(-r));
	mr_buf_done(&request);
	mr_buf_done(&answer);
	mr_buf_done(&path);
	return r < 0;
}

enum { JSON = 256, HISTORY, RESOLVER, CLIENT, CLIENT_NAME, HELO, SENDER, TRUSTED, STATE, FILES_FROM };

/* The index of the first file, or -1: usage. */
static int parse(struct work *w, const char **list, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, JSON },
		{ "history", required_argument, NULL, HISTORY },
		{ "resolver", required_argument, NULL, RESOLVER },
		{ "client", required_argument, NULL, CLIENT },
		{ "client-name", required_argument, NULL, CLIENT_NAME },
		{ "helo", required_argument, NULL, HELO },
		{ "sender", required_argument, NULL, SENDER },
		{ "trusted", no_argument, NULL, TRUSTED },
		{ "state", required_argument, NULL, STATE },
		{ "files-from", required_argument, NULL, FILES_FROM },
		{ 0 },
	};
	int opt;

	optind = 0; /* the verb's own options were read with the same function */
	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (opt == JSON)
			w->json = true;
		else if (opt == HISTORY)
			w->history = optarg;
		else if (opt == RESOLVER)
			w->resolver = optarg;
		else if (opt == CLIENT && mr_parse_ip(mr_slice_of(optarg), &w->in.client) == 0)
			continue;
		else if (opt == CLIENT_NAME)
			w->in.client_name = mr_slice_of(optarg);
		else if (opt == HELO)
			w->in.helo = mr_slice_of(optarg);
		else if (opt == SENDER)
			w->in.sender = mr_slice_of(optarg);
		else if (opt == TRUSTED)
			w->in.trusted = true;
		else if (opt == FILES_FROM)
			*list = optarg;
		else if (opt != STATE) /* no check has a state of its own yet */
			return -1;
	}
	return optind < argc || *list || w->history ? optind : -1;
}

/* False: they are wrong, said. Databases that the daemon has built are taken where they may be read. */
static bool load_rules(struct mr_scan_setup *setup)
{
	struct mr_diag diag = { 0 };

	if (!setup->n_rule_files)
		return true;
	if (mr_rules_load(setup->rule_files, setup->n_rule_files, &setup->rules, &diag) < 0 || mr_rules_error(setup->rules, &diag) < 0) {
		fprintf(stderr, "mailreeve-scan: %s\n", diag.text);
		return false;
	}
	mr_rules_cache_load(setup->rules, setup->rule_cache.p);
	return true;
}

static int run(const void *conf, int argc, char **argv)
{
	struct work w = { .conf = conf, .loop = mr_loop_new() };
	struct mr_diag diag = { 0 };
	const char *list = NULL;
	mr_autofree char **words = mr_new(char *, (size_t)argc + 2);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_setup setup = mr_milter_setup(conf, arena);
	int first, code = 2;

	setlinebuf(stdout); /* whoever feeds names one by one waits for each answer */
	/* getopt() passes over the first word, which the verb's frame has taken already. */
	words[0] = (char *)"mailreeve-scan";
	for (int i = 0; i < argc; i++)
		words[i + 1] = argv[i];
	setup.fuzzy = false; /* Redis is not asked */
	w.setup = &setup;
	w.scores = mr_milter_scores(conf, arena);
	first = parse(&w, &list, argc + 1, words);
	if (first < 0) {
		fputs(usage, stderr);
	} else if (!w.history && !load_rules(&setup)) {
		code = 1;
	} else if (w.resolver && mr_dns_new(w.loop, w.resolver, &w.dns, &diag) < 0) {
		fprintf(stderr, "mailreeve-scan: %s\n", diag.text);
		code = 1;
	} else {
		if (w.history)
			setup.rules = mr_rules_load_words(setup.rule_files, setup.n_rule_files);
		for (int i = first; i <= argc; i++)
			scan_file(&w, words[i]);
		if (list && mr_message_files_each(list, scan_file, &w, &diag) < 0) {
			fprintf(stderr, "mailreeve-scan: %s\n", diag.text);
			w.failed = true;
		}
		if (w.history && history(&w, w.history))
			w.failed = true;
		code = w.failed;
	}
	mr_rules_free(setup.rules);
	mr_dns_free(w.dns);
	mr_loop_free(w.loop);
	return code;
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = {
		.name = "scan", .usage = usage, .options = mr_milter_options, .conf_size = sizeof(struct mr_milter_conf), .run = run
	};

	return mr_verb_main(argc, argv, &verb);
}
