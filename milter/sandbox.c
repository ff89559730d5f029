/* sandbox: what a scanner may still do. An allow list: all else fails with EPERM, so that a library that asks for a file carries on without
 * it; files come only as descriptors through the socket. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* libraries */
#include <seccomp.h>

/* ours */
#include "base/mem.h"
#include "worker.h"

#define FILES_MAX 16

static const int allowed[] = {
	SCMP_SYS(read),           SCMP_SYS(write),        SCMP_SYS(close),         SCMP_SYS(recvmsg),         SCMP_SYS(sendto),
	SCMP_SYS(fstat),          SCMP_SYS(lseek),        SCMP_SYS(munmap),        SCMP_SYS(mremap),          SCMP_SYS(brk),
	SCMP_SYS(madvise),        SCMP_SYS(futex),        SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),    SCMP_SYS(time),
	SCMP_SYS(getrandom),      SCMP_SYS(getpid),       SCMP_SYS(gettid),        SCMP_SYS(getrusage),       SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(sigaltstack),   SCMP_SYS(restart_syscall), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Calls whose arguments decide. Memory never becomes code; fstat() is newfstatat() of a descriptor here; limits are its own, and so is
 * the signal that abort() sends. */
static int allow_some(scmp_filter_ctx f)
{
	int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(setrlimit), 0);
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	return r;
}

static int load_filter(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = f ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < MR_COUNT(allowed); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0)
		r = allow_some(f);
	if (r == 0)
		r = seccomp_load(f); /* sets no_new_privs */
	seccomp_release(f);
	return r;
}

static int limit(__rlimit_resource_t what, rlim_t n)
{
	struct rlimit l = { .rlim_cur = n, .rlim_max = n };

	return setrlimit(what, &l) < 0 ? -errno : 0;
}

int mr_sandbox_enter(const struct mr_worker_limits *limits)
{
	int r = limit(RLIMIT_CORE, 0);

	if (r == 0)
		r = limit(RLIMIT_NOFILE, FILES_MAX);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they reserve terabytes */
	if (r == 0)
		r = limit(RLIMIT_AS, limits->memory);
#endif
	return r < 0 ? r : load_filter();
}

void mr_sandbox_budget(const struct mr_worker_limits *limits)
{
	static rlim_t set; /* once a process */
	struct timespec used;
	struct rlimit l;
	rlim_t until;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0)
		return;
	until = (rlim_t)used.tv_sec + limits->cpu_seconds + 1;
	if (until == set || getrlimit(RLIMIT_CPU, &l) < 0)
		return; /* most messages */
	l.rlim_cur = until;
	if (setrlimit(RLIMIT_CPU, &l) == 0)
		set = until;
}
