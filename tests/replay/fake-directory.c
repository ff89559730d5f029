/* fake-directory: see fake-directory.h */

/* system */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "fake-directory.h"
#include "proto/directory.h"
#include "rt/generation.h"
#include "rt/server.h"
#include "rt/sock.h"

#define ANSWER_MAX (1 << 20)
#define HELD_MAX   64

struct line {
	struct line *prev, *next;
	char *text; /* an answer, or a question that came: "CMD ADDRESS" */
};

struct held {
	struct mr_conn *conn;
	uint64_t id;
	char *what;
};

struct fake_directory {
	struct mr_loop *loop;
	char *path, page[256];
	struct mr_generation *generation;
	struct mr_server *server; /* NULL: away */
	struct line *answers, *questions;
	bool holding, garbage;
	struct held held[HELD_MAX];
	size_t n_held;
};

static struct mr_slice word(struct mr_slice *rest)
{
	struct mr_slice part = { 0 };

	while (mr_slice_next(rest, ' ', &part) && part.n == 0)
		;
	return part;
}

static void set_final(struct mr_dir_final *f, struct mr_slice w, struct mr_arena *arena)
{
	struct mr_dir_account *a = &f->account;

	if (mr_slice_starts(w, MR_LIT("quota=")))
		mr_parse_size(mr_slice_from(w, 6), UINT64_MAX, &a->quota_bytes);
	else if (mr_slice_starts(w, MR_LIT("used=")))
		mr_parse_size(mr_slice_from(w, 5), UINT64_MAX, &a->used_bytes);
	else if (mr_slice_eq(w, MR_LIT("send-only"))) {
		a->send_only = true;
		a->receive = false;
	} else if (mr_slice_starts(w, MR_LIT("allow=")) || mr_slice_starts(w, MR_LIT("deny="))) {
		if (!a->patterns)
			a->patterns = mr_arena_alloc(arena, 16 * sizeof(*a->patterns));
		a->patterns[a->n_patterns++] = (struct mr_dir_pattern){ mr_slice_from(w, (size_t)mr_slice_chr(w, '=') + 1), w.p[0] == 'a' };
	}
}

static enum mr_dir_status status_of(struct mr_slice w)
{
	for (int s = MR_DIR_OK; s <= MR_DIR_BAD; s++)
		if (mr_slice_eq(w, mr_slice_of(mr_dir_status_str((enum mr_dir_status)s))))
			return (enum mr_dir_status)s;
	return MR_DIR_TEMP;
}

/* ALIAS:WHO,WHO... */
static struct mr_dir_right right_of(struct mr_slice w, struct mr_arena *arena)
{
	struct mr_dir_right r = { .who = mr_arena_alloc(arena, 16 * sizeof(*r.who)) };
	struct mr_slice who;

	mr_slice_next(&w, ':', &r.alias);
	while (mr_slice_next(&w, ',', &who)) {
		if (mr_slice_eq(who, MR_LIT("internal")))
			r.internal = true;
		else
			r.who[r.n_who++] = who;
	}
	return r;
}

static void encode_resolve(struct mr_slice rest, uint64_t id, struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dir_resolve a = { .status = status_of(word(&rest)) };
	struct mr_dir_final *f = NULL;

	a.finals = mr_arena_alloc(arena, 16 * sizeof(*a.finals));
	a.rights = mr_arena_alloc(arena, 16 * sizeof(*a.rights));
	for (struct mr_slice w = word(&rest); w.n > 0; w = word(&rest)) {
		if (mr_slice_eq(w, MR_LIT("hosted"))) {
			a.hosted = true;
		} else if (mr_slice_starts(w, MR_LIT("right="))) {
			a.rights[a.n_rights++] = right_of(mr_slice_from(w, 6), arena);
		} else if (mr_slice_eq(w, MR_LIT("local")) || mr_slice_eq(w, MR_LIT("foreign"))) {
			f = &a.finals[a.n_finals++];
			f->local = w.p[0] == 'l';
			f->deliver = word(&rest);
			f->account = (struct mr_dir_account){
				.address = f->deliver, .enabled = true, .receive = true, .used_bytes = MR_DIR_UNKNOWN
			};
		} else if (f) {
			set_final(f, w, arena);
		}
	}
	mr_dir_resolve_encode(out, id, &a);
}

/* "_" stands for a blank. */
static struct mr_slice unquoted(struct mr_slice s, struct mr_arena *arena)
{
	char *text = mr_arena_slice(arena, s);

	for (char *p = text; *p; p++)
		*p = *p == '_' ? ' ' : *p;
	return mr_slice_of(text);
}

static void encode_account(const struct fake_directory *f, struct mr_slice address, struct mr_slice rest, uint64_t id, struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	enum mr_dir_status status = status_of(word(&rest));
	struct mr_dir_account a = { .address = address, .enabled = true, .receive = true, .used_bytes = MR_DIR_UNKNOWN };
	struct mr_slice limits[8];

	a.limits = limits;
	for (struct mr_slice w = word(&rest); w.n > 0; w = word(&rest)) {
		if (mr_slice_eq(w, MR_LIT("disabled")))
			a.enabled = false;
		else if (mr_slice_eq(w, MR_LIT("locked")))
			a.enabled = false, a.locked = true;
		else if (mr_slice_eq(w, MR_LIT("receive-only")))
			a.receive_only = true;
		else if (mr_slice_eq(w, MR_LIT("kept")))
			a.generation = mr_generation_now(f->generation);
		else if (mr_slice_starts(w, MR_LIT("limit=")) && a.n_limits < MR_COUNT(limits))
			limits[a.n_limits++] = unquoted(mr_slice_from(w, 6), arena);
	}
	mr_dir_account_encode(out, id, status, &a);
}

