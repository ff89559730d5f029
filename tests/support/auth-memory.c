/* auth-memory: signs, seals and verifies by eight threads, and says by how much the process has grown since they are warm.
 *
 *   auth-memory [OPERATIONS]   200000 by default; exit 1 when it grew by LIMIT bytes or more (but under a sanitizer, which keeps what is
 * freed) */

/* system */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "rt/file.h"
#include "support/authsite.h"

#define THREADS    8
#define OPERATIONS 200000
#define LIMIT      (2 * 1024 * 1024)
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static void (*const operations[])(void) = { authsite_sign, authsite_sign_ed25519, authsite_seal, authsite_verify, authsite_verify_chain };
static pthread_barrier_t warm, measured, done;
static uint64_t each; /* operations a thread */

static void *work(void *arg)
{
	uint64_t first = each / 10;

	for (uint64_t i = 0; i < each; i++) {
		if (i == first) {
			pthread_barrier_wait(&warm);
			pthread_barrier_wait(&measured);
		}
		operations[i % MR_COUNT(operations)]();
	}
	pthread_barrier_wait(&done);
	return arg;
}

static int64_t resident(void)
{
	struct mr_buf text = MR_BUF(1000);
	struct mr_slice rest, word;
	int64_t pages = 0;

	if (mr_file_read("/proc/self/statm", &text, NULL) < 0)
		authsite_fail("no /proc/self/statm");
	rest = mr_buf_slice(&text);
	mr_slice_next(&rest, ' ', &word);
	mr_slice_next(&rest, ' ', &word);
	if (mr_parse_i64(word, 1, INT64_MAX, &pages) < 0)
		authsite_fail("/proc/self/statm is odd");
	mr_buf_done(&text);
	return pages * sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	uint64_t n = OPERATIONS;
	int64_t before, after;

	if (argc > 1 && mr_parse_u64(mr_slice_of(argv[1]), 100, UINT32_MAX, &n) < 0)
		authsite_fail("usage: auth-memory [OPERATIONS]");
	each = n / THREADS;
	authsite_init();
	pthread_barrier_init(&warm, NULL, THREADS + 1);
	pthread_barrier_init(&measured, NULL, THREADS + 1);
	pthread_barrier_init(&done, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			authsite_fail("no thread");
	pthread_barrier_wait(&warm);
	before = resident();
	pthread_barrier_wait(&measured);
	pthread_barrier_wait(&done);
	after = resident();
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	authsite_done();
	printf("%llu operations, %lld kB before, %lld kB after, grown by %lld kB\n", (unsigned long long)(each * THREADS),
	       (long long)before / 1024, (long long)after / 1024, (long long)(after - before) / 1024);
	return !SANITIZED && after - before >= LIMIT;
}
