/* quarantine-verb: `mailreeve quarantine`: what was withheld, and letting it go. Works on the folder itself (quarantine.h); the filter's
 * daemon takes part only in a release, which goes through Postfix. */

/* system */
#include <errno.h>
#include <getopt.h>
#include <time.h>
#include <unistd.h>

/* libraries */
#include <jansson.h>

/* ours */
#include "app/verb.h"
#include "base/mem.h"
#include "base/text.h"
#include "options.h"
#include "quarantine.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rules-load.h"
#include "smtp-client.h"
#include "symbols.h"

#define MESSAGE_MAX (3ull << 30)
#define AGE_MAX     (UINT64_C(3660) * 24 * 3600 * 1000)

static const char usage[] = "usage: mailreeve quarantine list [--recipient ADDRESS] [--sender ADDRESS] [--since AGE] [--all] [--json]\n"
			    "       mailreeve quarantine show ID [--message | --json]\n"
			    "       mailreeve quarantine release ID... [--again]\n"
			    "       mailreeve quarantine delete ID...\n";

struct work {
	const struct mr_milter_conf *conf;
	char *dir;
	struct mr_slice recipient, sender; /* empty: all */
	int64_t since;
	bool all, json, message, again;
	struct mr_arena *arena; /* of list: the entries */
	struct mr_quarantine_entry *entries;
	size_t n, cap;
	int damaged;
};

static int failed(const char *id, const char *why)
{
	fprintf(stderr, "mailreeve-quarantine: %s: %s\n", id, why);
	return 1;
}

static const char *why_not(int r)
{
	switch (r) {
	case -ENOENT:
		return "there is no such entry";
	case -EBUSY:
		return "somebody works on it now";
	case -EPROTO:
		return "the entry is damaged";
	default:
		return strerror(-r);
	}
}

/* Bytes of strangers: nothing of them may steer a terminal. */
static const char *shown(struct mr_slice s, struct mr_arena *arena)
{
	struct mr_buf text = MR_BUF(65536);
	const char *r;

	mr_escape_add(&text, s, 1000);
	r = mr_arena_slice(arena, mr_buf_slice(&text));
	mr_buf_done(&text);
	return r;
}

static const char *time_text(int64_t at, struct mr_arena *arena)
{
	time_t t = (time_t)at;
	struct tm tm;
	char text[32];

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return mr_arena_strdup(arena, text);
}

/* -- JSON -- */

/* What is not UTF-8 is shown as in logs. */
static json_t *text(struct mr_slice s, struct mr_arena *arena)
{
	json_t *v = json_stringn(s.p ? s.p : "", s.n);

	return v ? v : json_string(shown(s, arena));
}

static json_t *recipients_json(const struct mr_quarantine_entry *e, struct mr_arena *arena)
{
	json_t *all = json_array();

	for (size_t i = 0; i < e->n_recipients; i++)
		json_array_append_new(all,
				      json_pack("{s:o, s:o, s:o}", "address", text(e->recipients[i].address, arena), "why",
						text(e->recipients[i].why, arena), "parameters", text(e->recipients[i].parameters, arena)));
	return all;
}

static json_t *released_json(const struct mr_quarantine_entry *e, struct mr_arena *arena)
{
	json_t *to = json_array();

	if (!e->released) {
		json_decref(to);
		return json_null();
	}
	for (size_t i = 0; i < e->n_released_to; i++)
		json_array_append_new(to, text(e->released_to[i], arena));
	return json_pack("{s:s, s:o, s:o}", "time", time_text(e->released_time, arena), "queue_id", text(e->released_as, arena),
			 "recipients", to);
}

static json_t *score_json(const struct mr_quarantine_entry *e)
{
	double score;

	return mr_parse_double(e->score, -1e9, 1e9, &score) == 0 ? json_real(score) : json_null();
}

/* "NAME(1.00),OTHER(0.00)": the next name; false at the end. */
static bool next_symbol(struct mr_slice *symbols, struct mr_slice *name)
{
	struct mr_slice one;
	ptrdiff_t open;

	if (!symbols->n || !mr_slice_next(symbols, ',', &one))
		return false;
	open = mr_slice_chr(one, '(');
	*name = (struct mr_slice){ one.p, open < 0 ? one.n : (size_t)open };
	return true;
}

static json_t *descriptions_json(const struct mr_quarantine_entry *e, const struct mr_rules *rules)
{
	struct mr_slice rest = e->symbols, name;
	json_t *all = json_object();

	while (next_symbol(&rest, &name)) {
		const char *words = mr_symbol_text(name, rules);

		if (words)
			json_object_setn_new(all, name.p, name.n, json_string(words));
	}
	return all;
}

