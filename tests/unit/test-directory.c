/* test-directory: the client of lookup against a peer that answers, answers late, in another order, goes away, talks nonsense. */

/* system */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "directory/directory.h"
#include "rt/clock.h"
#include "rt/generation.h"
#include "rt/log.h"
#include "rt/server.h"
#include "rt/sock.h"
#include "unit.h"

#define FOREVER (UINT64_MAX / 2)

static struct mr_loop *loop;
static struct mr_server *peer;
static struct mr_directory *dir;
static struct mr_buf seen;
static char path[64], page[96];
static struct mr_generation *generation; /* the peer's */
static struct mr_conn *held[8];          /* questions for "late@..." */
static uint64_t held_id[8];
static size_t n_held, n_questions;

/* number 0: it may not be kept. */
static void answer_resolve(struct mr_conn *c, uint64_t id, uint64_t number)
{
	struct mr_dir_final final = { .local = false, .deliver = MR_LIT("x@else.example") };
	struct mr_dir_resolve a = { .status = MR_DIR_OK, .hosted = true, .finals = &final, .n_finals = 1, .generation = number };
	struct mr_buf out = MR_BUF(10000);

	assert_int_equal(mr_dir_resolve_encode(&out, id, &a), 0);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

static void answer_key(struct mr_conn *c, uint64_t id, uint64_t number)
{
	struct mr_buf out = MR_BUF(10000);
	struct mr_wire_out w;

	mr_wire_begin(&w, "status", "ok", id);
	mr_wire_puts(&w, "sealed", "v1:k:abc");
	if (number)
		mr_wire_putu(&w, "generation", number);
	assert_int_equal(mr_wire_end(&w, &out), 0);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

/* As of this generation. */
static void answer_account(struct mr_conn *c, uint64_t id, struct mr_slice address, uint64_t number)
{
	struct mr_dir_pattern pattern = { MR_LIT("x.test"), true };
	struct mr_slice limit = MR_LIT("user messages 5/1h defer");
	struct mr_dir_account a = { .address = address,
				    .enabled = true,
				    .used_bytes = 77,
				    .patterns = &pattern,
				    .n_patterns = 1,
				    .limits = &limit,
				    .n_limits = 1 };
	struct mr_buf out = MR_BUF(10000);

	a.generation = number;
	assert_int_equal(mr_dir_account_encode(&out, id, MR_DIR_OK, &a), 0);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

static void answer_sender(struct mr_conn *c, uint64_t id)
{
	struct mr_dir_sender a = { .status = MR_DIR_OK,
				   .hosted = true,
				   .sign = true,
				   .domain = MR_LIT("d"),
				   .selectors = { { MR_LIT("s"), MR_LIT("rsa") } },
				   .n_selectors = 1,
				   .generation = mr_generation_now(generation) };
	struct mr_buf out = MR_BUF(10000);

	assert_int_equal(mr_dir_sender_encode(&out, id, &a), 0);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

static void answer_status(struct mr_conn *c, uint64_t id, enum mr_dir_status status)
{
	struct mr_buf out = MR_BUF(10000);

	assert_int_equal(mr_dir_status_encode(&out, id, status, ""), 0);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

static void answer_none(struct mr_conn *c, uint64_t id, struct mr_slice cmd)
{
	struct mr_dir_resolve resolve = { .status = MR_DIR_NOTFOUND, .hosted = true };
	struct mr_dir_sender sender = { .status = MR_DIR_NOTFOUND };
	struct mr_buf out = MR_BUF(10000);

	if (mr_slice_eq(cmd, MR_LIT("resolve")))
		assert_int_equal(mr_dir_resolve_encode(&out, id, &resolve), 0);
	else if (mr_slice_eq(cmd, MR_LIT("sender")))
		assert_int_equal(mr_dir_sender_encode(&out, id, &sender), 0);
	else
		assert_int_equal(mr_dir_status_encode(&out, id, MR_DIR_NOTFOUND, ""), 0);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

static ssize_t on_data(struct mr_conn *c, struct mr_slice in)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice address, cmd;
	struct mr_wire w;
	uint64_t id;
	size_t used;
	int rc = mr_wire_next(in, arena, &w, &used);

	if (rc <= 0)
		return rc;
	n_questions++;
	cmd = mr_wire_get(&w, "cmd");
	address = mr_wire_get(&w, "address");
	assert_int_equal(mr_wire_u64(&w, "id", UINT64_MAX, &id), 0);
	if (mr_slice_eq(address, MR_LIT("late@d"))) {
		mr_conn_hold(c);
		held_id[n_held] = id;
		held[n_held++] = c;
	} else if (mr_slice_eq(address, MR_LIT("garbage@d"))) {
		mr_conn_send(c, MR_LIT("nonsense"));
	} else if (mr_slice_eq(address, MR_LIT("short@d"))) {
		answer_status(c, id, MR_DIR_OK); /* ok, but nothing in it */
	} else if (mr_slice_eq(address, MR_LIT("none@d"))) {
		answer_none(c, id, cmd);
	} else if (mr_slice_eq(cmd, MR_LIT("resolve"))) {
		answer_resolve(c, id, mr_slice_eq(address, MR_LIT("kept@d")) ? mr_generation_now(generation) : 0);
	} else if (mr_slice_eq(cmd, MR_LIT("sender"))) {
		answer_sender(c, id);
	} else if (mr_slice_ieq(address, MR_LIT("kept@d"))) {
		answer_account(c, id, MR_LIT("kept@d"), mr_generation_now(generation));
	} else if (mr_slice_eq(address, MR_LIT("passing@d"))) {
		answer_account(c, id, address, 0);
	} else if (mr_slice_eq(cmd, MR_LIT("dkim-key"))) {
		answer_key(c, id, mr_slice_eq(mr_wire_get(&w, "selector"), MR_LIT("kept")) ? mr_generation_now(generation) : 0);
	} else {
		return -EPROTO; /* closes the connection */
	}
	return (ssize_t)used;
}

static void run(void)
{
	for (int i = 0; i < 20; i++)
		mr_loop_once(loop);
}

static void pass(uint64_t ms)
{
	for (uint64_t step = 0; step < ms; step += 10) {
		mr_clock_advance(10);
		mr_loop_once(loop);
	}
	run();
}

static void start_peer(void)
{
	static const struct mr_server_ops ops = { .name = "peer", .request_max = 4096, .clients_max = 10, .data = on_data };
	int fd = mr_listen_unix(path, 0600, NULL);

	assert_true(fd >= 0);
	peer = mr_server_new(loop, &ops, NULL);
	mr_server_listen(peer, fd);
}

static void stop_peer(void)
{
	mr_server_free(peer);
	peer = NULL;
	for (size_t i = 0; i < n_held; i++)
		mr_conn_release(held[i]);
	n_held = 0;
	run();
}

static int setup(void **state)
{
	n_held = n_questions = 0;
	mr_log_set_level(MR_LOG_ERROR);
	mr_clock_fake(1000, 0);
	loop = mr_loop_new();
	seen = MR_BUF(1000);
	mr_buf_puts(&seen, "");
	snprintf(path, sizeof(path), "/tmp/mr-test-directory-%d", (int)getpid());
	snprintf(page, sizeof(page), "%s-generation", path);
	assert_int_equal(mr_generation_new(page, &generation, NULL), 0);
	start_peer();
	dir = mr_directory_new(loop, &(struct mr_directory_config){ .socket = path, .keys_socket = path, .generation = page });
	assert_false(mr_directory_up(dir));
	run();
	assert_true(mr_directory_up(dir));
	return 0;
}

static int teardown(void **state)
{
	mr_directory_free(dir);
	stop_peer();
	mr_loop_free(loop);
	mr_buf_done(&seen);
	mr_generation_free(generation);
	unlink(path);
	unlink(page);
	mr_clock_real();
	return 0;
}

static void on_resolve(const struct mr_dir_resolve *a, void *arg)
{
	mr_buf_printf(&seen, "%s=%s/%zu ", (char *)arg, mr_dir_status_str(a->status), a->n_finals);
}

static void ask(const char *address, uint64_t deadline, const char *name)
{
	size_t before = seen.n;

	mr_directory_resolve(dir, mr_slice_of(address), deadline, on_resolve, (void *)(uintptr_t)name);
	assert_int_equal(seen.n, before); /* never from inside */
}

static void on_account(enum mr_dir_status status, const struct mr_dir_account *a, void *arg)
{
	mr_buf_printf(&seen, "account=%s ", mr_dir_status_str(status));
}

static void on_sender(const struct mr_dir_sender *a, void *arg)
{
	mr_buf_printf(&seen, "sender=%s ", mr_dir_status_str(a->status));
	for (size_t i = 0; i < a->n_selectors; i++)
		mr_buf_printf(&seen, "%.*s/%.*s ", (int)a->domain.n, a->domain.p, (int)a->selectors[i].name.n, a->selectors[i].name.p);
}

static void on_key(enum mr_dir_status status, struct mr_slice sealed, void *arg)
{
	mr_buf_printf(&seen, "key=%s/%.*s ", mr_dir_status_str(status), (int)sealed.n, sealed.p);
}

static void test_answers(void **state)
{
	ask("a@d", FOREVER, "a");
	ask("none@d", FOREVER, "none");
	mr_directory_account(dir, MR_LIT("none@d"), FOREVER, on_account, NULL);
	mr_directory_sender(dir, MR_LIT("none@d"), FOREVER, on_sender, NULL);
	mr_directory_dkim_key(dir, MR_LIT("d"), MR_LIT("s"), FOREVER, on_key, NULL);
	run();
	assert_non_null(strstr(seen.p, "a=ok/1 none=notfound/0 account=notfound sender=notfound "));
	assert_non_null(strstr(seen.p, "key=ok/v1:k:abc"));
}

static void test_other_order(void **state)
{
	ask("late@d", FOREVER, "late");
	ask("a@d", FOREVER, "a");
	run();
	assert_string_equal(seen.p, "a=ok/1 ");
	answer_resolve(held[0], held_id[0], 0);
	run();
	assert_string_equal(seen.p, "a=ok/1 late=ok/1 ");
}

static void test_deadline(void **state)
{
	ask("late@d", mr_now_ms() + 500, "late");
	run();
	pass(490);
	assert_string_equal(seen.p, "");
	pass(10);
	assert_string_equal(seen.p, "late=temp/0 ");
	answer_resolve(held[0], held_id[0], 0); /* too late: for nobody */
	run();
	ask("a@d", mr_now_ms(), "past");
	run();
	ask("a@d", FOREVER, "a");
	run();
	assert_string_equal(seen.p, "late=temp/0 past=temp/0 a=ok/1 ");
}

static void test_unreadable_answer(void **state)
{
	ask("short@d", FOREVER, "short");
	run();
	assert_string_equal(seen.p, "short=temp/0 ");
	mr_directory_account(dir, MR_LIT("short@d"), FOREVER, on_account, NULL);
	run();
	assert_string_equal(seen.p, "short=temp/0 account=temp ");
}

static void test_lookup_restarts(void **state)
{
	ask("late@d", FOREVER, "late");
	run();
	stop_peer();
	assert_false(mr_directory_up(dir));
	ask("a@d", FOREVER, "a"); /* while it is away */
	run();
	assert_string_equal(seen.p, "");
	start_peer();
	pass(2100);
	assert_true(mr_directory_up(dir));
	assert_string_equal(seen.p, "a=ok/1 ");
	assert_int_equal(n_held, 1); /* asked again by itself */
	answer_resolve(held[0], held_id[0], 0);
	run();
	assert_string_equal(seen.p, "a=ok/1 late=ok/1 ");
}

static void test_lookup_away(void **state)
{
	stop_peer();
	ask("a@d", mr_now_ms() + 5000, "early");
	pass(4000);
	assert_string_equal(seen.p, "");
	ask("b@d", mr_now_ms() + 5000, "hopeless"); /* away for long: told at once */
	run();
	assert_string_equal(seen.p, "hopeless=temp/0 ");
	pass(1000);
	assert_string_equal(seen.p, "hopeless=temp/0 early=temp/0 ");
	start_peer();
	pass(2100);
	ask("c@d", FOREVER, "c");
	run();
	assert_string_equal(seen.p, "hopeless=temp/0 early=temp/0 c=ok/1 ");
}

/* What lookup would not take is not sent: the connection is everybody's. */
static void test_question_too_long(void **state)
{
	char address[MR_DIR_QUESTION_MAX / 3 + 10];

	memset(address, '%', sizeof(address)); /* three bytes each on the wire */
	memcpy(address + sizeof(address) - 3, "@d", 3);
	ask("late@d", FOREVER, "late");
	run();
	ask(address, FOREVER, "long");
	run();
	assert_string_equal(seen.p, "long=temp/0 ");
	assert_int_equal(n_questions, 1);
	assert_true(mr_directory_up(dir));
	answer_resolve(held[0], held_id[0], 0);
	run();
	assert_string_equal(seen.p, "long=temp/0 late=ok/1 ");
}

static void test_garbage(void **state)
{
	ask("garbage@d", mr_now_ms() + 1000, "garbage");
	run();
	assert_false(mr_directory_up(dir));
	pass(1000);
	assert_string_equal(seen.p, "garbage=temp/0 ");
	assert_in_range(n_questions, 2, 25); /* asked again with a growing pause, not in a rush */
	ask("a@d", FOREVER, "a");
	pass(2100);
	assert_string_equal(seen.p, "garbage=temp/0 a=ok/1 ");
}

static void test_free_drops_questions(void **state)
{
	ask("late@d", FOREVER, "late");
	run();
	mr_directory_free(dir);
	dir = NULL;
	run();
	assert_string_equal(seen.p, "");
}

static const struct mr_dir_account *kept(const char *address)
{
	return mr_directory_kept_account(dir, mr_slice_of(address));
}

static void ask_account(const char *address)
{
	mr_directory_account(dir, mr_slice_of(address), FOREVER, on_account, NULL);
}

static void test_kept(void **state)
{
	const struct mr_dir_account *a;

	assert_null(kept("kept@d"));
	ask_account("kept@d");
	run();
	a = kept("kept@d");
	assert_non_null(a);
	assert_slice(a->address, "kept@d");
	assert_true(a->enabled && a->n_limits == 1 && a->n_patterns == 1 && a->patterns[0].allow);
	assert_slice(a->limits[0], "user messages 5/1h defer");
	assert_slice(a->patterns[0].pattern, "x.test");
	assert_true(a->used_bytes == MR_DIR_UNKNOWN);
	assert_null(kept("Kept@d"));
	assert_null(kept("kept@"));
	mr_clock_advance(999);
	assert_non_null(kept("kept@d"));
	mr_clock_advance(1);
	assert_null(kept("kept@d"));
	ask_account("passing@d");
	ask_account("none@d");
	run();
	assert_null(kept("passing@d"));
	assert_null(kept("none@d"));
}

static void test_kept_until_something_changes(void **state)
{
	ask_account("kept@d");
	run();
	mr_generation_raise(generation);
	assert_null(kept("kept@d"));
	ask_account("kept@d");
	run();
	assert_non_null(kept("kept@d"));
	/* Changed while the answer is on its way. */
	ask_account("late@d");
	run();
	answer_account(held[0], held_id[0], MR_LIT("kept@d"), mr_generation_now(generation));
	mr_generation_raise(generation);
	run();
	assert_null(kept("kept@d"));
	/* And one that took a second. */
	ask_account("late@d");
	run();
	mr_clock_advance(1000);
	answer_account(held[1], held_id[1], MR_LIT("kept@d"), mr_generation_now(generation));
	run();
	assert_null(kept("kept@d"));
}

static void test_kept_no_longer_than_its_lookup(void **state)
{
	uint64_t was;

	ask_account("kept@d");
	run();
	stop_peer();
	assert_null(kept("kept@d"));
	start_peer();
	pass(200);
	assert_true(mr_directory_up(dir));
	assert_null(kept("kept@d"));
	was = mr_generation_now(generation);
	stop_peer();
	mr_generation_free(generation);
	assert_int_equal(mr_generation_new(page, &generation, NULL), 0);
	start_peer();
	pass(2100);
	ask_account("kept@d");
	run();
	assert_non_null(kept("kept@d"));
	assert_true(kept("kept@d")->generation != was);
	/* An older lookup has no such page. */
	stop_peer();
	unlink(page);
	start_peer();
	pass(2100);
	ask_account("kept@d");
	run();
	assert_null(kept("kept@d"));
}

static void ask_kept(void)
{
	size_t before = seen.n;

	ask("kept@d", FOREVER, "a");
	mr_directory_sender(dir, MR_LIT("kept@d"), FOREVER, on_sender, NULL);
	mr_directory_dkim_key(dir, MR_LIT("d"), MR_LIT("kept"), FOREVER, on_key, NULL);
	assert_int_equal(seen.n, before);
}

/* How many questions lookup gets for that one, whose answers are as ever. */
static size_t asked_of_lookup(void)
{
	size_t before = n_questions;

	mr_buf_reset(&seen);
	ask_kept();
	run();
	assert_non_null(strstr(seen.p, "a=ok/1 "));
	assert_non_null(strstr(seen.p, "sender=ok d/s "));
	assert_non_null(strstr(seen.p, "key=ok/v1:k:abc "));
	return n_questions - before;
}

static void test_answers_are_kept(void **state)
{
	assert_int_equal(asked_of_lookup(), 3);
	assert_int_equal(asked_of_lookup(), 0);
	mr_generation_raise(generation);
	assert_int_equal(asked_of_lookup(), 3);
	mr_clock_advance(999);
	assert_int_equal(asked_of_lookup(), 0);
	mr_clock_advance(1);
	assert_int_equal(asked_of_lookup(), 3);
	/* It changes between the question and the end of its turn. */
	mr_buf_reset(&seen);
	ask_kept();
	mr_generation_raise(generation);
	run();
	assert_int_equal(n_questions, 12);
	assert_non_null(strstr(seen.p, "a=ok/1 "));
	/* Another question, and one whose answer may not be kept. */
	ask("other@d", FOREVER, "other");
	ask("other@d", FOREVER, "other");
	mr_directory_dkim_key(dir, MR_LIT("d"), MR_LIT("s"), FOREVER, on_key, NULL);
	mr_directory_dkim_key(dir, MR_LIT("d"), MR_LIT("s"), FOREVER, on_key, NULL);
	run();
	assert_int_equal(n_questions, 16);
	assert_null(kept("kept@d"));
}

static void test_kept_answers_and_a_lost_connection(void **state)
{
	assert_int_equal(asked_of_lookup(), 3);
	stop_peer();
	start_peer();
	pass(200);
	assert_int_equal(asked_of_lookup(), 3);
	mr_buf_reset(&seen);
	ask_kept();
	mr_directory_give_up(dir);
	assert_non_null(strstr(seen.p, "a=temp/0 "));
	mr_buf_reset(&seen);
	run();
	assert_int_equal(seen.n, 0);
	ask_kept();
	mr_directory_free(dir);
	dir = NULL;
	run();
	assert_int_equal(seen.n, 0);
}

static void test_who_keeps_nothing(void **state)
{
	mr_directory_free(dir);
	dir = mr_directory_new(loop, &(struct mr_directory_config){ .socket = path, .keys_socket = path });
	run();
	ask_account("kept@d");
	run();
	assert_non_null(strstr(seen.p, "account=ok"));
	assert_null(kept("kept@d"));
	assert_int_equal(asked_of_lookup(), 3);
	assert_int_equal(asked_of_lookup(), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers),
		TEST(test_other_order),
		TEST(test_deadline),
		TEST(test_unreadable_answer),
		TEST(test_lookup_restarts),
		TEST(test_lookup_away),
		TEST(test_question_too_long),
		TEST(test_garbage),
		TEST(test_free_drops_questions),
		TEST(test_kept),
		TEST(test_kept_until_something_changes),
		TEST(test_kept_no_longer_than_its_lookup),
		TEST(test_answers_are_kept),
		TEST(test_kept_answers_and_a_lost_connection),
		TEST(test_who_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
