/* worker: one scanner process, see worker.h. Blocking: it has one peer and nothing else to do. Whatever goes wrong ends it; the daemon
 * replaces it and looks after the message. */

/* system */
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "scanwire.h"
#include "spool.h"
#include "worker.h"

#define READ_CHUNK 65536
#define HEAP_KEEP  (64u << 20) /* bytes: a message that took more of the heap leaves it in pieces */

struct peer {
	int fd;
	struct mr_buf in;
	size_t used;            /* bytes of `in` that the last message took */
	const char *heap;       /* where it ended before the first message */
	int memfd;              /* that came along, or -1 */
	char chunk[READ_CHUNK]; /* read into: of a buffer all room would be cleared for each read */
};

/* More bytes, and the memfd if one comes. 1, 0 at the end, -errno. */
static int receive(struct peer *p)
{
	struct iovec iov = { .iov_base = p->chunk, .iov_len = sizeof(p->chunk) };
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(p->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && p->memfd < 0)
		memcpy(&p->memfd, CMSG_DATA(c), sizeof(int));
	return mr_buf_add(&p->in, (struct mr_slice){ p->chunk, (size_t)n }) < 0 ? -ENOBUFS : 1;
}

/* The next message from the loop. 1, 0 at the end, -errno. It lives until the next call. */
static int next(struct peer *p, struct mr_arena *arena, struct mr_wire *w)
{
	int r;

	mr_buf_consume(&p->in, p->used);
	p->used = 0;
	while ((r = mr_wire_next(mr_buf_slice(&p->in), arena, w, &p->used)) == 0) {
		r = receive(p);
		if (r <= 0)
			break;
	}
	return r;
}

static int send_all(struct peer *p, struct mr_slice bytes)
{
	while (bytes.n) {
		ssize_t n = send(p->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			bytes = mr_slice_from(bytes, (size_t)n);
	}
	return 0;
}

static int send_ready(struct peer *p)
{
	struct mr_buf out = MR_BUF(256);
	int err = mr_scanwire_ready(&out);

	if (err == 0)
		err = send_all(p, mr_buf_slice(&out));
	mr_buf_done(&out);
	return err;
}

/* What libraries have allocated for one huge message is free afterwards, but not given back. */
static bool is_spent(const struct peer *p)
{
	return (const char *)sbrk(0) - p->heap > (ptrdiff_t)HEAP_KEEP;
}

static int send_report(struct peer *p, uint64_t id, const struct mr_scan_result *r, const struct mr_dns_view *view)
{
	struct mr_buf out = MR_BUF(2 * MR_WIRE_MAX);
	int err = mr_scanwire_report(&out, id, r, view, !view && is_spent(p));

	if (err == 0)
		err = send_all(p, mr_buf_slice(&out));
	mr_buf_done(&out);
	return err;
}

/* Until the view has no open question. 1, 0 at the end, -errno. */
static int take_answers(struct peer *p, struct mr_arena *arena, struct mr_dns_view *view)
{
	struct mr_dns_answer a;
	struct mr_wire w;
	enum mr_dns_type type;
	const char *name;
	int r = 1;

	while (r > 0 && mr_dns_view_question(view, 0, &name, &type)) {
		r = next(p, arena, &w);
		if (r > 0 && mr_scanwire_answer_decode(&w, arena, &a) < 0)
			r = -EPROTO;
		if (r > 0)
			mr_dns_view_add(view, &a);
	}
	return r;
}

static int scan(struct peer *p, uint64_t id, const struct mr_scan_setup *setup, const struct mr_scan_input *in, struct mr_arena *arena)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_scan *s;
	int r = 1;

	s = mr_scan_new(setup, in, view, arena);
	while (r > 0 && mr_scan_run(s) == -EAGAIN) {
		r = send_report(p, id, &s->result, view);
		r = r < 0 ? r : take_answers(p, arena, view);
	}
	if (r > 0)
		r = send_report(p, id, &s->result, NULL) < 0 ? -EPIPE : 1;
	mr_scan_done(s);
	mr_dns_view_free(view);
	return r;
}

