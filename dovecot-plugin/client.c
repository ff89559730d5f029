/* client: see client.h */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "dovecot-plugin/client.h"
#include "proto/netstring.h"

#define READ_SIZE 8192
#define AGAIN_MS  100 /* between attempts to connect */

struct mr_client {
	struct mr_client *next;
	struct sockaddr_un address;
	unsigned refs, timeout_ms;
	uint64_t last_id;
	int fd; /* -1: not connected */
	struct mr_buf in;
};

static struct mr_client *clients; /* of this process, one a socket */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int mr_client_get(const char *path, unsigned timeout_ms, struct mr_client **out)
{
	struct mr_client *c;
	size_t n = strlen(path);

	if (n >= sizeof c->address.sun_path)
		return -ENAMETOOLONG;
	for (c = clients; c && strcmp(c->address.sun_path, path) != 0;)
		c = c->next;
	if (!c) {
		c = mr_alloc(sizeof *c);
		c->address.sun_family = AF_UNIX;
		memcpy(c->address.sun_path, path, n);
		c->fd = -1;
		c->in = MR_BUF(MR_WIRE_MAX + 32);
		c->next = clients;
		clients = c;
	}
	c->timeout_ms = timeout_ms;
	c->refs++;
	*out = c;
	return 0;
}

static void disconnect(struct mr_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void mr_client_put(struct mr_client *c)
{
	struct mr_client **at = &clients;

	if (!c || --c->refs > 0)
		return;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	disconnect(c);
	mr_buf_done(&c->in);
	free(c);
}

/* A blocking connect() waits while the listener's backlog is full, for as long as SO_SNDTIMEO says. */
static int connect_once(struct mr_client *c, int64_t left)
{
	struct timeval wait = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
	int r = 0;

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	if (setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) < 0 ||
	    connect(c->fd, (struct sockaddr *)&c->address, sizeof c->address) < 0)
		r = errno == EAGAIN ? -ETIMEDOUT : -errno;
	else if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	return r;
}

/* Nobody listens while lookup is being started again: that is waited out. */
static int connect_until(struct mr_client *c, int64_t deadline)
{
	int r = -ETIMEDOUT;

	for (int64_t left; (left = deadline - now_ms()) > 0;) {
		r = connect_once(c, left);
		if (r != -ECONNREFUSED && r != -ENOENT)
			break;
		disconnect(c);
		poll(NULL, 0, left < AGAIN_MS ? (int)left : AGAIN_MS);
	}
	return r;
}

static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		int64_t left = deadline - now_ms();
		n = left > 0 ? poll(&p, 1, (int)left) : 0;
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

static int send_until(int fd, struct mr_slice bytes, int64_t deadline)
{
	int r = 0;

	while (r == 0 && bytes.n > 0) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n >= 0)
			bytes = mr_slice_from(bytes, (size_t)n);
		else if (errno == EAGAIN)
			r = wait_for(fd, POLLOUT, deadline);
		else if (errno != EINTR)
			r = -errno;
	}
	return r;
}

/* 1: one whole message is in c->in and moves into the arena. 0: more bytes are needed. */
static int take_message(struct mr_client *c, struct mr_arena *arena, struct mr_wire *out)
{
	struct mr_slice payload, message = mr_buf_slice(&c->in);
	size_t used;
	int r = mr_netstring_next(message, MR_WIRE_MAX, &payload, &used);

	if (r <= 0)
		return r;
	if (used != message.n)
		return -EPROTO; /* one question, one answer */
	message.p = mr_arena_slice(arena, message);
	mr_wipe(c->in.p, c->in.n); /* it may hold a password hash */
	return mr_wire_next(message, arena, out, &used);
}

static int receive_until(struct mr_client *c, struct mr_arena *arena, struct mr_wire *out, int64_t deadline)
{
	int r = 0;

	mr_buf_reset(&c->in);
	while (r == 0) {
		char *room = mr_buf_reserve(&c->in, READ_SIZE);
		ssize_t n = room ? recv(c->fd, room, READ_SIZE, 0) : 0;
		if (!room) {
			r = -EMSGSIZE;
		} else if (n > 0) {
			mr_buf_filled(&c->in, (size_t)n);
			r = take_message(c, arena, out);
		} else if (n == 0) {
			r = -ECONNRESET;
		} else if (errno == EAGAIN) {
			r = wait_for(c->fd, POLLIN, deadline);
		} else if (errno != EINTR) {
			r = -errno;
		}
	}
	return r < 0 ? r : 0;
}

static int exchange(struct mr_client *c, struct mr_slice question, uint64_t id, struct mr_arena *arena, struct mr_wire *out,
		    int64_t deadline)
{
	uint64_t answered;
	int r = c->fd >= 0 ? 0 : connect_until(c, deadline);

	if (r == 0)
		r = send_until(c->fd, question, deadline);
	if (r == 0)
		r = receive_until(c, arena, out, deadline);
	if (r == 0 && (mr_wire_u64(out, "id", UINT64_MAX, &answered) < 0 || answered != id))
		r = -EPROTO;
	if (r < 0)
		disconnect(c); /* a late answer must not meet the next question */
	return r;
}

static bool gone(int r)
{
	return r == -ECONNRESET || r == -EPIPE;
}

/* Sends what was built in w and reads its answer. */
static int ask(struct mr_client *c, struct mr_wire_out *w, struct mr_arena *arena, struct mr_wire *out)
{
	int64_t deadline = now_ms() + c->timeout_ms;
	struct mr_buf question = MR_BUF(MR_WIRE_MAX + 32);
	bool kept = c->fd >= 0;
	int r = mr_wire_end(w, &question);

	if (r == 0)
		r = exchange(c, mr_buf_slice(&question), c->last_id, arena, out, deadline);
	if (kept && gone(r)) /* lookup was started again since */
		r = exchange(c, mr_buf_slice(&question), c->last_id, arena, out, deadline);
	mr_buf_done(&question);
	return r;
}

int mr_client_passdb(struct mr_client *c, const char *address, struct mr_arena *arena, struct mr_dir_passdb *out)
{
	struct mr_wire_out w;
	struct mr_wire answer;

	mr_wire_begin(&w, "cmd", "passdb", ++c->last_id);
	mr_wire_puts(&w, "address", address);
	int r = ask(c, &w, arena, &answer);
	return r < 0 ? r : mr_dir_passdb_decode(&answer, arena, out);
}

int mr_client_userdb(struct mr_client *c, const char *address, const char *service, struct mr_arena *arena, enum mr_dir_status *status,
		     struct mr_dir_account *out)
{
	struct mr_wire_out w;
	struct mr_wire answer;

	mr_wire_begin(&w, "cmd", "userdb", ++c->last_id);
	mr_wire_puts(&w, "address", address);
	mr_wire_puts(&w, "service", service);
	int r = ask(c, &w, arena, &answer);
	return r < 0 ? r : mr_dir_account_decode(&answer, arena, status, out);
}

int mr_client_iterate(struct mr_client *c, const char *after, unsigned limit, struct mr_arena *arena, enum mr_dir_status *status,
		      struct mr_wire *page)
{
	struct mr_wire_out w;

	mr_wire_begin(&w, "cmd", "iterate", ++c->last_id);
	mr_wire_puts(&w, "after", after);
	mr_wire_putu(&w, "limit", limit);
	int r = ask(c, &w, arena, page);
	return r < 0 ? r : mr_dir_status_decode(page, status);
}
