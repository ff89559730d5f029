/* channel: see channel.h */

/* system */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "directory/channel.h"
#include "directory/kept.h"
#include "proto/directory.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/sock.h"

/* libraries */
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>
#include <utlist.h>

#define READ_CHUNK      16384
#define OUT_MAX         (8 * 1024 * 1024)
#define QUESTIONS_MAX   4096
#define RECONNECT_FIRST 50   /* ms, doubled after each failure */
#define RECONNECT_MAX   2000 /* ms */
#define AWAY_AFTER      2000 /* ms without a connection: a restart takes less */

struct question {
	UT_hash_handle hh;
	uint64_t id;
	struct channel *channel;
	struct mr_buf bytes; /* the whole message, to be sent again after a loss */
	struct mr_buf text;  /* what it asks, without its id, where an answer may be kept */
	bool had;            /* such an answer was there when it was asked */
	struct question *prev, *next;
	struct mr_timer *timer;
	struct channel_asker asker;
};

struct channel {
	struct mr_loop *loop;
	char *path;
	int fd; /* -1: not connected */
	void (*on_connected)(bool up, void *arg);
	void *arg;
	struct mr_io *io;
	struct mr_timer *reconnect;
	uint64_t delay, lost_at; /* ms */
	bool away_logged;
	uint64_t last_id;
	struct mr_later flush;      /* sends what was asked in this turn */
	struct question *questions; /* by id, in the order they were asked */
	struct kept *kept;          /* NULL: nothing is */
	struct question *had;       /* not sent yet: answered at the end of the turn by what is kept */
	struct mr_later answer_had;
	struct mr_buf in, out;
	struct mr_arena *arena;
};

static void connect_now(void *arg);

static void forget(struct question *q)
{
	HASH_DEL(q->channel->questions, q);
	if (q->had)
		DL_DELETE(q->channel->had, q);
	mr_timer_cancel(&q->timer);
	mr_buf_done(&q->bytes);
	mr_buf_done(&q->text);
	free(q);
}

static void tell(struct question *q, const struct mr_wire *answer)
{
	struct channel_asker asker = q->asker;
	struct mr_arena *arena = q->channel->arena;

	forget(q);
	asker.deliver(answer, arena, &asker);
}

static void on_deadline(void *arg)
{
	struct question *q = arg;

	tell(q, NULL);
}

static void tell_connected(struct channel *c)
{
	if (c->on_connected)
		c->on_connected(c->fd >= 0, c->arg);
}

static void lose(struct channel *c, const char *why, int err)
{
	if (!c->away_logged)
		mr_log(MR_LOG_WARNING, "directory-away", mr_s("socket", c->path), mr_s("reason", why), mr_err("error", err));
	c->away_logged = true;
	if (c->fd >= 0) {
		mr_io_cancel(&c->io);
		close(c->fd);
		c->fd = -1;
		c->lost_at = mr_now_ms();
		tell_connected(c);
	}
	mr_buf_reset(&c->in);
	mr_buf_reset(&c->out);
	if (c->reconnect)
		return;
	c->reconnect = mr_timer_start(c->loop, c->delay, connect_now, c);
	c->delay = c->delay * 2 < RECONNECT_MAX ? c->delay * 2 : RECONNECT_MAX;
}

static void flush(struct channel *c)
{
	while (c->fd >= 0 && c->out.n > 0) {
		ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			lose(c, "send", errno);
			return;
		}
		mr_buf_consume(&c->out, (size_t)n);
	}
	if (c->fd >= 0)
		mr_io_change(c->io, MR_READ | (c->out.n > 0 ? MR_WRITE : 0));
}

static void on_turn_ends(void *arg)
{
	flush(arg);
}

/* False when the peer does not speak our protocol. */
static bool take_answers(struct channel *c)
{
	size_t at = 0, used;
	struct mr_wire answer;
	struct question *q;
	uint64_t id;
	int rc;

	for (;;) {
		mr_arena_reset(c->arena);
		rc = mr_wire_next(mr_slice_from(mr_buf_slice(&c->in), at), c->arena, &answer, &used);
		if (rc <= 0 || mr_wire_u64(&answer, "id", UINT64_MAX, &id) < 0)
			break;
		at += used;
		HASH_FIND(hh, c->questions, &id, sizeof(id), q);
		if (q && q->asker.keep)
			kept_add(c->kept, mr_buf_slice(&q->text), &answer, q->asker.asked);
		if (q) /* else it came after its deadline */
			tell(q, &answer);
		if (c->fd < 0)
			return true; /* lost while its asker asked the next one */
	}
	mr_buf_consume(&c->in, at);
	return rc == 0;
}

static void fill(struct channel *c)
{
	char chunk[READ_CHUNK];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);

	if (n > 0) {
		if (mr_buf_add(&c->in, (struct mr_slice){ chunk, (size_t)n }) < 0)
			lose(c, "answer too long", EMSGSIZE);
		else if (!take_answers(c))
			lose(c, "not our protocol", EPROTO);
	} else if (n == 0) {
		lose(c, "closed", ECONNRESET);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		lose(c, "receive", errno);
	}
}

static void on_io(int fd, int what, void *arg)
{
	struct channel *c = arg;

	if (what & MR_WRITE)
		flush(c);
	if ((what & MR_READ) && c->fd >= 0)
		fill(c);
}

static void send_question(struct channel *c, const struct question *q)
{
	if (mr_buf_add(&c->out, mr_buf_slice(&q->bytes)) < 0)
		lose(c, "questions are not read", ENOBUFS);
}