/* Never the token: who has it can let the message go. */
static json_t *entry_json(const struct mr_quarantine_entry *e, struct mr_arena *arena)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "id", e->id, "time",
			 time_text(e->time, arena), "state", e->released ? "released" : "held", "direction", e->outbound ? "out" : "in",
			 "queue_id", text(e->queue_id, arena), "client", text(e->client, arena), "helo", text(e->helo, arena), "sender",
			 text(e->sender, arena), "from", text(e->from, arena), "reason", text(e->reason, arena), "score", score_json(e),
			 "size", (json_int_t)e->size, "symbols", text(e->symbols, arena), "recipients", recipients_json(e, arena),
			 "released", released_json(e, arena));
}

static int print_json(json_t *v)
{
	int r = json_dumpf(v, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));

	json_decref(v);
	putchar('\n');
	return r < 0;
}

/* -- list, show -- */

static bool has_recipient(const struct mr_quarantine_entry *e, struct mr_slice address)
{
	for (size_t i = 0; i < e->n_recipients; i++)
		if (mr_slice_ieq(e->recipients[i].address, address))
			return true;
	return false;
}

static bool wanted(const struct work *w, const struct mr_quarantine_entry *e)
{
	return (w->all || !e->released) && e->time >= w->since && (!w->recipient.n || has_recipient(e, w->recipient)) &&
	       (!w->sender.n || mr_slice_ieq(e->sender, w->sender));
}

static int note(const char *id, void *arg)
{
	struct work *w = arg;
	struct mr_quarantine_entry e;
	int r = mr_quarantine_read(w->dir, mr_slice_of(id), w->arena, &e);

	if (r == -ENOENT) /* went meanwhile */
		return 0;
	if (r < 0) {
		w->damaged = failed(id, why_not(r));
		return 0;
	}
	if (!wanted(w, &e))
		return 0;
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		w->entries = mr_realloc_array(w->entries, w->cap, sizeof(e));
	}
	w->entries[w->n++] = e;
	return 0;
}

static int older(const void *a, const void *b)
{
	const struct mr_quarantine_entry *x = a, *y = b;

	return x->time != y->time ? (x->time < y->time ? -1 : 1) : strcmp(x->id, y->id);
}

static void print_line(const struct mr_quarantine_entry *e, struct mr_arena *arena)
{
	printf("%s  %s  %-8s %6.*s  <%s> ->", e->id, time_text(e->time, arena), e->released ? "released" : "held", (int)e->score.n,
	       e->score.p ? e->score.p : "", shown(e->sender, arena));
	for (size_t i = 0; i < e->n_recipients; i++)
		printf(" %s", shown(e->recipients[i].address, arena));
	putchar('\n');
}

static int list(struct work *w, int argc, char **argv)
{
	json_t *all;
	int r = argc ? -EINVAL : mr_quarantine_each(w->dir, note, w);

	if (r < 0)
		return r == -EINVAL ? 2 : failed(w->dir, strerror(-r));
	if (w->n)
		qsort(w->entries, w->n, sizeof(*w->entries), older);
	if (!w->json) {
		for (size_t i = 0; i < w->n; i++)
			print_line(&w->entries[i], w->arena);
		return w->damaged;
	}
	all = json_array();
	for (size_t i = 0; i < w->n; i++)
		json_array_append_new(all, entry_json(&w->entries[i], w->arena));
	return print_json(all) | w->damaged;
}

static int read_message(const struct work *w, const char *id, struct mr_buf *out)
{
	struct mr_buf path = MR_BUF(8192);
	int r;

	mr_buf_printf(&path, "%s/%s/message", w->dir, id);
	r = mr_file_read(path.p, out, NULL);
	mr_buf_done(&path);
	return r;
}

static void print_symbols(const struct mr_quarantine_entry *e, const struct mr_rules *rules, struct mr_arena *arena)
{
	struct mr_slice rest = e->symbols, name;

	printf("symbols    %s\n", shown(e->symbols, arena));
	while (next_symbol(&rest, &name)) {
		const char *words = mr_symbol_text(name, rules);

		if (words)
			printf("           %s: %s\n", shown(name, arena), shown(mr_slice_of(words), arena));
	}
}

