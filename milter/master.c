/* master: forks scanners, see worker.h. Ignores the signals that a supervisor sends to all processes of a unit: the daemon drains, and
 * closing its end of the socket is what ends the master. */

/* system */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "mail/view.h"
#include "rt/log.h"
#include "rules-cache.h"
#include "rules-load.h"
#include "worker.h"

#define BUILDER_NICE 19

struct master {
	struct mr_worker_limits limits;
	mr_worker *worker;
	struct mr_arena *arena; /* the setup's */
	struct mr_scan_setup setup;
	pid_t builder; /* of databases for the rules, or 0 */
};

static void on_child(int sig)
{
	(void)sig; /* only wakes ppoll() */
}

static int send_reply(int32_t pid, int sock, int pidfd)
{
	struct mr_master_reply reply = { .pid = pid };
	struct iovec iov = { .iov_base = &reply, .iov_len = sizeof(reply) };
	int fds[2] = { sock, pidfd };
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (pid > 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		control.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fds)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.h), fds, sizeof(fds));
	}
	return sendmsg(MR_MASTER_FD, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static _Noreturn void become_scanner(const struct master *m, int sock, pid_t master)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	/* Nothing but standard error and its own socket: an inherited end would keep another's from ending. */
	if (dup2(sock, MR_MASTER_FD) < 0 || close_range(MR_MASTER_FD + 1, ~0u, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    getppid() != master)
		_exit(1);
	_exit(m->worker(MR_MASTER_FD, &m->limits, &m->setup));
}

static int fork_scanner(const struct master *m)
{
	int pair[2], pidfd, r;
	pid_t self = getpid(), pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return send_reply(-errno, -1, -1);
	pid = fork();
	if (pid == 0)
		become_scanner(m, pair[1], self);
	r = pid < 0 ? -errno : 0;
	pidfd = pid < 0 ? -1 : pidfd_open(pid, 0);
	if (pid > 0 && pidfd < 0) {
		r = -errno;
		kill(pid, SIGKILL);
	}
	r = r < 0 ? send_reply(r, -1, -1) : send_reply(pid, pair[0], pidfd);
	close(pair[0]);
	close(pair[1]);
	if (pidfd >= 0)
		close(pidfd);
	return r;
}

/* The builder has ended. What it left is taken by the scanners to come. */
static int built(struct master *m, int status)
{
	m->builder = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) || !mr_rules_cache_load(m->setup.rules, m->setup.rule_cache.p)) {
		mr_log(MR_LOG_WARNING, "spam-rules-slow", mr_s("why", "no databases could be built"));
		return 0;
	}
	mr_log(MR_LOG_NOTICE, "spam-rules-built");
	return send_reply(0, -1, -1);
}

static void start_builder(struct master *m)
{
	struct mr_diag diag = { 0 };
	pid_t self = getpid();

	m->builder = fork();
	if (m->builder != 0)
		return;
	/* Ends with its master; scans come first. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self || close(MR_MASTER_FD) < 0 || (nice(BUILDER_NICE) < 0 && errno))
		_exit(1);
	if (mr_rules_cache_build(m->setup.rules, m->setup.rule_cache.p, &diag) < 0) {
		mr_log(MR_LOG_ERROR, "spam-rules-not-built", mr_s("why", diag.text));
		_exit(1);
	}
	_exit(0);
}

/* What of the site's own rules never runs; `mailreeve rules check` lists it. */
static void tell_idle(const struct mr_rules *r)
{
	const struct mr_rules_problem *first = NULL;
	size_t idle = r ? mr_rules_problems(r, MR_RULES_IDLE, 1, &first) : 0;
	size_t vain = r ? mr_rules_problems(r, MR_RULES_VAIN, first ? 0 : 1, &first) : 0;

	if (first)
		mr_log(MR_LOG_NOTICE, "spam-rules-idle", mr_u("rules", idle), mr_u("count-on-such", vain), mr_s("file", first->file),
		       mr_u("line", first->line), mr_s("rule", first->rule), mr_s("why", first->text));
}

/* The daemon has looked at the rules when it took its configuration; what went wrong since then costs the rules, not the mail. */
static void load_rules(struct master *m)
{
	struct mr_diag diag = { 0 };

	if (!m->setup.n_rule_files)
		return;
	if (mr_rules_load(m->setup.rule_files, m->setup.n_rule_files, &m->setup.rules, &diag) < 0 ||
	    mr_rules_error(m->setup.rules, &diag) < 0)
		mr_log(MR_LOG_ERROR, "spam-rules-wrong", mr_s("why", diag.text));
	tell_idle(m->setup.rules);
	if (m->setup.rules && m->setup.rule_cache.n && !mr_rules_cache_load(m->setup.rules, m->setup.rule_cache.p))
		start_builder(m);
}

/* 0, or -errno when the daemon is gone. */
static int reap(struct master *m)
{
	int status, r = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == m->builder)
			r = built(m, status);
		else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			mr_log(MR_LOG_ERROR, "scanner-crashed", mr_i("pid", pid), mr_s("signal", strsignal(WTERMSIG(status))));
		else if (WIFEXITED(status) && WEXITSTATUS(status))
			mr_log(MR_LOG_ERROR, "scanner-failed", mr_i("pid", pid), mr_i("status", WEXITSTATUS(status)));
	return r;
}

