/* fake-redis: see fake-redis.h */

/* system */
#include <errno.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "fake-redis.h"
#include "rt/server.h"
#include "rt/sock.h"

#define HELD_MAX  64
#define REPLY_MAX 1024
#define WORDS_MAX 1024
#define WORD_MAX  65536

struct fake_redis {
	struct mr_loop *loop;
	char *path;
	struct mr_server *server; /* NULL: away */
	struct mr_buf reply;
	struct mr_conn *held[HELD_MAX];
	size_t n_held, asked;
	bool holding;
};

/* "*3\r\n" or "$5\r\n" at the front of *in. 1, 0 for more bytes, -EPROTO. */
static int take_number(struct mr_slice *in, char sign, uint64_t max, uint64_t *out)
{
	ptrdiff_t end = mr_slice_chr(*in, '\n');
	struct mr_slice text;

	if (end < 0)
		return 0;
	text = mr_slice_trim((struct mr_slice){ in->p, (size_t)end });
	if (text.n == 0 || text.p[0] != sign || mr_parse_u64(mr_slice_from(text, 1), 0, max, out) < 0)
		return -EPROTO;
	*in = mr_slice_from(*in, (size_t)end + 1);
	return 1;
}

/* One command: bytes used, 0 for more bytes, -EPROTO. *name is its first word. */
static ssize_t take_command(struct mr_slice in, struct mr_slice *name)
{
	struct mr_slice rest = in;
	uint64_t words, n;
	int rc = take_number(&rest, '*', WORDS_MAX, &words);

	for (uint64_t i = 0; rc == 1 && i < words; i++) {
		rc = take_number(&rest, '$', WORD_MAX, &n);
		if (rc == 1 && rest.n < n + 2)
			rc = 0;
		if (rc < 1)
			break;
		if (i == 0)
			*name = (struct mr_slice){ rest.p, n };
		rest = mr_slice_from(rest, n + 2);
	}
	return rc == 1 ? (ssize_t)(in.n - rest.n) : rc;
}

static ssize_t on_data(struct mr_conn *c, struct mr_slice in)
{
	struct fake_redis *f = mr_conn_arg(c);
	struct mr_slice name = { 0 };
	ssize_t used = take_command(in, &name);

	if (used <= 0)
		return used;
	if (mr_slice_ieq(name, MR_LIT("PING"))) {
		mr_conn_send(c, MR_LIT("+PONG\r\n"));
		return used;
	}
	f->asked++;
	if (f->holding && f->n_held < HELD_MAX) {
		mr_conn_hold(c);
		f->held[f->n_held++] = c;
	} else {
		mr_conn_send(c, mr_buf_slice(&f->reply));
	}
	return used;
}

static void release(struct fake_redis *f, bool with_answer)
{
	for (size_t i = 0; i < f->n_held; i++) {
		if (with_answer)
			mr_conn_send(f->held[i], mr_buf_slice(&f->reply));
		mr_conn_release(f->held[i]);
	}
	f->n_held = 0;
}

struct fake_redis *fake_redis_new(struct mr_loop *l, const char *path)
{
	struct fake_redis *f = mr_alloc(sizeof(*f));

	f->loop = l;
	f->path = mr_strdup(path);
	f->reply = MR_BUF(REPLY_MAX);
	return f;
}

void fake_redis_free(struct fake_redis *f)
{
	mr_server_free(f->server);
	release(f, false);
	mr_buf_done(&f->reply);
	unlink(f->path);
	free(f->path);
	free(f);
}

void fake_redis_answer(struct fake_redis *f, struct mr_slice words)
{
	struct mr_slice rest = words, word;
	size_t n = 0;
	uint64_t number;

	mr_buf_reset(&f->reply);
	while (mr_slice_next(&rest, ' ', &word))
		n++;
	mr_buf_printf(&f->reply, "*%zu\r\n", n);
	for (rest = words; mr_slice_next(&rest, ' ', &word);) {
		if (mr_parse_u64(word, 0, INT64_MAX, &number) == 0)
			mr_buf_printf(&f->reply, ":%.*s\r\n", (int)word.n, word.p);
		else
			mr_buf_printf(&f->reply, "+%.*s\r\n", (int)word.n, word.p);
	}
}

static void open_socket(struct fake_redis *f)
{
	static const struct mr_server_ops ops = {
		.name = "fake-redis", .request_max = 1 << 20, .clients_max = 10, .pending_max = HELD_MAX, .data = on_data
	};
	int fd = mr_listen_unix(f->path, 0600, NULL);

	f->server = mr_server_new(f->loop, &ops, f);
	mr_server_listen(f->server, fd);
}

bool fake_redis_mode(struct fake_redis *f, struct mr_slice w)
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
	} else {
		return false;
	}
	return true;
}

size_t fake_redis_asked(const struct fake_redis *f)
{
	return f->asked;
}
