/* test-quarantine: copies stand on disk whole, with their envelope, and what a crash left is cleared. */

/* system */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "quarantine-sweep.h"
#include "quarantine.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "unit.h"

static char dir[64];

static const struct mr_verdict_withheld recipients[] = {
	{ .address = { "b@d.test", 8 }, .esmtp = { "NOTIFY=NEVER ORCPT=rfc822;b@d.test", 34 }, .why = MR_QUARANTINE },
	{ .address = { "c\n@d.test", 9 }, .why = MR_REJECT }
};

static struct mr_quarantine_copy copy(void)
{
	return (struct mr_quarantine_copy){ .message = MR_LIT("Subject: x\r\n\r\nHello.\r\n"),
					    .time = 1700000000,
					    .queue_id = MR_LIT("4../X%yz1"),
					    .client = MR_LIT("192.0.2.1"),
					    .helo = MR_LIT("h"),
					    .sender = MR_LIT(""),
					    .sender_parameters = MR_LIT("RET=HDRS ENVID=a=b"),
					    .from = MR_LIT("f@x.test"),
					    .reason = MR_LIT("why"),
					    .recipients = recipients,
					    .n_recipients = 2 };
}

static size_t entries(void)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void read_into(const char *id, const char *name, struct mr_buf *out)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/%s", dir, id, name);
	assert_int_equal(mr_file_read(path, out, NULL), 0);
}

static void stored(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_result scan = {
		.symbols = { { MR_LIT("SPF_FAIL"), 1 } }, .n_symbols = 1, .score = 1, .authres = MR_LIT("mx.test; spf=fail")
	};
	struct mr_quarantine_copy c = copy();
	struct mr_buf message = MR_BUF(4096);
	char id[MR_QUARANTINE_ID_MAX], other[MR_QUARANTINE_ID_MAX];
	struct mr_quarantine_entry e, second;

	(void)state;
	c.scan = &scan;
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	assert_int_equal(mr_quarantine_store(dir, &c, id, NULL), 0);
	assert_int_equal(mr_quarantine_store(dir, &c, other, NULL), 0);
	assert_string_not_equal(id, other);
	assert_int_equal(entries(), 2);
	assert_true(mr_quarantine_id_ok(mr_slice_of(id)));
	assert_non_null(strstr(id, "-4Xyz1-"));
	read_into(id, "message", &message);
	assert_slice(mr_buf_slice(&message), "Subject: x\r\n\r\nHello.\r\n");
	assert_int_equal(mr_quarantine_read(dir, mr_slice_of(id), arena, &e), 0);
	assert_int_equal(mr_quarantine_read(dir, mr_slice_of(other), arena, &second), 0);
	assert_string_equal(e.id, id);
	assert_int_equal(e.time, 1700000000);
	assert_int_equal(e.size, message.n);
	assert_slice(e.from, "f@x.test");
	assert_slice(e.sender_parameters, "RET=HDRS ENVID=a=b");
	assert_slice(e.score, "1.00");
	assert_slice(e.symbols, "SPF_FAIL(1.00)");
	assert_slice(e.authres, "mx.test; spf=fail");
	assert_false(e.outbound || e.released);
	assert_int_equal(e.token.n, 32);
	assert_false(mr_slice_eq(e.token, second.token));
	assert_int_equal(e.n_recipients, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(mr_slice_eq(e.recipients[i].address, recipients[i].address));
		assert_true(mr_slice_eq(e.recipients[i].parameters, recipients[i].esmtp));
	}
	assert_slice(e.recipients[0].why, "quarantine");
	assert_slice(e.recipients[1].why, "reject");
	mr_buf_done(&message);
}

static const char *field_of(const struct mr_quarantine_entry *e, struct mr_arena *arena)
{
	return mr_arena_printf(arena, " %s %.*s ", e->id, (int)e->token.n, e->token.p);
}