/* The bytes of the setup, in the arena. */
static int map_setup(int fd, struct mr_slice *out)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return -errno;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*out = (struct mr_slice){ p, (size_t)st.st_size };
	return 0;
}

/* The first message of the daemon. */
static int take_setup(struct master *m)
{
	char cmd;
	int fd = -1, r;
	struct iovec iov = { .iov_base = &cmd, .iov_len = 1 };
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(fd))];
	} control;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(MR_MASTER_FD, &h, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&h) : NULL;
	struct mr_slice bytes;
	struct mr_wire w;
	size_t used;

	if (!c || cmd != MR_MASTER_SETUP || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	r = map_setup(fd, &bytes);
	close(fd);
	if (r == 0 && (mr_wire_next(bytes, m->arena, &w, &used) != 1 || mr_scan_setup_decode(&w, m->arena, &m->setup) < 0))
		r = -EPROTO;
	if (r == 0)
		munmap((void *)bytes.p, bytes.n);
	return r;
}

/* Until the daemon's end is closed. */
static int serve(struct master *m)
{
	struct pollfd p = { .fd = MR_MASTER_FD, .events = POLLIN };
	sigset_t none;
	ssize_t n = 1;
	char cmd;

	sigemptyset(&none);
	while (n > 0) {
		int ready = ppoll(&p, 1, NULL, &none);
		bool woken = ready < 0 && errno == EINTR;

		if (reap(m) < 0)
			return 1;
		if (woken)
			continue;
		if (ready < 0)
			return 1;
		n = recv(MR_MASTER_FD, &cmd, 1, 0);
		if (n == 1 && cmd == MR_MASTER_FORK && fork_scanner(m) < 0)
			return 1;
	}
	return n < 0;
}

static void set_signals(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
	struct sigaction child = { .sa_handler = on_child };
	sigset_t mask;

	for (size_t i = 0; i < MR_COUNT(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_SETMASK, &mask, NULL); /* comes in ppoll() only */
	sigaction(SIGCHLD, &child, NULL);
}

int mr_master_main(int argc, char **argv, mr_worker *worker)
{
	struct master m = { .worker = worker, .arena = mr_arena_new(0) };
	uint64_t target, level;
	int r;

	if (argc != 6 || mr_parse_u64(mr_slice_of(argv[2]), 0, UINT64_MAX, &m.limits.memory) < 0 ||
	    mr_parse_u64(mr_slice_of(argv[3]), 1, 86400, &m.limits.cpu_seconds) < 0 ||
	    mr_parse_u64(mr_slice_of(argv[4]), 0, 1, &target) < 0 || mr_parse_u64(mr_slice_of(argv[5]), 0, MR_LOG_DEBUG, &level) < 0) {
		fputs("mailreeve-milter: the scanner master is started by mailreeve-milter itself\n", stderr);
		return 2;
	}
	mr_log_open("milter", (int)target, (enum mr_log_level)level);
	set_signals();
	r = take_setup(&m);
	if (r < 0) {
		mr_log(MR_LOG_ERROR, "scanner-setup-failed", mr_err("why", r));
		return 1;
	}
	mr_view_init();
	load_rules(&m);
	return serve(&m);
}
