/* clamd-call: see clamd-call.h. Without IDSESSION clamd answers one command and closes. */

/* system */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include "rt/clamd-call.h"
#include "rt/sock.h"

#define CHUNK    (256u << 10) /* bytes of one piece of a stream */
#define TURN_MAX (1u << 20)   /* bytes sent in one turn of the loop */

struct clamd_call {
	int fd;
	struct mr_io *io;
	enum clamd_command command;
	const struct mr_clamd_message *m;
	bool reached;
	/* what is to be sent: of the piece at hand, then further ones */
	char head[16];
	size_t head_n, head_sent;
	struct mr_slice piece, lead, bytes;
	bool ended;
	struct mr_buf in;
	clamd_call_done *done;
	void *arg;
};

int clamd_place(const char *server, bool *is_unix, const char **address)
{
	struct mr_slice s = mr_slice_of(server), host;
	struct mr_ip ip;
	uint16_t port;

	if (mr_slice_starts(s, MR_LIT("unix:/"))) {
		*is_unix = true;
		*address = server + strlen("unix:");
		return 0;
	}
	if (!mr_slice_starts(s, MR_LIT("tcp:")) || mr_parse_hostport(mr_slice_from(s, 4), &host, &port) < 0 || mr_parse_ip(host, &ip) < 0)
		return -EINVAL;
	*is_unix = false;
	*address = server + strlen("tcp:");
	return 0;
}

static int connect_to(const char *server)
{
	const char *address;
	bool is_unix;

	if (clamd_place(server, &is_unix, &address) < 0)
		return -EINVAL;
	return is_unix ? mr_connect_unix(address) : mr_connect_ip(address);
}

static void put_command(struct clamd_call *c)
{
	static const struct mr_slice words[] = {
		[CLAMD_VERSION] = { "zVERSION", sizeof("zVERSION") },
		/* The descriptor comes with a byte of its own. */
		[CLAMD_FILDES] = { "zFILDES\0", sizeof("zFILDES\0") },
		[CLAMD_INSTREAM] = { "zINSTREAM", sizeof("zINSTREAM") },
	};

	memcpy(c->head, words[c->command].p, words[c->command].n);
	c->head_n = words[c->command].n;
	c->ended = c->command != CLAMD_INSTREAM;
}

/* The next piece of a stream: its length as four bytes, and its bytes; none is the end. */
static void put_piece(struct clamd_call *c)
{
	struct mr_slice *from = c->lead.n ? &c->lead : &c->bytes;
	uint32_t n = (uint32_t)(from->n < CHUNK ? from->n : CHUNK), length = htonl(n);

	memcpy(c->head, &length, sizeof(length));
	c->head_n = sizeof(length);
	c->head_sent = 0;
	c->piece = (struct mr_slice){ from->p, n };
	*from = mr_slice_from(*from, n);
	c->ended = n == 0;
}

/* The first bytes of all, with the descriptor where one is handed over. */
static ssize_t send_head(struct clamd_call *c)
{
	struct iovec iov = { .iov_base = c->head + c->head_sent, .iov_len = c->head_n - c->head_sent };
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (c->command == CLAMD_FILDES) {
		memcpy(CMSG_DATA(&control.h), &c->m->fd, sizeof(int));
		h.msg_control = control.bytes;
		h.msg_controllen = sizeof(control.bytes);
	}
	return sendmsg(c->fd, &h, MSG_NOSIGNAL);
}

/* 1 all is sent, 0 not yet, -errno. */
static int send_some(struct clamd_call *c)
{
	size_t sent = 0;

	while (sent < TURN_MAX) {
		bool head = c->head_sent < c->head_n;
		ssize_t n;

		if (!head && c->piece.n == 0) {
			if (c->ended)
				return 1;
			put_piece(c);
			continue;
		}
		n = head ? send_head(c) : send(c->fd, c->piece.p, c->piece.n, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR || errno == EINPROGRESS ? 0 : -errno;
		c->reached = true;
		if (head)
			c->head_sent += (size_t)n;
		else
			c->piece = mr_slice_from(c->piece, (size_t)n);
		sent += (size_t)n;
	}
	return 0;
}

/* 1 there is a line, 0 not yet, -errno. */
static int read_some(struct clamd_call *c)
{
	char *at = mr_buf_reserve(&c->in, 512);
	ssize_t n;

	if (!at)
		return -EMSGSIZE;
	n = recv(c->fd, at, 512, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	mr_buf_filled(&c->in, (size_t)n);
	return mr_slice_chr(mr_buf_slice(&c->in), '\0') >= 0;
}

/* What clamd has to say of a stream it will not read to its end stands there though it is sent no more. */
static void on_io(int fd, int what, void *arg)
{
	struct clamd_call *c = arg;
	struct mr_slice line = { 0 };
	int sent = what & MR_WRITE ? send_some(c) : 0, r = 0;

	(void)fd;
	if (sent > 0)
		mr_io_change(c->io, MR_READ);
	if (sent < 0 || what & MR_READ)
		r = read_some(c);
	if (sent < 0 && r == 0)
		r = sent;
	if (r == 0)
		return;
	mr_io_cancel(&c->io);
	if (r > 0)
		line = (struct mr_slice){ c->in.p, (size_t)mr_slice_chr(mr_buf_slice(&c->in), '\0') };
	c->done(r > 0 ? 0 : r, c->reached, line, c->arg);
}

int clamd_call_start(struct mr_loop *l, const char *server, enum clamd_command command, const struct mr_clamd_message *m,
		     clamd_call_done *done, void *arg, struct clamd_call **out)
{
	struct clamd_call *c;
	int fd = connect_to(server);

	if (fd < 0)
		return fd;
	c = mr_new(struct clamd_call, 1);
	*c = (struct clamd_call){ .fd = fd, .command = command, .m = m, .in = MR_BUF(MR_CLAMD_ANSWER_MAX + 513), .done = done, .arg = arg };
	if (m) {
		c->lead = m->lead;
		c->bytes = m->bytes;
	}
	put_command(c);
	c->io = mr_io_start(l, fd, MR_READ | MR_WRITE, on_io, c);
	*out = c;
	return 0;
}

void clamd_call_free(struct clamd_call *c)
{
	if (!c)
		return;
	mr_io_cancel(&c->io);
	close(c->fd);
	mr_buf_done(&c->in);
	free(c);
}

static bool await(int fd, short what, uint64_t ms)
{
	struct pollfd p = { .fd = fd, .events = what };

	return poll(&p, 1, (int)ms) == 1;
}

int mr_clamd_check(const char *server, uint64_t timeout_ms, char version[MR_CLAMD_TEXT_MAX + 1])
{
	char line[MR_CLAMD_ANSWER_MAX];
	struct mr_slice got;
	int fd = connect_to(server), rc = -ETIMEDOUT;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (await(fd, POLLOUT, timeout_ms)) {
		n = send(fd, "zVERSION", sizeof("zVERSION"), MSG_NOSIGNAL);
		rc = n < 0 ? -errno : rc;
		if (n > 0 && await(fd, POLLIN, timeout_ms)) {
			n = recv(fd, line, sizeof(line), 0);
			rc = n < 0 ? -errno : -EPROTO;
			got = (struct mr_slice){ line, n > 0 ? (size_t)n - 1 : 0 };
			if (mr_clamd_version_parse(got, &got) == 0)
				rc = snprintf(version, MR_CLAMD_TEXT_MAX + 1, "%.*s", (int)got.n, got.p) < 0 ? -EPROTO : 0;
		}
	}
	close(fd);
	return rc;
}