/* However many try at the same time, one is the one that releases; until it is taken back. */
static void released_once(void **state)
{
	enum { MANY = 8 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_quarantine_copy c = copy();
	char id[MR_QUARANTINE_ID_MAX];
	struct mr_quarantine_entry e;
	struct mr_slice to = MR_LIT("b@d.test"), field;
	int won = 0, status;

	(void)state;
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	assert_int_equal(mr_quarantine_store(dir, &c, id, NULL), 0);
	assert_int_equal(mr_quarantine_read(dir, mr_slice_of(id), arena, &e), 0);
	field = mr_slice_of(field_of(&e, arena));
	assert_int_equal(mr_quarantine_claim_check(dir, field, arena, &e), 0);
	for (int i = 0; i < MANY; i++)
		if (fork() == 0)
			_exit(mr_quarantine_claim(dir, id, MR_LIT("4Q"), 1700000001, &to, 1) == 0 ? 0 : 1);
	for (int i = 0; i < MANY; i++) {
		wait(&status);
		won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	assert_int_equal(won, 1);
	assert_int_equal(mr_quarantine_claim_check(dir, field, arena, &e), -EEXIST);
	assert_true(e.released && e.released_time == 1700000001 && e.n_released_to == 1);
	assert_slice(e.released_as, "4Q");
	assert_slice(e.released_to[0], "b@d.test");
	assert_int_equal(mr_quarantine_unclaim(dir, mr_slice_of(id)), 0);
	assert_int_equal(mr_quarantine_claim_check(dir, field, arena, &e), 0);
	assert_int_equal(mr_quarantine_unclaim(dir, mr_slice_of(id)), -ENOENT);
}

static void wrong_tokens(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_quarantine_copy c = copy();
	char id[MR_QUARANTINE_ID_MAX], other[MR_QUARANTINE_ID_MAX];
	struct mr_quarantine_entry e, second, none;

	(void)state;
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	assert_int_equal(mr_quarantine_store(dir, &c, id, NULL), 0);
	assert_int_equal(mr_quarantine_store(dir, &c, other, NULL), 0);
	assert_int_equal(mr_quarantine_read(dir, mr_slice_of(id), arena, &e), 0);
	assert_int_equal(mr_quarantine_read(dir, mr_slice_of(other), arena, &second), 0);
	const char *const wrong[] = {
		"",
		id,
		mr_arena_printf(arena, "%s ", id),
		mr_arena_printf(arena, "%s 0", id),
		mr_arena_printf(arena, "%s %.*s", id, (int)e.token.n - 1, e.token.p),
		mr_arena_printf(arena, "%s %.*s0", id, (int)e.token.n, e.token.p),
		mr_arena_printf(arena, "%s %.*s", id, (int)second.token.n, second.token.p),
		mr_arena_printf(arena, "../%s %.*s", id, (int)e.token.n, e.token.p),
		mr_arena_printf(arena, "%.*s", (int)e.token.n, e.token.p),
	};
	for (size_t i = 0; i < MR_COUNT(wrong); i++)
		assert_int_equal(mr_quarantine_claim_check(dir, mr_slice_of(wrong[i]), arena, &none), -EPERM);
}

static void locked(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_quarantine_copy c = copy();
	char id[MR_QUARANTINE_ID_MAX];
	struct mr_quarantine_entry e;
	int lock;

	(void)state;
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	assert_int_equal(mr_quarantine_store(dir, &c, id, NULL), 0);
	lock = mr_quarantine_lock(dir, mr_slice_of(id));
	assert_true(lock >= 0);
	assert_int_equal(mr_quarantine_lock(dir, mr_slice_of(id)), -EBUSY);
	assert_int_equal(mr_quarantine_remove(dir, mr_slice_of(id)), -EBUSY);
	close(lock);
	assert_int_equal(mr_quarantine_remove(dir, mr_slice_of(id)), 0);
	assert_int_equal(mr_quarantine_remove(dir, mr_slice_of(id)), -ENOENT);
	assert_int_equal(mr_quarantine_read(dir, mr_slice_of(id), arena, &e), -ENOENT);
	assert_int_equal(mr_quarantine_lock(dir, MR_LIT("..")), -ENOENT);
	assert_int_equal(mr_quarantine_lock(dir, MR_LIT("")), -ENOENT);
}

static void run_for(struct mr_loop *l, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 50; i++) {
		mr_clock_advance(20);
		mr_loop_once(l);
	}
}

/* Too old goes; then the oldest until the rest fits; what somebody works on stays. */
static void swept(void **state)
{
	struct mr_loop *l;
	struct mr_quarantine_sweep *s;
	struct mr_quarantine_copy c = copy();
	char id[300][MR_QUARANTINE_ID_MAX];
	size_t left = entries(), n = 300;
	int lock;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		c.time = 2000000000 + (int64_t)i;
		assert_int_equal(mr_quarantine_store(dir, &c, id[i], NULL), 0);
	}
	assert_int_equal(entries(), left + n);
	mr_clock_fake(1000000, 2000000000 + 3600 + 99);
	l = mr_loop_new();
	s = mr_quarantine_sweep_new(l, dir, &(struct mr_quarantine_bounds){ 3600 * 1000, 1 << 20 });
	lock = mr_quarantine_lock(dir, mr_slice_of(id[150]));
	run_for(l, 1);
	mr_clock_advance(20);
	mr_loop_once(l);
	assert_int_equal(entries(), left + n); /* not all in one turn */
	run_for(l, 10);
	assert_int_equal(entries(), n - 100); /* a second went by meanwhile; those of other tests are old */
	mr_quarantine_sweep_reload(s, &(struct mr_quarantine_bounds){ UINT64_C(1000000000) * 1000, 2 * c.message.n });
	run_for(l, 30);
	assert_int_equal(entries(), 2); /* the newest, and the one that is worked on */
	assert_int_equal(mr_quarantine_lock(dir, mr_slice_of(id[150])), -EBUSY);
	close(lock);
	mr_quarantine_sweep_reload(s, &(struct mr_quarantine_bounds){ UINT64_C(1000000000) * 1000, c.message.n });
	run_for(l, 5);
	assert_int_equal(entries(), 1);
	assert_int_equal(mr_quarantine_lock(dir, mr_slice_of(id[150])), -ENOENT);
	mr_quarantine_sweep_free(s);
	mr_loop_free(l);
	mr_clock_real();
}

