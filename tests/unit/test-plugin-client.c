/* The plugin's blocking client against a scripted lookup: right answers, slow ones, garbage, none, one that goes away and comes back. */

/* system */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ours */
#include "dovecot-plugin/client.h"
#include "unit.h"

#define TIMEOUT_MS 300

/* What the fake does with one question of this id. False: it closes the connection afterwards. */
typedef bool act(int fd, uint64_t id);

static struct {
	char folder[32];
	struct sockaddr_un address;
	int fd;
	act *const *script;
	unsigned accepted;
	pthread_t thread;
} fake;

static void send_all(int fd, struct mr_slice s)
{
	assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

/* False at the end of the connection. */
static bool question(int fd, uint64_t *id)
{
	char in[4096];
	size_t n = 0, used;
	struct mr_wire w;
	mr_autoarena arena = mr_arena_new(0);

	for (;;) {
		ssize_t got = recv(fd, in + n, sizeof in - n, 0);
		if (got <= 0)
			return false;
		n += (size_t)got;
		if (mr_wire_next((struct mr_slice){ in, n }, arena, &w, &used) == 1)
			return mr_wire_u64(&w, "id", UINT64_MAX, id) == 0;
	}
}

static void *serve(void *arg)
{
	act *const *step = fake.script;

	while (*step) {
		int fd = accept(fake.fd, NULL, NULL);
		uint64_t id;

		fake.accepted++;
		while (question(fd, &id) && *step && (*step++)(fd, id))
			;
		close(fd);
	}
	return NULL;
}

static void start(act *const *script)
{
	fake.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fake.script = script;
	fake.accepted = 0;
	assert_return_code(bind(fake.fd, (struct sockaddr *)&fake.address, sizeof fake.address), errno);
	assert_return_code(listen(fake.fd, 5), errno);
	assert_int_equal(pthread_create(&fake.thread, NULL, serve, NULL), 0);
}

static void stop(void)
{
	pthread_join(fake.thread, NULL);
	close(fake.fd);
	unlink(fake.address.sun_path);
}

static void answer_passdb(struct mr_buf *out, uint64_t id)
{
	struct mr_dir_passdb a = { .status = MR_DIR_OK, .password = MR_LIT("{CRYPT}$y$secret") };

	a.account = (struct mr_dir_account){
		.address = MR_LIT("john@example.test"), .enabled = true, .receive = true, .quota_bytes = 7, .used_bytes = 3
	};
	assert_int_equal(mr_dir_passdb_encode(out, id, &a), 0);
}

static bool right(int fd, uint64_t id)
{
	struct mr_buf out = MR_BUF(MR_WIRE_MAX);

	answer_passdb(&out, id);
	send_all(fd, mr_buf_slice(&out));
	mr_buf_done(&out);
	return true;
}

static bool right_then_close(int fd, uint64_t id)
{
	right(fd, id);
	return false;
}

static bool drip(int fd, uint64_t id)
{
	struct mr_buf out = MR_BUF(MR_WIRE_MAX);

	answer_passdb(&out, id);
	for (size_t i = 0; i < out.n; i++) {
		send_all(fd, (struct mr_slice){ out.p + i, 1 });
		if (i % 40 == 0)
			poll(NULL, 0, 10);
	}
	mr_buf_done(&out);
	return true;
}

static bool status(int fd, uint64_t id, enum mr_dir_status s)
{
	struct mr_buf out = MR_BUF(MR_WIRE_MAX);

	assert_int_equal(mr_dir_status_encode(&out, id, s, "scripted"), 0);
	send_all(fd, mr_buf_slice(&out));
	mr_buf_done(&out);
	return true;
}

static bool notfound(int fd, uint64_t id)
{
	return status(fd, id, MR_DIR_NOTFOUND);
}

static bool temp(int fd, uint64_t id)
{
	return status(fd, id, MR_DIR_TEMP);
}

static bool bad(int fd, uint64_t id)
{
	return status(fd, id, MR_DIR_BAD);
}

static bool other_id(int fd, uint64_t id)
{
	return right(fd, id + 1);
}

static bool twice(int fd, uint64_t id)
{
	struct mr_buf out = MR_BUF(MR_WIRE_MAX);

	answer_passdb(&out, id);
	answer_passdb(&out, id);
	send_all(fd, mr_buf_slice(&out));
	mr_buf_done(&out);
	return true;
}

static bool garbage(int fd, uint64_t id)
{
	send_all(fd, MR_LIT("HTTP/1.1 200 OK\r\n"));
	return true;
}

static bool other_version(int fd, uint64_t id)
{
	send_all(fd, MR_LIT("9:v=2\nid=1\n,"));
	return true;
}

static bool no_fields(int fd, uint64_t id)
{
	struct mr_buf body = MR_BUF(100), out = MR_BUF(200);

	mr_buf_printf(&body, "v=1\nid=%llu\n", (unsigned long long)id);
	mr_buf_printf(&out, "%zu:%s,", body.n, body.p);
	send_all(fd, mr_buf_slice(&out));
	mr_buf_done(&body);
	mr_buf_done(&out);
	return true;
}

static bool huge(int fd, uint64_t id)
{
	send_all(fd, MR_LIT("99999999:v=1"));
	return true;
}

static bool half(int fd, uint64_t id)
{
	send_all(fd, MR_LIT("50:v=1\nid"));
	return false;
}

static bool hang_up(int fd, uint64_t id)
{
	return false;
}

static bool silent(int fd, uint64_t id)
{
	return true;
}

/* Waits for the client to give up, then answers on the old connection. */
static bool late(int fd, uint64_t id)
{
	struct mr_buf out = MR_BUF(MR_WIRE_MAX);

	poll(NULL, 0, TIMEOUT_MS + 100);
	answer_passdb(&out, id);
	send(fd, out.p, out.n, MSG_NOSIGNAL);
	mr_buf_done(&out);
	return false;
}

static bool page(int fd, uint64_t id)
{
	struct mr_buf out = MR_BUF(MR_WIRE_MAX);
	struct mr_wire_out w;

	mr_wire_begin(&w, "status", "ok", id);
	mr_wire_puts(&w, "address", "a@example.test");
	mr_wire_puts(&w, "address", "b@example.test");
	mr_wire_end(&w, &out);
	send_all(fd, mr_buf_slice(&out));
	mr_buf_done(&out);
	return true;
}

static const struct {
	const char *name;
	act *step;
	int error;
	enum mr_dir_status status;
} answers[] = {
	{ "right", right, 0, MR_DIR_OK },
	{ "right, in small pieces", drip, 0, MR_DIR_OK },
	{ "notfound", notfound, 0, MR_DIR_NOTFOUND },
	{ "temp", temp, 0, MR_DIR_TEMP },
	{ "bad", bad, 0, MR_DIR_BAD },
	{ "answer to another question", other_id, -EPROTO, 0 },
	{ "two answers", twice, -EPROTO, 0 },
	{ "garbage", garbage, -EPROTO, 0 },
	{ "other version", other_version, -EPROTO, 0 },
	{ "no status", no_fields, -EPROTO, 0 },
	{ "too long", huge, -EMSGSIZE, 0 },
	{ "half an answer", half, -ECONNRESET, 0 },
	{ "hangs up", hang_up, -ECONNRESET, 0 },
	{ "silent", silent, -ETIMEDOUT, 0 },
};

static int ask(struct mr_client *c, enum mr_dir_status *status_out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dir_passdb a = { 0 };
	int r = mr_client_passdb(c, "john@example.test", arena, &a);

	if (r == 0 && a.status == MR_DIR_OK) {
		assert_true(mr_slice_eq(a.password, MR_LIT("{CRYPT}$y$secret")));
		assert_true(mr_slice_eq(a.account.address, MR_LIT("john@example.test")));
		assert_true(a.account.enabled && !a.account.send_only && a.account.quota_bytes == 7);
	}
	*status_out = a.status;
	return r;
}

static void each_answer(void **state)
{
	for (size_t i = 0; i < MR_COUNT(answers); i++) {
		act *const script[] = { answers[i].step, NULL };
		struct mr_client *c;
		enum mr_dir_status s;

		start(script);
		assert_int_equal(mr_client_get(fake.address.sun_path, TIMEOUT_MS, &c), 0);
		int r = ask(c, &s);
		if (r != answers[i].error || (r == 0 && s != answers[i].status))
			fail_msg("%s: %d, status %d", answers[i].name, r, s);
		mr_client_put(c);
		stop();
	}
}

static void keeps_one_connection(void **state)
{
	act *const script[] = { right, notfound, page, NULL };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_client *c, *same;
	enum mr_dir_status s;
	struct mr_wire w;
	struct mr_slice address;
	size_t at = 0, n = 0;

	start(script);
	assert_int_equal(mr_client_get(fake.address.sun_path, TIMEOUT_MS, &c), 0);
	assert_int_equal(mr_client_get(fake.address.sun_path, TIMEOUT_MS, &same), 0);
	assert_ptr_equal(c, same);
	assert_int_equal(ask(c, &s), 0);
	assert_int_equal(ask(same, &s), 0);
	mr_client_put(same);
	assert_int_equal(mr_client_iterate(c, "", 2, arena, &s, &w), 0);
	while (mr_wire_each(&w, "address", &at, &address))
		n++;
	assert_int_equal(n, 2);
	mr_client_put(c);
	stop();
	assert_int_equal(fake.accepted, 1);
}

static void comes_back(void **state)
{
	act *const script[] = { right_then_close, right, late, right, NULL };
	struct mr_client *c;
	enum mr_dir_status s;

	assert_int_equal(mr_client_get(fake.address.sun_path, TIMEOUT_MS, &c), 0);
	assert_int_equal(ask(c, &s), -ENOENT);
	start(script);
	assert_int_equal(ask(c, &s), 0);
	poll(NULL, 0, 50); /* the kept connection is closed by now: found out while asking, and replaced */
	assert_int_equal(ask(c, &s), 0);
	assert_int_equal(ask(c, &s), -ETIMEDOUT);
	assert_int_equal(mr_client_get(fake.address.sun_path, 10 * TIMEOUT_MS, &c), 0);
	assert_int_equal(ask(c, &s), 0); /* the late answer was not taken for this one's */
	mr_client_put(c);
	mr_client_put(c);
	stop();
	assert_int_equal(fake.accepted, 3);
}

static void absent(void **state)
{
	char longer[200] = { 0 };
	struct mr_client *c;
	enum mr_dir_status s;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(longer, 'x', sizeof longer - 1);
	assert_int_equal(mr_client_get(longer, TIMEOUT_MS, &c), -ENAMETOOLONG);
	assert_int_equal(mr_client_get(fake.address.sun_path, TIMEOUT_MS, &c), 0);
	assert_int_equal(ask(c, &s), -ENOENT);
	assert_return_code(bind(fd, (struct sockaddr *)&fake.address, sizeof fake.address), errno);
	assert_int_equal(ask(c, &s), -ECONNREFUSED);
	assert_return_code(listen(fd, 0), errno);
	assert_int_equal(ask(c, &s), -ETIMEDOUT); /* connected, never accepted */
	struct mr_client *other = c;
	mr_client_put(other);
	close(fd);
	unlink(fake.address.sun_path);
}

/* The listener's backlog is full: connecting itself waits, and not past the deadline. */
static void full_backlog(void **state)
{
	struct mr_client *c;
	enum mr_dir_status s;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), waiting = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_return_code(bind(fd, (struct sockaddr *)&fake.address, sizeof fake.address), errno);
	assert_return_code(listen(fd, 0), errno);
	assert_return_code(connect(waiting, (struct sockaddr *)&fake.address, sizeof fake.address), errno);
	assert_int_equal(mr_client_get(fake.address.sun_path, TIMEOUT_MS, &c), 0);
	assert_int_equal(ask(c, &s), -ETIMEDOUT);
	mr_client_put(c);
	close(waiting);
	close(fd);
	unlink(fake.address.sun_path);
}

static int setup(void **state)
{
	snprintf(fake.folder, sizeof fake.folder, "/tmp/mr-client-XXXXXX");
	if (!mkdtemp(fake.folder))
		return -1;
	fake.address.sun_family = AF_UNIX;
	snprintf(fake.address.sun_path, sizeof fake.address.sun_path, "%s/passdb", fake.folder);
	return 0;
}

static int teardown(void **state)
{
	return rmdir(fake.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer), cmocka_unit_test(keeps_one_connection), cmocka_unit_test(comes_back),
		cmocka_unit_test(absent),      cmocka_unit_test(full_backlog),
	};

	alarm(30); /* a wait without a deadline would hang here */
	return cmocka_run_group_tests(tests, setup, teardown);
}