static void print_entry(const struct mr_quarantine_entry *e, const struct mr_rules *rules, struct mr_arena *arena)
{
	printf("entry      %s\ntime       %s\ndirection  %s\nqueue id   %s\nclient     %s (%s)\nsender     <%s>\nfrom       %s\n"
	       "reason     %s\nsize       %llu\nscore      %.*s\n",
	       e->id, time_text(e->time, arena), e->outbound ? "out" : "in", shown(e->queue_id, arena), shown(e->client, arena),
	       shown(e->helo, arena), shown(e->sender, arena), shown(e->from, arena), shown(e->reason, arena), (unsigned long long)e->size,
	       (int)e->score.n, e->score.p ? e->score.p : "");
	print_symbols(e, rules, arena);
	for (size_t i = 0; i < e->n_recipients; i++)
		printf("recipient  %s %s %s\n", shown(e->recipients[i].address, arena), shown(e->recipients[i].why, arena),
		       shown(e->recipients[i].parameters, arena));
	if (!e->released)
		return;
	printf("released   %s as %s\n", time_text(e->released_time, arena), shown(e->released_as, arena));
	for (size_t i = 0; i < e->n_released_to; i++)
		printf("       to  %s\n", shown(e->released_to[i], arena));
}

/* With what its symbols mean by the rules of today. */
static int explain(const struct work *w, const struct mr_quarantine_entry *e)
{
	struct mr_scan_setup setup = mr_milter_setup(w->conf, w->arena);
	struct mr_rules *rules = mr_rules_load_words(setup.rule_files, setup.n_rule_files);
	json_t *o = w->json ? entry_json(e, w->arena) : NULL;

	if (o)
		json_object_set_new(o, "descriptions", descriptions_json(e, rules));
	else
		print_entry(e, rules, w->arena);
	mr_rules_free(rules);
	return o ? print_json(o) : 0;
}

static int show(struct work *w, int argc, char **argv)
{
	struct mr_quarantine_entry e;
	struct mr_buf message = MR_BUF(MESSAGE_MAX);
	int r;

	if (argc != 1)
		return 2;
	r = mr_quarantine_read(w->dir, mr_slice_of(argv[0]), w->arena, &e);
	if (r < 0)
		return failed(argv[0], why_not(r));
	if (!w->message)
		return explain(w, &e);
	r = read_message(w, e.id, &message);
	if (r == 0 && fwrite(message.p ? message.p : "", 1, message.n, stdout) != message.n)
		r = -EIO;
	mr_buf_done(&message);
	return r < 0 ? failed(e.id, strerror(-r)) : 0;
}

/* -- release, delete -- */

static struct mr_smtp_recipient *recipients_of(const struct mr_quarantine_entry *e, struct mr_arena *arena)
{
	struct mr_smtp_recipient *to = mr_arena_alloc(arena, (e->n_recipients + 1) * sizeof(*to));

	for (size_t i = 0; i < e->n_recipients; i++)
		to[i] = (struct mr_smtp_recipient){ .address = e->recipients[i].address, .parameters = e->recipients[i].parameters };
	return to;
}

static int report(const struct mr_quarantine_entry *e, const struct mr_smtp_message *m, struct mr_arena *arena)
{
	int code = 0;

	for (size_t i = 0; i < m->n_recipients; i++)
		if (m->recipients[i].refused)
			code = failed(e->id, mr_arena_printf(arena, "not to %s: %s", shown(m->recipients[i].address, arena),
							     shown(m->recipients[i].why, arena)));
	printf("%s: released\n", e->id);
	return code;
}

static int already(const struct mr_quarantine_entry *e, struct mr_arena *arena)
{
	printf("%s: released already, as %s\n", e->id, shown(e->released_as, arena));
	return 0;
}

/* A trace of its own stands on top of what the sender wrote: else that would be taken for the trace of the pass before (origin.h). */
static struct mr_slice first_fields(const struct work *w, const struct mr_quarantine_entry *e, struct mr_arena *arena)
{
	mr_autofree char *host = mr_milter_hostname(w->conf);
	time_t now = (time_t)mr_wall();
	struct tm tm;
	char date[64];

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	return mr_slice_of(mr_arena_printf(arena,
					   "Received: by %s (Mailreeve quarantine) id %s;\r\n\t%s\r\n" MR_QUARANTINE_FIELD ": %s %.*s\r\n",
					   host, e->id, date, e->id, (int)e->token.n, e->token.p));
}

/* The milter has marked the entry before Postfix took the message; when Postfix then says that it did not, the mark goes. Where nobody can
 * know, it stays: better once more by hand than twice; and so does the mark of another process that has ended since. */