/* What was kept a moment ago may hold no more: then lookup is asked. */
static void on_answer_had(void *arg)
{
	struct channel *c = arg;
	struct question *q;
	struct mr_wire answer;

	while ((q = c->had) != NULL) {
		mr_arena_reset(c->arena);
		if (kept_find(c->kept, mr_buf_slice(&q->text), c->arena, &answer)) {
			tell(q, &answer);
			continue;
		}
		DL_DELETE(c->had, q);
		q->had = false;
		if (c->fd >= 0) /* else it goes out with the next connection */
			send_question(c, q);
	}
	flush(c);
}

static void connect_now(void *arg)
{
	struct channel *c = arg;
	struct question *q, *next;
	int fd = mr_connect_unix(c->path);

	c->reconnect = NULL;
	if (fd < 0) {
		lose(c, "connect", fd);
		return;
	}
	mr_log(c->away_logged ? MR_LOG_NOTICE : MR_LOG_INFO, "directory-connected", mr_s("socket", c->path));
	c->away_logged = false;
	c->delay = RECONNECT_FIRST;
	c->fd = fd;
	c->io = mr_io_start(c->loop, fd, MR_READ, on_io, c);
	tell_connected(c);
	HASH_ITER (hh, c->questions, q, next)
		if (c->fd >= 0 && !q->had)
			send_question(c, q);
	flush(c);
}

struct channel *channel_new(struct mr_loop *l, const char *path, struct kept *kept, void (*on_connected)(bool up, void *arg), void *arg)
{
	struct channel *c = mr_alloc(sizeof(*c));

	c->loop = l;
	c->path = mr_strdup(path);
	c->fd = -1;
	c->on_connected = on_connected;
	c->arg = arg;
	c->delay = RECONNECT_FIRST;
	c->flush = (struct mr_later){ .fn = on_turn_ends, .arg = c };
	c->kept = kept;
	c->answer_had = (struct mr_later){ .fn = on_answer_had, .arg = c };
	c->lost_at = mr_now_ms();
	c->in = MR_BUF(MR_WIRE_MAX + READ_CHUNK + 16);
	c->out = MR_BUF(OUT_MAX);
	c->arena = mr_arena_new(0);
	c->reconnect = mr_timer_start(l, 0, connect_now, c);
	return c;
}

void channel_give_up(struct channel *c)
{
	struct question *q, *next;

	if (!c)
		return;
	HASH_ITER (hh, c->questions, q, next)
		tell(q, NULL);
}

void channel_free(struct channel *c)
{
	struct question *q, *next;

	if (!c)
		return;
	HASH_ITER (hh, c->questions, q, next)
		forget(q);
	mr_timer_cancel(&c->reconnect);
	mr_later_cancel(c->loop, &c->flush);
	mr_later_cancel(c->loop, &c->answer_had);
	mr_io_cancel(&c->io);
	if (c->fd >= 0)
		close(c->fd);
	mr_buf_done(&c->in);
	mr_buf_done(&c->out);
	mr_arena_free(c->arena);
	free(c->path);
	free(c);
}

bool channel_up(const struct channel *c)
{
	return c->fd >= 0;
}

static void set_text(struct question *q, const char *cmd, const struct channel_field *fields)
{
	q->text = MR_BUF(MR_DIR_QUESTION_MAX);
	mr_buf_puts(&q->text, cmd);
	for (; fields->key; fields++) {
		mr_buf_putc(&q->text, ' ');
		mr_buf_putu(&q->text, fields->value.n);
		mr_buf_putc(&q->text, ':');
		mr_buf_add(&q->text, fields->value);
	}
}

void channel_ask(struct channel *c, const char *cmd, const struct channel_field *fields, uint64_t deadline, struct channel_asker asker)
{
	struct question *q = mr_alloc(sizeof(*q));
	uint64_t now = mr_now_ms();
	struct mr_wire_out w;
	bool hopeless;

	q->id = ++c->last_id;
	q->channel = c;
	q->asker = asker;
	q->asker.asked = now;
	q->asker.keep = asker.keep && c->kept;
	q->bytes = MR_BUF(MR_WIRE_MAX + 16);
	if (q->asker.keep)
		set_text(q, cmd, fields);
	mr_wire_begin(&w, "cmd", cmd, q->id);
	for (; fields->key; fields++)
		mr_wire_put(&w, fields->key, fields->value);
	/* One that lookup does not take would cost all others their connection, again and again. */
	if (mr_wire_end(&w, &q->bytes) < 0 || q->bytes.n > MR_DIR_QUESTION_MAX)
		mr_buf_reset(&q->bytes);
	hopeless = q->bytes.n == 0 || HASH_COUNT(c->questions) >= QUESTIONS_MAX || (c->fd < 0 && now - c->lost_at > AWAY_AFTER);
	q->timer = mr_timer_start(c->loop, hopeless || deadline <= now ? 0 : deadline - now, on_deadline, q);
	HASH_ADD(hh, c->questions, id, sizeof(q->id), q);
	if (c->fd < 0 || hopeless)
		return;
	q->had = q->asker.keep && kept_has(c->kept, mr_buf_slice(&q->text));
	if (q->had) {
		DL_APPEND(c->had, q);
		mr_later_start(c->loop, &c->answer_had);
	} else {
		send_question(c, q);
		mr_later_start(c->loop, &c->flush);
	}
}
