/* fuzzy-verb: `mailreeve fuzzy`: which messages the filter is to know again, whoever sends the next copy. Of Redis alone; no daemon is
 * asked. */

/* system */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

/* ours */
#include "app/verb.h"
#include "base/mem.h"
#include "base/parse.h"
#include "fuzzy-store.h"
#include "message-files.h"
#include "options.h"
#include "rt/redis.h"

#define ASK_MS  5000
#define LOOK_MS 10 /* whether the connection is there */

static const char usage[] = "usage: mailreeve fuzzy [-c FILE] add [--weight N] [--files-from LIST] [FILE...]\n"
			    "       mailreeve fuzzy [-c FILE] forget|check [--files-from LIST] [FILE...]\n"
			    "One message a file. --files-from - reads names from standard input.\n";

enum op { ADD, FORGET, CHECK };
static const char *const op_names[] = { "add", "forget", "check" };

struct work {
	const struct mr_milter_conf *conf;
	enum op op;
	uint64_t weight;  /* of one message */
	const char *list; /* of files; or NULL */
	struct mr_loop *loop;
	struct mr_redis *redis;
	struct mr_fuzzy_store *store;
	struct mr_fuzzy_known known; /* the last answer */
	bool away;                   /* it did not come */
	bool failed;                 /* something was said on standard error */
};

static void fail(struct work *w, const char *file, const char *why)
{
	fprintf(stderr, "mailreeve-fuzzy: %s%s%s\n", file, file[0] ? ": " : "", why);
	w->failed = true;
}

static void on_known(const struct mr_fuzzy_known *known, void *arg)
{
	struct work *w = arg;

	w->away = !known;
	if (known)
		w->known = *known;
	mr_loop_stop(w->loop);
}

/* Leaves the answer in w. */
static void ask(struct work *w, const struct mr_fuzzy *f)
{
	bool asked = true;

	w->known = (struct mr_fuzzy_known){ 0 };
	if (w->op == ADD)
		mr_fuzzy_add(w->store, f, w->weight, w->conf->fuzzy_keep, ASK_MS, on_known, w);
	else if (w->op == FORGET)
		mr_fuzzy_forget(w->store, f, ASK_MS, on_known, w);
	else
		asked = mr_fuzzy_check(w->store, f, 1, ASK_MS, on_known, w) != NULL;
	if (asked)
		mr_loop_run(w->loop);
}

static void print(const struct work *w, const char *file)
{
	const struct mr_fuzzy_known *k = &w->known;
	bool text = k->shingles > 0, attached = k->file_weight > 0;

	printf("%s: %s", file, !text && !attached ? "not known" : w->op == FORGET ? "forgotten: " : "");
	if (text)
		printf("text, %u of %u, weight %lld", k->shingles, MR_FUZZY_SHINGLES, (long long)k->weight);
	if (attached)
		printf("%sattached file, weight %lld", text ? "; " : "", (long long)k->file_weight);
	putchar('\n');
}

static void read_hashes(struct mr_slice message, struct mr_fuzzy *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_view view;

	mr_view_read(message, arena, &view);
	mr_fuzzy_read(&view, out);
	mr_view_free(&view);
}

static void take_file(void *arg, const char *file)
{
	struct work *w = arg;
	struct mr_buf message = MR_BUF(MR_MESSAGE_FILE_MAX);
	struct mr_diag diag = { 0 };
	struct mr_fuzzy f = { 0 };

	if (mr_message_file_read(file, &message, &diag) < 0) {
		fail(w, "", diag.text);
	} else {
		read_hashes(mr_buf_slice(&message), &f);
		if (f.text || f.n_files)
			ask(w, &f);
		if (!f.text && !f.n_files)
			fail(w, file, "has too little text and no attached file to be known again by");
		else if (w->away)
			fail(w, file, "Redis does not answer, or not as it should");
		else
			print(w, file);
	}
	mr_buf_done(&message);
}

static void on_look(void *arg)
{
	mr_loop_stop(((struct work *)arg)->loop);
}

/* False: said why. */
static bool connect_redis(struct work *w)
{
	const struct mr_redis_config config = mr_redis_config(&w->conf->shared);
	struct mr_diag diag = { 0 };
	int r = mr_redis_wanted(&config)
		    ? mr_redis_check(&config, ASK_MS, &diag)
		    : mr_diag_set(&diag, -ENOENT, "no Redis is configured: the shared options redis_socket, redis_address");

	if (r == 0)
		r = mr_redis_new(w->loop, &config, &w->redis, &diag);
	if (r < 0) {
		fail(w, "", diag.text);
		return false;
	}
	for (int left = ASK_MS / LOOK_MS; left > 0 && !mr_redis_up(w->redis); left--) {
		mr_timer_start(w->loop, LOOK_MS, on_look, w);
		mr_loop_run(w->loop);
	}
	w->store = mr_fuzzy_store_new(w->loop, w->redis, w->conf->shared.redis_prefix);
	return true;
}

/* The index of the first file, or -1. */
static int parse(struct work *w, int argc, char **argv)
{
	static const struct option options[] = {
		{ "weight", required_argument, NULL, 'w' },
		{ "files-from", required_argument, NULL, 'f' },
		{ 0 },
	};
	size_t op = 0;
	int flag;

	while (op < MR_COUNT(op_names) && (argc == 0 || strcmp(argv[0], op_names[op]) != 0))
		op++;
	if (op == MR_COUNT(op_names))
		return -1;
	w->op = (enum op)op;
	optind = 0; /* the verb's own options were read with the same function */
	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (flag == 'f')
			w->list = optarg;
		else if (flag != 'w' || w->op != ADD || mr_parse_u64(mr_slice_of(optarg), 1, MR_FUZZY_WEIGHT_MAX, &w->weight) < 0)
			return -1;
	}
	return optind < argc || w->list ? optind : -1;
}

static int run(const void *conf, int argc, char **argv)
{
	struct work w = { .conf = conf, .weight = 1 };
	struct mr_diag diag = { 0 };
	int first = parse(&w, argc, argv);

	if (first < 0) {
		fputs(usage, stderr);
		return 2;
	}
	w.loop = mr_loop_new();
	if (connect_redis(&w)) {
		for (int i = first; i < argc; i++)
			take_file(&w, argv[i]);
		if (w.list && mr_message_files_each(w.list, take_file, &w, &diag) < 0)
			fail(&w, "", diag.text);
	}
	mr_redis_free(w.redis);
	mr_fuzzy_store_free(w.store);
	mr_loop_free(w.loop);
	return w.failed;
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = {
		.name = "fuzzy", .usage = usage, .options = mr_milter_options, .conf_size = sizeof(struct mr_milter_conf), .run = run
	};

	mr_view_init();
	return mr_verb_main(argc, argv, &verb);
}