static struct mr_slice answer_for(const struct fake_directory *f, struct mr_slice what)
{
	struct mr_slice found = MR_LIT("notfound");
	const struct line *l;

	DL_FOREACH (f->answers, l) {
		struct mr_slice text = mr_slice_of(l->text);

		if (mr_slice_starts(text, what) && text.n > what.n && text.p[what.n] == ' ')
			found = mr_slice_from(text, what.n + 1);
	}
	return found;
}

static void answer(struct fake_directory *f, struct mr_conn *c, uint64_t id, struct mr_slice what)
{
	struct mr_buf out = MR_BUF(ANSWER_MAX);

	if (f->garbage)
		mr_buf_puts(&out, "3:abc,nonsense");
	else if (mr_slice_starts(what, MR_LIT("resolve ")))
		encode_resolve(answer_for(f, what), id, &out);
	else
		encode_account(f, mr_slice_from(what, (size_t)mr_slice_chr(what, ' ') + 1), answer_for(f, what), id, &out);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

static void add_line(struct line **list, struct mr_slice text)
{
	struct line *l = mr_alloc(sizeof(*l));

	l->text = mr_slice_dup(text);
	DL_APPEND(*list, l);
}

static ssize_t on_data(struct mr_conn *c, struct mr_slice in)
{
	struct fake_directory *f = mr_conn_arg(c);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_wire w;
	struct mr_slice what;
	uint64_t id = 0;
	size_t used;
	int rc = mr_wire_next(in, arena, &w, &used);

	if (rc <= 0)
		return rc;
	mr_wire_u64(&w, "id", UINT64_MAX, &id);
	what = mr_slice_of(mr_arena_printf(arena, "%.*s %.*s", (int)mr_wire_get(&w, "cmd").n, mr_wire_get(&w, "cmd").p,
					   (int)mr_wire_get(&w, "address").n, mr_wire_get(&w, "address").p));
	add_line(&f->questions, what);
	if (f->holding && f->n_held < HELD_MAX) {
		mr_conn_hold(c);
		f->held[f->n_held++] = (struct held){ c, id, mr_slice_dup(what) };
	} else {
		answer(f, c, id, what);
	}
	return (ssize_t)used;
}

static void release(struct fake_directory *f, bool with_answer)
{
	for (size_t i = 0; i < f->n_held; i++) {
		if (with_answer)
			answer(f, f->held[i].conn, f->held[i].id, mr_slice_of(f->held[i].what));
		mr_conn_release(f->held[i].conn);
		free(f->held[i].what);
	}
	f->n_held = 0;
}

static void open_socket(struct fake_directory *f)
{
	static const struct mr_server_ops ops = { .name = "fake-directory", .request_max = 65536, .clients_max = 10, .data = on_data };
	int fd = mr_listen_unix(f->path, 0600, NULL);

	f->server = mr_server_new(f->loop, &ops, f);
	mr_server_listen(f->server, fd);
}

struct fake_directory *fake_directory_new(struct mr_loop *l, const char *path)
{
	struct fake_directory *f = mr_alloc(sizeof(*f));

	f->loop = l;
	f->path = mr_strdup(path);
	snprintf(f->page, sizeof(f->page), "%.*sgeneration", (int)(strrchr(path, '/') + 1 - path), path);
	mr_generation_new(f->page, &f->generation, NULL);
	open_socket(f);
	return f;
}

static void free_lines(struct line *list)
{
	struct line *l, *next;

	DL_FOREACH_SAFE (list, l, next) {
		free(l->text);
		free(l);
	}
}

void fake_directory_free(struct fake_directory *f)
{
	mr_server_free(f->server);
	release(f, false);
	free_lines(f->answers);
	free_lines(f->questions);
	mr_generation_free(f->generation);
	unlink(f->page);
	unlink(f->path);
	free(f->path);
	free(f);
}

void fake_directory_answer(struct fake_directory *f, struct mr_slice line)
{
	add_line(&f->answers, line);
}

bool fake_directory_mode(struct fake_directory *f, struct mr_slice w)
{
	if (mr_slice_eq(w, MR_LIT("away"))) {
		mr_server_free(f->server);
		f->server = NULL;
		release(f, false);
	} else if (mr_slice_eq(w, MR_LIT("open"))) {
		open_socket(f);
	} else if (mr_slice_eq(w, MR_LIT("hold"))) {
		f->holding = true;
	} else if (mr_slice_eq(w, MR_LIT("release"))) {
		f->holding = false;
		release(f, true);
	} else if (mr_slice_eq(w, MR_LIT("change"))) {
		mr_generation_raise(f->generation);
	} else if (mr_slice_eq(w, MR_LIT("garbage"))) {
		f->garbage = true;
	} else {
		return false;
	}
	return true;
}

size_t fake_directory_asked(const struct fake_directory *f, struct mr_slice what)
{
	const struct line *l;
	size_t n = 0;

	DL_FOREACH (f->questions, l)
		n += mr_slice_starts(mr_slice_of(l->text), what);
	return n;
}
