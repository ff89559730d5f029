/* pool-master: starting masters and taking the scanners they fork, see pool.h and worker.h. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "pool-private.h"
#include "rt/log.h"

#define RESTART_MS 1000

static void start_master(struct mr_pool *p);

static void master_free(struct mr_master *m)
{
	struct mr_pool *p = m->pool;

	if (p->current == m)
		p->current = NULL;
	DL_DELETE(p->masters, m);
	mr_io_cancel(&m->io);
	close(m->fd);
	/* It ends by itself, now that its socket is closed; a stuck one is not waited for. */
	kill(m->pid, SIGKILL);
	waitpid(m->pid, NULL, 0);
	free(m);
}

void mr_scanner_free(struct mr_scanner *s)
{
	struct mr_master *m = s->master;

	DL_DELETE(m->scanners, s);
	m->n_scanners--;
	m->unready -= !s->ready;
	mr_io_cancel(&s->io);
	mr_later_cancel(m->pool->loop, &s->sending);
	pidfd_send_signal(s->pidfd, SIGKILL, NULL, 0); /* idle, lost or stuck: there is nothing in it to keep */
	close(s->fd);
	close(s->pidfd);
	mr_buf_done(&s->in);
	mr_buf_done(&s->out);
	free(s);
	if (m->old && !m->scanners)
		master_free(m);
}

static void add_scanner(struct mr_master *m, pid_t pid, int fd, int pidfd)
{
	struct mr_scanner *s = mr_new(struct mr_scanner, 1);

	*s = (struct mr_scanner){
		.master = m, .pid = pid, .fd = fd, .pidfd = pidfd, .in = MR_BUF(SCANNER_IN_MAX), .out = MR_BUF(SCANNER_OUT_MAX)
	};
	s->sending = (struct mr_later){ .fn = mr_scanner_flush, .arg = s };
	s->io = mr_io_start(m->pool->loop, fd, MR_READ, mr_scanner_event, s);
	DL_APPEND(m->scanners, s);
	m->n_scanners++;
	m->unready++;
	mr_log(MR_LOG_DEBUG, "scanner-started", mr_i("pid", pid));
	if (m->old)
		mr_scanner_free(s);
}

/* The idle ones go now, the others after their message. */
static void outdate_scanners(struct mr_master *m)
{
	struct mr_scanner *s, *next;

	DL_FOREACH_SAFE (m->scanners, s, next) {
		s->messages = m->pool->config.messages_max;
		if (!s->task && !m->old)
			mr_scanner_free(s);
	}
}

/* 1 a reply was taken, 0 none there, -errno the master is gone. */
static int take_reply(struct mr_master *m)
{
	struct mr_master_reply reply;
	struct iovec iov = { .iov_base = &reply, .iov_len = sizeof(reply) };
	int fds[2] = { -1, -1 };
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(m->fd, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n != sizeof(reply))
		return -EPIPE;
	c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(fds)))
		memcpy(fds, CMSG_DATA(c), sizeof(fds));
	if (reply.pid == 0) {
		outdate_scanners(m);
		return 1;
	}
	if (m->asked)
		m->asked--;
	if (reply.pid <= 0 || fds[0] < 0) {
		mr_log(MR_LOG_ERROR, "scanner-not-started", mr_err("why", reply.pid));
		return -EAGAIN;
	}
	add_scanner(m, reply.pid, fds[0], fds[1]);
	return 1;
}

static void restart(void *arg)
{
	struct mr_pool *p = arg;

	p->restart = NULL;
	if (!p->current)
		start_master(p);
	mr_pool_dispatch(p);
}

void mr_pool_pause(struct mr_pool *p)
{
	if (!p->restart)
		p->restart = mr_timer_start(p->loop, RESTART_MS, restart, p);
}

