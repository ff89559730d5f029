/* test-sandbox: what a scanner can no longer do once it has shut itself in, tried from inside, and that it can still scan. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "../unit/unit.h"
#include "scanwire.h"
#include "spool.h"
#include "worker.h"

#define MEMORY (256u << 20)

static const struct mr_scan_setup setup = { .hostname = MR_LIT("mx.test"), .fuzzy = true };
static const struct mr_worker_limits limits = { .memory = MEMORY, .cpu_seconds = 5 };

/* Each attempt says whether it came through. */
static bool opens(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0 || syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0) >= 0;
}

static bool creates(void)
{
	return open("/tmp/mr-sandbox-was-open", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool looks(void)
{
	struct stat st;

	return stat("/etc/passwd", &st) == 0 || access("/etc/passwd", R_OK) == 0;
}

static bool connects(void)
{
	int pair[2];

	return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ||
	       socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
}

static bool forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool executes(void)
{
	char *const argv[] = { "true", NULL };

	execve("/bin/true", argv, NULL); /* comes back if it is forbidden; "true" would exit with 0, which no list of bits is */
	return false;
}

static bool kills(void)
{
	return kill(getppid(), 0) == 0 || syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 ||
	       ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool makes_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ||
	       mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool limits_another(void)
{
	struct rlimit l;

	return prlimit(getppid(), RLIMIT_NOFILE, NULL, &l) == 0;
}

static const struct {
	const char *name;
	bool (*attempt)(void);
} attempts[] = {
	{ "opens a file", opens },
	{ "creates a file", creates },
	{ "looks at a file", looks },
	{ "opens a socket", connects },
	{ "forks", forks },
	{ "executes a program", executes },
	{ "kills or traces", kills },
	{ "makes memory code", makes_code },
	{ "limits another process", limits_another },
};

/* The number of the attempt that is to be made comes with the fork; 42: it failed, as it must. */
static int in_sandbox(bool (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(mr_sandbox_enter(&limits) < 0 ? 2 : attempt() ? 1 : 42);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void cannot(void **state)
{
	(void)state;
	for (size_t i = 0; i < MR_COUNT(attempts); i++) {
		print_message("%s\n", attempts[i].name);
		assert_true(strcmp(attempts[i].name, "executes a program") == 0 || attempts[i].attempt()); /* outside it can */
		assert_int_equal(in_sandbox(attempts[i].attempt), 42);
	}
	unlink("/tmp/mr-sandbox-was-open");
}

#if !defined(__SANITIZE_ADDRESS__)
static bool takes_memory(void)
{
	return mmap(NULL, 2 * (size_t)MEMORY, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static void memory_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(takes_memory), 42);
}
#endif

static void processor_time_is_bounded(void **state)
{
	struct mr_worker_limits short_limits = { .memory = MEMORY, .cpu_seconds = 0 };
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		mr_sandbox_enter(&short_limits);
		mr_sandbox_budget(&short_limits);
		for (;;)
			getpid();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
}

/* Asks the scanner at `sock` about the mail, which goes along as a memfd or follows the request. */
static void ask(int sock, const struct mr_scan_input *in, bool follows)
{
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	int memfd = memfd_create("mail", MFD_CLOEXEC);
	struct mr_buf out = MR_BUF(MR_WIRE_MAX);
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	assert_int_equal(write(memfd, MR_SPOOL_LEAD, MR_SPOOL_LEAD_N), MR_SPOOL_LEAD_N);
	assert_int_equal(write(memfd, in->message.p, in->message.n), in->message.n);
	mr_scanwire_request(&out, 7, in, follows);
	if (!follows) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		memcpy(CMSG_DATA(&control.h), &memfd, sizeof(int));
	}
	iov = (struct iovec){ out.p, out.n };
	assert_int_equal(sendmsg(sock, &m, 0), out.n);
	for (size_t i = 0; follows && i < in->message.n; i++) /* whatever pieces it comes in */
		assert_int_equal(write(sock, in->message.p + i, 1), 1);
	close(memfd);
	mr_buf_done(&out);
}

/* A real scanner in its sandbox answers with real checks. */
static void scans(bool follows)
{
	static const char mail[] =
	    "From: a@x.test\r\nDKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=s; h=from; bh=AAAA; b=AAAA\r\n\r\nHello.\r\n";
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_input in = { .message = MR_LIT(mail), .helo = MR_LIT("h"), .sender = MR_LIT("a@x.test"), .now = 1700000000 };
	struct mr_scan_report *r = mr_arena_alloc(arena, sizeof(*r));
	struct mr_buf got = MR_BUF(MR_WIRE_MAX);
	int pair[2], status;
	struct mr_wire w;
	size_t used;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pair[0]);
		_exit(mr_worker_run(pair[1], &limits, &setup));
	}
	close(pair[1]);
	assert_int_equal(mr_parse_ip(MR_LIT("192.0.2.1"), &in.client), 0);
	ask(pair[0], &in, follows);
	do {
		ssize_t n = read(pair[0], mr_buf_reserve(&got, 4096), 4096);

		assert_true(n > 0);
		mr_buf_filled(&got, (size_t)n);
		if (mr_wire_next(mr_buf_slice(&got), arena, &w, &used) == 1 && mr_scanwire_is_ready(&w))
			mr_buf_consume(&got, used);
	} while (mr_wire_next(mr_buf_slice(&got), arena, &w, &used) != 1);
	assert_int_equal(mr_scanwire_report_decode(&w, 7, arena, r), 0);
	assert_false(r->final);
	assert_true(r->n_questions >= 1);
	assert_string_equal(r->questions[0].name, "x.test");
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	mr_buf_done(&got);
}

static void still_scans(void **state)
{
	(void)state;
	scans(false);
	scans(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cannot),
#if !defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test(memory_is_bounded),
#endif
		cmocka_unit_test(processor_time_is_bounded),
		cmocka_unit_test(still_scans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
