/* mailreeve queue: Postfix's queue, by way of the root helper. */
/* system */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* libraries */
#include <jansson.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/arena.h"
#include "hostd.h"
#include "print.h"
#include "proto/control.h"

static const char usage[] = "usage: mailreeve queue list [--sender ADDRESS] [--json]\n"
			    "       mailreeve queue hold ID... | --sender ADDRESS\n"
			    "       mailreeve queue release ID... | --sender ADDRESS\n"
			    "       mailreeve queue delete ID...\n";

struct flags {
	const char *sender;
	int json;
};
static const struct verb_flag table[] = {
	{ "sender", "list hold release", FLAG_TEXT, offsetof(struct flags, sender), 0 },
	{ "json", "list", FLAG_SWITCH, offsetof(struct flags, json), 1 },
	{ 0 },
};

static void note_part(int r)
{
	if (r == HOSTD_PART)
		verb_note("not all messages of the queue could be looked at (journalctl -u 'mailreeve-hostd@*')");
}

/* The array of messages in an answer. */
static json_t *messages_of(struct mr_slice answer)
{
	json_t *all = json_array(), *one;
	struct mr_slice line;

	while (mr_slice_next(&answer, '\n', &line)) {
		one = line.n > 0 ? json_loadb(line.p, line.n, 0, NULL) : NULL;
		if (one)
			json_array_append_new(all, one);
	}
	return all;
}

/* What stands in a queue came from anywhere: nothing of it may steer a terminal. */
static const char *shown(const char *text, struct mr_arena *arena)
{
	char *copy = mr_arena_strdup(arena, text ? text : "");

	for (char *p = copy; *p; p++)
		*p = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
	return copy;
}

static const char *recipients(json_t *message, struct mr_arena *arena)
{
	json_t *all = json_object_get(message, "recipients");
	const char *first = json_string_value(json_object_get(json_array_get(all, 0), "address"));

	if (json_array_size(all) < 2)
		return shown(first, arena);
	return mr_arena_printf(arena, "%s +%zu", shown(first, arena), json_array_size(all) - 1);
}

static void list_table(json_t *all, struct mr_arena *arena)
{
	const char **cells = mr_arena_alloc(arena, (json_array_size(all) + 1) * 6 * sizeof(*cells)), **c = cells;
	const char *reason;
	json_t *m;
	size_t i;

	*c++ = "ID", *c++ = "QUEUE", *c++ = "BYTES", *c++ = "SENDER", *c++ = "RECIPIENTS", *c++ = "WAITS BECAUSE";
	json_array_foreach(all, i, m)
	{
		reason = json_string_value(json_object_get(json_array_get(json_object_get(m, "recipients"), 0), "delay_reason"));
		*c++ = shown(json_string_value(json_object_get(m, "queue_id")), arena);
		*c++ = shown(json_string_value(json_object_get(m, "queue_name")), arena);
		*c++ = mr_arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(m, "message_size")));
		*c++ = shown(json_string_value(json_object_get(m, "sender")), arena);
		*c++ = recipients(m, arena);
		*c++ = shown(reason ? reason : "", arena);
	}
	print_table(cells, json_array_size(all) + 1, 6);
}

static int list(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	const struct flags *f = flags;
	mr_autoarena arena = mr_arena_new(0);
	const char *request = f->sender ? mr_arena_printf(arena, "list %s", f->sender) : "list";
	struct mr_diag diag = { 0 };
	struct mr_buf answer;
	json_t *all;
	int r = hostd_ask(&conf->shared, request, HOSTD_ALL, &answer, &diag);

	if (r < 0) {
		mr_buf_done(&answer);
		return verb_failed(&diag);
	}
	all = messages_of(mr_buf_slice(&answer));
	mr_buf_done(&answer);
	note_part(r);
	if (f->json)
		return print_json(all);
	list_table(all, arena);
	json_decref(all);
	return 0;
}

static int change(const struct verbs_conf *conf, const struct flags *f, const char *verb, int argc, char **argv)
{
	struct mr_buf request = MR_BUF(MR_CONTROL_LINE_MAX - 1);
	struct mr_diag diag = { 0 };
	uint64_t n = 0;
	int r;

	if ((f->sender != NULL) == (argc > 0))
		return verb_usage("ids of messages, or --sender ADDRESS");
	mr_buf_puts(&request, verb);
	if (f->sender)
		mr_buf_printf(&request, "-sender %s", f->sender);
	for (int i = 0; i < argc; i++)
		mr_buf_printf(&request, " %s", argv[i]);
	if (request.full) {
		mr_buf_done(&request);
		return verb_usage("too many messages at once");
	}
	r = hostd_count(&conf->shared, request.p, HOSTD_ALL, &n, &diag);
	mr_buf_done(&request);
	if (r < 0)
		return verb_failed(&diag);
	note_part(r);
	printf("%llu message%s\n", (unsigned long long)n, n == 1 ? "" : "s");
	return 0;
}

static int hold(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	return change(conf, flags, "hold", argc, argv);
}

static int release(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	return change(conf, flags, "release", argc, argv);
}

static int delete (const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	return change(conf, flags, "delete", argc, argv);
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = {
		{ "list", 0, 0, list }, { "hold", 0, 50, hold }, { "release", 0, 50, release }, { "delete", 1, 50, delete }, { 0 }
	};
	struct flags flags = { 0 };

	return verb_dispatch("queue", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "queue", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