bool mr_master_gone(const struct mr_master *m)
{
	struct pollfd p = { .fd = m->fd };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* Its scanners die with it, each by the end of its own socket. */
static void master_lost(struct mr_master *m)
{
	struct mr_pool *p = m->pool;
	struct mr_scanner *s, *next;

	mr_log(MR_LOG_ERROR, "scanner-master-lost", mr_i("pid", m->pid));
	if (p->current == m)
		p->current = NULL;
	DL_FOREACH_SAFE (m->scanners, s, next)
		if (!s->task)
			mr_scanner_free(s);
	m->old = true;
	if (m->scanners)
		mr_io_cancel(&m->io);
	else
		master_free(m);
	mr_pool_pause(p);
}

static void master_event(int fd, int what, void *arg)
{
	struct mr_master *m = arg;
	struct mr_pool *p = m->pool;
	bool old = m->old;
	int r;

	(void)fd;
	(void)what;
	r = take_reply(m);
	if (r == -EAGAIN)
		mr_pool_pause(p); /* asked again then: without memory at once would be for ever */
	else if (r < 0)
		master_lost(m);
	else if (!old)
		mr_pool_dispatch(p);
}

void mr_pool_ask(struct mr_pool *p, size_t wanted)
{
	struct mr_master *m = p->current;

	while (m && !p->restart && m->asked + m->unready < wanted && m->n_scanners + m->asked < p->config.scanners_max) {
		if (send(m->fd, (char[]){ MR_MASTER_FORK }, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
			return; /* a lost master shows when it is read from */
		m->asked++;
	}
}

static int spawn(const struct mr_pool_config *c, int control, pid_t *pid)
{
	char memory[24], cpu[24], target[12], level[12];
	char *const argv[] = { "mailreeve-milter", MR_MASTER_ARG, memory, cpu, target, level, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	snprintf(memory, sizeof(memory), "%" PRIu64, c->limits.memory);
	snprintf(cpu, sizeof(cpu), "%" PRIu64, c->limits.cpu_seconds);
	snprintf(target, sizeof(target), "%d", c->log_target);
	snprintf(level, sizeof(level), "%d", c->log_level);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&files, control, MR_MASTER_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, MR_MASTER_FD + 1);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn(pid, c->program, &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -r;
}

/* A memfd with the setup, which nobody can change any more. */
static int setup_memfd(struct mr_slice bytes)
{
	int fd = memfd_create("setup", MFD_CLOEXEC | MFD_ALLOW_SEALING), r = fd < 0 ? -errno : 0;

	while (r == 0 && bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		r = n < 0 ? -errno : 0;
		if (n > 0)
			bytes = mr_slice_from(bytes, (size_t)n);
	}
	if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		r = -errno;
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* Waits in the socket until the master reads it: the first message is never too much. */
static int send_setup(struct mr_slice bytes, int control)
{
	int fd = setup_memfd(bytes), r;
	char cmd = MR_MASTER_SETUP;
	struct iovec iov = { .iov_base = &cmd, .iov_len = 1 };
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(fd))];
	} rights = { .h = { .cmsg_len = CMSG_LEN(sizeof(fd)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof(rights.bytes) };

	if (fd < 0)
		return fd;
	memcpy(CMSG_DATA(&rights.h), &fd, sizeof(fd));
	r = sendmsg(control, &h, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static void start_master(struct mr_pool *p)
{
	struct mr_master *m;
	int pair[2] = { -1, -1 };
	pid_t pid;
	int r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ? -errno : send_setup(mr_buf_slice(&p->setup), pair[0]);

	if (r == 0)
		r = spawn(&p->config, pair[1], &pid);
	if (pair[1] >= 0)
		close(pair[1]);
	if (r < 0) {
		mr_log(MR_LOG_ERROR, "scanner-master-not-started", mr_err("why", r));
		if (pair[0] >= 0)
			close(pair[0]);
		mr_pool_pause(p);
		return;
	}
	m = mr_new(struct mr_master, 1);
	*m = (struct mr_master){ .pool = p, .pid = pid, .fd = pair[0] };
	m->io = mr_io_start(p->loop, m->fd, MR_READ, master_event, m);
	DL_APPEND(p->masters, m);
	p->current = m;
	mr_pool_ask(p, 1);
}

static void configure(struct mr_pool *p, const struct mr_pool_config *c)
{
	p->config = *c;
	p->config.setup = (struct mr_scan_setup){ 0 };
	mr_buf_done(&p->setup);
	p->setup = MR_BUF(MR_WIRE_MAX + 32);
	mr_scan_setup_encode(&p->setup, &c->setup); /* mr_milter_validate() has seen that it fits */
}

struct mr_pool *mr_pool_new(struct mr_loop *l, const struct mr_pool_config *c)
{
	struct mr_pool *p = mr_new(struct mr_pool, 1);

	*p = (struct mr_pool){ .loop = l };
	configure(p, c);
	start_master(p);
	return p;
}

static void retire(struct mr_master *m)
{
	struct mr_scanner *s, *next;

	m->old = true;
	if (!m->scanners) {
		master_free(m);
		return;
	}
	DL_FOREACH_SAFE (m->scanners, s, next) {
		bool last = m->n_scanners == 1;

		if (!s->task)
			mr_scanner_free(s);
		if (last)
			return; /* m may be gone */
	}
}

void mr_pool_reload(struct mr_pool *p, const struct mr_pool_config *c)
{
	struct mr_master *old = p->current;

	configure(p, c);
	p->current = NULL;
	if (old)
		retire(old);
	start_master(p);
	mr_pool_dispatch(p);
}

size_t mr_pool_scanners(const struct mr_pool *p)
{
	const struct mr_master *m;
	size_t n = 0;

	DL_FOREACH (p->masters, m)
		n += m->n_scanners;
	return n;
}

void mr_pool_free(struct mr_pool *p)
{
	if (!p)
		return;
	mr_timer_cancel(&p->restart);
	while (p->masters) {
		struct mr_master *m = p->masters;

		m->old = true;
		while (m->n_scanners > 1)
			mr_scanner_free(m->scanners);
		if (m->scanners)
			mr_scanner_free(m->scanners); /* takes the master with it */
		else
			master_free(m);
	}
	mr_buf_done(&p->setup);
	free(p);
}