/* Mail that follows its request, into the arena. 1, 0 at the end, -errno. */
static int take_bytes(struct peer *p, struct mr_arena *arena, struct mr_slice *mail)
{
	int r = 1;

	while (r > 0 && p->in.n - p->used < mail->n)
		r = receive(p);
	if (r > 0) {
		mail->p = mr_arena_slice(arena, (struct mr_slice){ p->in.p + p->used, mail->n });
		p->used += mail->n;
	}
	return r;
}

/* Mail that came as a memfd. *map is the caller's to unmap. 1 or -errno. */
static int map_mail(struct peer *p, struct mr_slice *map)
{
	struct stat st;
	void *at;

	if (p->memfd < 0 || fstat(p->memfd, &st) < 0 || st.st_size < (off_t)MR_SPOOL_LEAD_N)
		return -EPROTO;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, p->memfd, 0);
	close(p->memfd);
	p->memfd = -1;
	if (at == MAP_FAILED)
		return -errno;
	*map = (struct mr_slice){ at, (size_t)st.st_size };
	return 1;
}

/* One message of mail, from its request to its report. 1, 0 at the end, -errno. */
static int serve(struct peer *p, const struct mr_worker_limits *limits, const struct mr_scan_setup *setup)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice map = { 0 };
	struct mr_scan_input in;
	struct mr_wire w;
	bool follows;
	uint64_t id;
	int r = next(p, arena, &w);

	if (r <= 0)
		return r;
	if (mr_wire_u64(&w, "id", UINT64_MAX, &id) < 0 || mr_scanwire_request_decode(&w, arena, &in, &follows) < 0)
		return -EPROTO;
	r = follows ? take_bytes(p, arena, &in.message) : map_mail(p, &map);
	if (r <= 0)
		return r;
	if (!follows)
		in.message = mr_slice_from(map, MR_SPOOL_LEAD_N);
	mr_sandbox_budget(limits);
	r = scan(p, id, setup, &in, arena);
	if (map.p)
		munmap((void *)map.p, map.n);
	return r;
}

/* Everything that libraries load when first used must be there before files are out of reach. */
static void warm_up(const struct mr_scan_setup *setup)
{
	static const char mail[] =
	    "From: a@example.org\r\n"
	    "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
	    "\tb=AAAA\r\n\r\n";
	/* The public key of RFC 6376 appendix C: only there to run a verification through. */
	static const char key[] =
	    "v=DKIM1; k=rsa; "
	    "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijS"
	    "sq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_dns_rr rr = { .data = MR_LIT(key) };
	char name[] = "s._domainkey.example.org";
	struct mr_dns_answer a = { .name = name, .type = MR_DNS_TXT, .status = MR_DNS_OK, .rrs = &rr, .n_rrs = 1 };
	struct mr_scan_input in = { .message = MR_LIT(mail), .sender = MR_LIT("a@example.org") };
	struct mr_scan *s;

	mr_dns_view_add(view, &a);
	s = mr_scan_new(setup, &in, view, arena);
	mr_scan_run(s);
	mr_scan_done(s);
	mr_dns_view_free(view);
}

int mr_worker_run(int fd, const struct mr_worker_limits *limits, const struct mr_scan_setup *setup)
{
	static struct peer p;
	int r;

	p = (struct peer){ .fd = fd, .in = MR_BUF(2 * MR_WIRE_MAX), .memfd = -1 };
	warm_up(setup);
	p.heap = sbrk(0);
	r = mr_sandbox_enter(limits);
	if (r == 0)
		r = send_ready(&p);
	while (r >= 0) {
		r = serve(&p, limits, setup);
		if (r == 0)
			break;
	}
	mr_buf_done(&p.in);
	return r < 0;
}