static void crashed(void **state)
{
	char path[256];
	size_t before;
	int fd;

	(void)state;
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	before = entries();
	snprintf(path, sizeof(path), "%s/.new-half", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/.new-half/message", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(entries(), before + 1);
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	assert_int_equal(entries(), before);
}

static void refused(void **state)
{
	struct mr_quarantine_copy c = copy();
	char id[MR_QUARANTINE_ID_MAX];
	struct mr_diag diag = { 0 };

	(void)state;
	assert_int_equal(mr_quarantine_open("/nowhere/quarantine", &diag), -ENOENT);
	assert_non_null(strstr(diag.text, "/nowhere/quarantine"));
	assert_int_equal(mr_quarantine_store("/nowhere/quarantine", &c, id, NULL), -ENOENT);
}

static void write_into(const char *id, const char *name, const char *content)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/%s", dir, id, name);
	assert_int_equal(mr_file_write(path, 0600, mr_slice_of(content), NULL), 0);
}

static void damaged(void **state)
{
	static const char *const bad[] = { "", "x", "3:v=2,", "8:v=1\nid=0,", "999999999:", "12:v=1\nid=0\na=b\n,more" };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_quarantine_copy c = copy();
	char id[MR_QUARANTINE_ID_MAX];
	struct mr_quarantine_entry e;

	(void)state;
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	assert_int_equal(mr_quarantine_store(dir, &c, id, NULL), 0);
	for (size_t i = 0; i < MR_COUNT(bad); i++) {
		write_into(id, "released", bad[i]);
		assert_int_equal(mr_quarantine_read(dir, mr_slice_of(id), arena, &e), -EPROTO);
	}
	assert_int_equal(mr_quarantine_unclaim(dir, mr_slice_of(id)), 0);
	for (size_t i = 0; i < MR_COUNT(bad); i++) {
		write_into(id, "envelope", bad[i]);
		assert_int_equal(mr_quarantine_read(dir, mr_slice_of(id), arena, &e), -EPROTO);
	}
}

static int clear(void **state)
{
	const char *argv[] = { "rm", "-rf", dir, NULL };
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execvp(argv[0], (char *const *)argv);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stored),  cmocka_unit_test(released_once), cmocka_unit_test(wrong_tokens),
					    cmocka_unit_test(locked),  cmocka_unit_test(crashed),       cmocka_unit_test(refused),
					    cmocka_unit_test(damaged), cmocka_unit_test(swept) };

	snprintf(dir, sizeof(dir), "/tmp/mr-quarantine-%d", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, clear);
}