static int send_entry(struct work *w, const struct mr_quarantine_entry *e, struct mr_slice content, struct mr_arena *arena)
{
	struct mr_diag diag = { 0 };
	struct mr_smtp_message m = {
		.address = mr_arena_printf(arena, "127.0.0.1:%lld", (long long)w->conf->shared.redirect_port),
		.sender = e->sender,
		.parameters = e->sender_parameters,
		.field = first_fields(w, e, arena),
		.content = content,
		.recipients = recipients_of(e, arena),
		.n_recipients = e->n_recipients,
	};
	struct mr_quarantine_entry now;
	int r = mr_smtp_send(&m, arena, &diag);

	if (r == 0)
		return report(e, &m, arena);
	if (mr_quarantine_read(w->dir, mr_slice_of(e->id), arena, &now) == 0 && now.released) {
		if (strstr(diag.text, MR_QUARANTINE_BEFORE))
			return already(&now, arena);
		if (r == -ECONNABORTED)
			return failed(
			    e->id,
			    "Postfix was told to take it, but did not answer: its log says whether it did; --again sends it once more");
		mr_quarantine_unclaim(w->dir, mr_slice_of(e->id));
	}
	for (size_t i = 0; i < m.n_recipients; i++)
		if (m.recipients[i].refused)
			failed(e->id, mr_arena_printf(arena, "not to %s: %s", shown(m.recipients[i].address, arena),
						      shown(m.recipients[i].why, arena)));
	return failed(e->id, diag.text);
}

static int release_locked(struct work *w, const char *id)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_quarantine_entry e;
	struct mr_buf content = MR_BUF(MESSAGE_MAX);
	int r = mr_quarantine_read(w->dir, mr_slice_of(id), arena, &e);

	if (r < 0)
		return failed(id, why_not(r));
	if (e.released && !w->again)
		return already(&e, arena);
	if (e.released)
		r = mr_quarantine_unclaim(w->dir, mr_slice_of(id));
	if (r == 0)
		r = read_message(w, id, &content);
	r = r < 0 ? failed(id, strerror(-r)) : send_entry(w, &e, mr_buf_slice(&content), arena);
	mr_buf_done(&content);
	return r;
}

static int release(struct work *w, int argc, char **argv)
{
	int code = argc ? 0 : 2;

	for (int i = 0; i < argc; i++) {
		int lock = mr_quarantine_lock(w->dir, mr_slice_of(argv[i]));

		code |= lock < 0 ? failed(argv[i], why_not(lock)) : release_locked(w, argv[i]);
		if (lock >= 0)
			close(lock);
	}
	return code;
}

static int delete_entries(struct work *w, int argc, char **argv)
{
	int code = argc ? 0 : 2;

	for (int i = 0; i < argc; i++) {
		int r = mr_quarantine_remove(w->dir, mr_slice_of(argv[i]));

		if (r < 0)
			code |= failed(argv[i], why_not(r));
		else
			printf("%s: deleted\n", argv[i]);
	}
	return code;
}

/* -- the command line -- */

static const struct action {
	const char *name;
	int (*run)(struct work *w, int argc, char **argv);
	const char *flags; /* that it takes */
} actions[] = {
	{ "list", list, "rstaj" },
	{ "show", show, "mj" },
	{ "release", release, "g" },
	{ "delete", delete_entries, "" },
};

static bool take_flag(struct work *w, int flag, const char *value)
{
	uint64_t ms;

	if (flag == 'r')
		w->recipient = mr_slice_of(value);
	else if (flag == 's')
		w->sender = mr_slice_of(value);
	else if (flag == 't' && mr_parse_duration(mr_slice_of(value), AGE_MAX, &ms) < 0)
		return false;
	else if (flag == 't')
		w->since = mr_wall() - (int64_t)(ms / 1000);
	w->all |= flag == 'a';
	w->json |= flag == 'j';
	w->message |= flag == 'm';
	w->again |= flag == 'g';
	return true;
}

/* The index of the first word that is no flag, or -1. */
static int parse(struct work *w, const struct action *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "recipient", required_argument, NULL, 'r' },
		{ "sender", required_argument, NULL, 's' },
		{ "since", required_argument, NULL, 't' },
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "message", no_argument, NULL, 'm' },
		{ "again", no_argument, NULL, 'g' },
		{ 0 },
	};
	int flag;

	optind = 0; /* the verb's own options were read with the same function */
	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!strchr(a->flags, flag) || !take_flag(w, flag, optarg))
			return -1;
	return optind;
}

static int run(const void *conf, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	struct work w = { .conf = conf, .arena = arena };
	struct mr_buf dir = MR_BUF(4096);
	int code = 2;

	mr_buf_printf(&dir, "%s/milter/quarantine", w.conf->shared.state_dir);
	w.dir = mr_buf_steal(&dir);
	for (size_t i = 0; argc > 0 && i < MR_COUNT(actions); i++) {
		int first = strcmp(argv[0], actions[i].name) == 0 ? parse(&w, &actions[i], argc, argv) : -1;

		if (first >= 0)
			code = actions[i].run(&w, argc - first, argv + first);
	}
	if (code == 2)
		fputs(usage, stderr);
	free(w.entries);
	free(w.dir);
	return code;
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = {
		.name = "quarantine", .usage = usage, .options = mr_milter_options, .conf_size = sizeof(struct mr_milter_conf), .run = run
	};

	return mr_verb_main(argc, argv, &verb);
}
