/* test-scanner: what scanners may do to the milter, played by scanners that do it. The real pool and I/O loop run here against a master
 * that is this same program; each scanner behaves as the sender of the message says. */

/* system */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "../unit/unit.h"
#include "io.h"
#include "pool.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "scanwire.h"
#include "spool.h"

#define PATIENCE_MS 15000

/* -- the scanners -- */

struct fake {
	int fd;
	struct mr_buf in;
	unsigned served;
	uint64_t id;
	const struct mr_scan_setup *setup;
};

static void say(struct fake *f, const char *text)
{
	if (send(f->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void report(struct fake *f, const char *symbol, struct mr_dns_view *view, bool last)
{
	struct mr_scan_result r = { .symbols = { { mr_slice_of(symbol), 1, MR_LIT("group") } }, .n_symbols = 1 };
	struct mr_buf out = MR_BUF(MR_WIRE_MAX);

	mr_scanwire_report(&out, f->id, &r, view, last);
	say(f, out.p);
	mr_buf_done(&out);
}

/* Next message; ends with its socket. */
static void take(struct fake *f, struct mr_arena *arena, struct mr_wire *w)
{
	size_t used;

	while (mr_wire_next(mr_buf_slice(&f->in), arena, w, &used) == 0) {
		ssize_t n = read(f->fd, mr_buf_reserve(&f->in, 4096), 4096);

		if (n <= 0)
			_exit(0);
		mr_buf_filled(&f->in, (size_t)n);
	}
	/* The bytes stay where they are: values point into them. */
	f->in.p += used;
	f->in.n -= used;
	f->in.cap -= used;
}

static void ask(struct fake *f, struct mr_arena *arena)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_dns_answer a;
	struct mr_wire w;

	mr_dns_view_get(view, MR_LIT("one.test"), MR_DNS_TXT);
	mr_dns_view_get(view, MR_LIT("two.test"), MR_DNS_A);
	report(f, "PARTIAL", view, false);
	for (int i = 0; i < 2; i++) {
		take(f, arena, &w);
		if (mr_scanwire_answer_decode(&w, arena, &a) < 0)
			_exit(3);
		mr_dns_view_add(view, &a);
	}
	report(f, "ANSWERED", NULL, false);
	mr_dns_view_free(view);
}

static void partial(struct fake *f)
{
	struct mr_dns_view *view = mr_dns_view_new();

	mr_dns_view_get(view, MR_LIT("one.test"), MR_DNS_TXT);
	report(f, "PARTIAL", view, false);
	mr_dns_view_free(view);
}

static void behave(struct fake *f, struct mr_arena *arena, const char *how)
{
	char line[512];

	if (strcmp(how, "good") == 0) {
		report(f, "GOOD", NULL, false);
	} else if (strcmp(how, "ask") == 0) {
		ask(f, arena);
	} else if (strcmp(how, "crash") == 0 || (strcmp(how, "crash-used") == 0 && f->served > 1)) {
		raise(SIGSEGV);
	} else if (strcmp(how, "crash-used") == 0) {
		report(f, "FRESH", NULL, false);
	} else if (strcmp(how, "last") == 0) {
		report(f, f->served > 1 ? "USED" : "FRESH", NULL, true);
	} else if (strcmp(how, "exit") == 0) {
		_exit(0);
	} else if (strcmp(how, "partial-hang") == 0) {
		partial(f);
		pause();
	} else if (strcmp(how, "hang") == 0) {
		pause();
	} else if (strcmp(how, "garbage") == 0) {
		say(f, "no netstring at all");
	} else if (strcmp(how, "endless") == 0) {
		say(f, "999999999:v=1\n");
	} else if (strcmp(how, "half") == 0) {
		say(f, "100:v=1\nid=");
		_exit(0);
	} else if (strcmp(how, "other-id") == 0) {
		f->id++;
		report(f, "GOOD", NULL, false);
	} else if (strcmp(how, "no-questions") == 0) {
		snprintf(line, sizeof(line), "v=1\nid=%ju\nstatus=questions\nrefuse=0\nsender=0\nauthor=0\n", (uintmax_t)f->id);
		dprintf(f->fd, "%zu:%s,", strlen(line), line);
	} else if (strcmp(how, "bad-symbol") == 0) {
		report(f, "not upper case\n", NULL, false);
	} else if (strcmp(how, "setup") == 0) {
		report(f, f->setup->hostname.p, NULL, false);
	} else if (strcmp(how, "twice") == 0) {
		report(f, "GOOD", NULL, false);
		report(f, "AGAIN", NULL, false);
	}
	if (strcmp(how, "good") && strcmp(how, "setup") && strcmp(how, "ask") && strcmp(how, "crash-used") && strcmp(how, "last"))
		pause();
}

static int fake_worker(int fd, const struct mr_worker_limits *limits, const struct mr_scan_setup *setup)
{
	struct fake f = { .fd = fd, .setup = setup, .in = MR_BUF(MR_WIRE_MAX) };
	struct mr_buf ready = MR_BUF(256);

	/* The limit tells a pool whose scanners never come to life. */
	if (limits->memory == 13)
		_exit(1);
	mr_scanwire_ready(&ready);
	say(&f, ready.p);
	for (;;) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_scan_input in;
		struct mr_wire w;
		bool follows;

		take(&f, arena, &w);
		if (mr_scanwire_request_decode(&w, arena, &in, &follows) < 0 || mr_wire_u64(&w, "id", UINT64_MAX, &f.id) < 0)
			_exit(4);
		f.served++;
		behave(&f, arena, in.sender.p);
	}
}

/* -- helpers -- */

static struct mr_loop *loop;

#define until(condition)                                                                                                                   \
	do {                                                                                                                               \
		uint64_t end_ = mr_now_ms() + PATIENCE_MS;                                                                                 \
		while (!(condition) && mr_now_ms() < end_) {                                                                               \
			mr_loop_once(loop);                                                                                                \
			usleep(1000);                                                                                                      \
		}                                                                                                                          \
		assert_true(condition);                                                                                                    \
	} while (0)

static int memfd_of(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, MR_SPOOL_LEAD, MR_SPOOL_LEAD_N), MR_SPOOL_LEAD_N);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

/* -- the pool alone -- */

struct outcome {
	struct mr_pool_task task;
	struct mr_scan_input in;
	struct mr_pool *pool;
	bool over, died;
	unsigned questions;
	char symbol[MR_SYMBOL_NAME_MAX + 1];
};

static void on_questions(struct mr_pool_task *t, const struct mr_scan_report *r)
{
	struct outcome *o = t->arg;

	o->questions += (unsigned)r->n_questions;
	for (size_t i = 0; i < r->n_questions; i++) {
		struct mr_dns_answer a = { .name = (char *)r->questions[i].name,
					   .type = (uint16_t)r->questions[i].type,
					   .status = MR_DNS_NXDOMAIN };

		mr_pool_answer(o->pool, t, &a);
	}
}

static void on_done(struct mr_pool_task *t, const struct mr_scan_report *r)
{
	struct outcome *o = t->arg;

	assert_false(o->over);
	o->over = true;
	o->died = !r;
	if (r && r->result.n_symbols)
		snprintf(o->symbol, sizeof(o->symbol), "%.*s", (int)r->result.symbols[0].name.n, r->result.symbols[0].name.p);
}

static void submit(struct mr_pool *pool, struct outcome *o, int memfd, const char *how)
{
	*o = (struct outcome){ .in = { .sender = mr_slice_of(how) }, .pool = pool };
	o->task = (struct mr_pool_task){ .in = &o->in, .memfd = memfd, .questions = on_questions, .done = on_done, .arg = o };
	mr_pool_submit(pool, &o->task);
}

static struct mr_pool *new_pool(unsigned scanners, unsigned messages, uint64_t memory)
{
	struct mr_pool_config c = { .program = "/proc/self/exe",
				    .scanners_max = scanners,
				    .messages_max = messages,
				    .limits = { .memory = memory, .cpu_seconds = 5 } };

	return mr_pool_new(loop, &c);
}

static void scanners_misbehave(void **state)
{
	static const struct {
		const char *how, *symbol; /* NULL: the scan must count as lost */
	} t[] = {
		{ "good", "GOOD" },  { "ask", "ANSWERED" }, { "crash", NULL },    { "exit", NULL },         { "garbage", NULL },
		{ "endless", NULL }, { "half", NULL },      { "other-id", NULL }, { "no-questions", NULL }, { "bad-symbol", NULL },
	};
	struct mr_pool *pool = new_pool(2, 1000, 0);
	int memfd = memfd_of("mail");

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct outcome bad, good;

		print_message("%s\n", t[i].how);
		submit(pool, &bad, memfd, t[i].how);
		submit(pool, &good, memfd, "good");
		until(bad.over && good.over);
		assert_int_equal(bad.died, t[i].symbol == NULL);
		assert_string_equal(bad.symbol, t[i].symbol ? t[i].symbol : "");
		assert_string_equal(good.symbol, "GOOD");
		assert_true(mr_pool_scanners(pool) <= 2);
	}
	mr_pool_free(pool);
	close(memfd);
}

/* Whatever follows a result was not asked for: at the latest the next message shows it, and never in its result. */
static void second_result(void **state)
{
	struct mr_pool *pool = new_pool(1, 1000, 0);
	int memfd = memfd_of("mail");
	struct outcome o;

	(void)state;
	submit(pool, &o, memfd, "twice");
	until(o.over);
	submit(pool, &o, memfd, "good");
	until(o.over);
	assert_string_not_equal(o.symbol, "AGAIN");
	mr_pool_free(pool);
	close(memfd);
}

static void stuck_scanner_is_replaced(void **state)
{
	struct mr_pool *pool = new_pool(1, 1000, 0);
	int memfd = memfd_of("mail");
	struct outcome stuck, waits, gone;

	(void)state;
	submit(pool, &stuck, memfd, "hang");
	submit(pool, &waits, memfd, "good");
	submit(pool, &gone, memfd, "good");
	until(stuck.task.scanner);
	assert_int_equal(mr_pool_waiting(pool), 2);
	mr_pool_cancel(pool, &gone.task);
	mr_pool_cancel(pool, &stuck.task);
	until(waits.over);
	assert_string_equal(waits.symbol, "GOOD");
	assert_false(stuck.over || gone.over);
	mr_pool_free(pool);
	close(memfd);
}

static void scanners_are_replaced_when_used_up(void **state)
{
	struct mr_pool *pool = new_pool(1, 1, 0);
	int memfd = memfd_of("mail");
	struct outcome o;

	(void)state;
	for (int i = 0; i < 3; i++) {
		submit(pool, &o, memfd, "crash-used");
		until(o.over);
		assert_string_equal(o.symbol, "FRESH");
	}
	mr_pool_free(pool);
	close(memfd);
}

static void scanners_that_say_so_are_replaced(void **state)
{
	struct mr_pool *pool = new_pool(1, 1000, 0);
	int memfd = memfd_of("mail");
	struct outcome o;

	(void)state;
	for (int i = 0; i < 3; i++) {
		submit(pool, &o, memfd, "last");
		until(o.over);
		assert_string_equal(o.symbol, "FRESH");
	}
	mr_pool_free(pool);
	close(memfd);
}

static void reload_drains_the_old(void **state)
{
	struct mr_pool *pool = new_pool(1, 1000, 0);
	struct mr_pool_config c = { .program = "/proc/self/exe", .scanners_max = 1, .messages_max = 1000, .limits = { .cpu_seconds = 5 } };
	int memfd = memfd_of("mail");
	struct outcome busy, next;

	(void)state;
	submit(pool, &busy, memfd, "hang");
	until(busy.task.scanner);
	mr_pool_reload(pool, &c);
	submit(pool, &next, memfd, "good");
	until(next.over);
	assert_string_equal(next.symbol, "GOOD");
	assert_false(busy.over);
	assert_int_equal(mr_pool_scanners(pool), 2);
	mr_pool_cancel(pool, &busy.task);
	until(mr_pool_scanners(pool) == 1);
	mr_pool_free(pool);
	close(memfd);
}

/* What scanners share comes with their master, also when it is large, and with a new one it is new. */
static void setup_comes_along(void **state)
{
	struct mr_buf words = MR_BUF(MR_WIRE_MAX);
	struct mr_pool_config c = { .program = "/proc/self/exe",
				    .scanners_max = 1,
				    .messages_max = 1000,
				    .limits = { .cpu_seconds = 5 },
				    .setup = { .hostname = MR_LIT("FIRST") } };
	int memfd = memfd_of("mail");
	struct mr_pool *pool;
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		mr_buf_puts(&words, "exe ");
	c.setup.forbidden_attachments = mr_buf_slice(&words);
	pool = mr_pool_new(loop, &c);
	mr_buf_done(&words);
	submit(pool, &o, memfd, "setup");
	until(o.over);
	assert_string_equal(o.symbol, "FIRST");
	c.setup = (struct mr_scan_setup){ .hostname = MR_LIT("SECOND") };
	mr_pool_reload(pool, &c);
	submit(pool, &o, memfd, "setup");
	until(o.over);
	assert_string_equal(o.symbol, "SECOND");
	mr_pool_free(pool);
	close(memfd);
}

/* Scanners that die before they are ready are nobody's fault: the message waits, and forks are paced. */
static void scanners_that_never_start(void **state)
{
	struct mr_pool *pool = new_pool(2, 1000, 13);
	struct mr_pool_config works = {
		.program = "/proc/self/exe", .scanners_max = 2, .messages_max = 1000, .limits = { .cpu_seconds = 5 }
	};
	int memfd = memfd_of("mail");
	uint64_t end = mr_now_ms() + 300;
	struct outcome o;

	(void)state;
	submit(pool, &o, memfd, "good");
	until(mr_now_ms() > end);
	assert_false(o.over);
	mr_pool_reload(pool, &works);
	until(o.over);
	assert_string_equal(o.symbol, "GOOD");
	mr_pool_free(pool);
	close(memfd);
}

/* -- messages, through the I/O loop -- */

struct site {
	struct mr_milter_conf conf;
	struct mr_settings *settings;
	struct mr_milter_io *io;
};

static char none[] = "", nowhere[] = "/nowhere", resolver[] = "127.0.0.1:1", host[] = "mx.test";

static void open_site(struct site *s)
{
	*s = (struct site){ .conf = { .shared = { .run_dir = nowhere,
						  .state_dir = nowhere,
						  .hostname = host,
						  .srs_domain = none,
						  .resolver = resolver,
						  .redis_socket = none,
						  .redis_address = none,
						  .dkim_keyring_file = none },
				      .scanners = 2,
				      .scanner_messages = 1000,
				      .scan_timeout = 1500,
				      .dns_timeout = 100,
				      .directory_timeout = 100 } };
	s->settings = mr_settings_new(&s->conf);
	assert_int_equal(mr_milter_io_new(loop, &s->conf, &s->io, NULL), 0);
}

static void close_site(struct site *s)
{
	mr_milter_io_free(s->io);
	mr_settings_unref(s->settings);
}

static struct mr_job *send_job(struct site *s, const char *how, const char *content)
{
	struct mr_job *j = mr_job_new(s->io, s->settings);

	j->sender = mr_strdup(how);
	j->helo = mr_strdup("");
	j->memfd = memfd_of(content);
	assert_int_equal(mr_job_map(j), 0);
	mr_milter_io_submit(j);
	until(mr_job_wait(j, 0));
	return j;
}

static void messages(void **state)
{
	static const struct {
		const char *how;
		bool scanned, held;
		const char *symbol;
	} t[] = {
		{ "good", true, false, "GOOD" },
		{ "ask", true, false, "ANSWERED" }, /* nobody answers: given up at dns_timeout */
		{ "crash", false, true, NULL },     /* twice: with a scanner and with a fresh one */
		{ "garbage", false, true, NULL },
		{ "crash-used", true, false, "FRESH" },     /* once only */
		{ "hang", false, false, NULL },             /* killed at the deadline, nothing known */
		{ "partial-hang", true, false, "PARTIAL" }, /* killed, and the known part counts */
	};
	struct site s;

	(void)state;
	open_site(&s);
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_job *warm = send_job(&s, "good", "warm"), *j;

		print_message("%s\n", t[i].how);
		j = send_job(&s, t[i].how, t[i].how);
		assert_int_equal(j->scanned, t[i].scanned);
		assert_int_equal(j->held, t[i].held);
		if (t[i].symbol)
			assert_slice(j->scan.symbols[0].name, t[i].symbol);
		mr_job_unref(warm);
		mr_job_unref(j);
	}
	close_site(&s);
}

/* A content that got a scanner stuck twice is not scanned a third time; others are. */
static void killers_are_held(void **state)
{
	static const bool held[] = { false, true, true };
	struct site s;

	(void)state;
	open_site(&s);
	for (size_t i = 0; i < MR_COUNT(held); i++) {
		struct mr_job *j = send_job(&s, "hang", "the same");

		assert_int_equal(j->held, held[i]);
		mr_job_unref(j);
		j = send_job(&s, "good", "another");
		assert_true(j->scanned && !j->held);
		mr_job_unref(j);
	}
	close_site(&s);
}

/* The directory is away: recipients are asked for, and stay unknown; what must be signed is not sent unsigned. */
static void directory_away(void **state)
{
	struct site s;
	struct mr_job *j;

	(void)state;
	open_site(&s);
	j = mr_job_new(s.io, s.settings);
	j->sender = mr_strdup("good");
	j->helo = mr_strdup("");
	j->from = mr_strdup("a@d.test");
	j->trusted = true;
	j->memfd = memfd_of("mail");
	mr_milter_io_resolve(mr_job_add_recipient(j, MR_LIT("a@d.test"), MR_LIT("")));
	assert_int_equal(mr_job_map(j), 0);
	mr_milter_io_submit(j);
	until(mr_job_wait(j, 0));
	assert_true(j->scanned);
	assert_int_equal(j->recipients[0]->resolved.status, MR_DIR_TEMP);
	assert_int_equal(j->sign, MR_SIGN_AWAY);
	mr_job_unref(j);
	close_site(&s);
}

/* The front gives a job up and the milter stops while it is being worked on. */
static void given_up(void **state)
{
	struct site s;
	struct mr_job *j;

	(void)state;
	open_site(&s);
	j = mr_job_new(s.io, s.settings);
	j->sender = mr_strdup("hang");
	j->helo = mr_strdup("");
	j->memfd = memfd_of("mail");
	assert_int_equal(mr_job_map(j), 0);
	mr_milter_io_submit(j);
	mr_job_unref(j);
	until(mr_milter_io_jobs(s.io) == 1 && mr_pool_waiting(mr_milter_io_pool(s.io)) == 0);
	close_site(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scanners_misbehave),
		cmocka_unit_test(second_result),
		cmocka_unit_test(stuck_scanner_is_replaced),
		cmocka_unit_test(scanners_are_replaced_when_used_up),
		cmocka_unit_test(scanners_that_say_so_are_replaced),
		cmocka_unit_test(reload_drains_the_old),
		cmocka_unit_test(setup_comes_along),
		cmocka_unit_test(scanners_that_never_start),
		cmocka_unit_test(messages),
		cmocka_unit_test(killers_are_held),
		cmocka_unit_test(directory_away),
		cmocka_unit_test(given_up),
	};
	int r;

	if (argc > 1 && strcmp(argv[1], MR_MASTER_ARG) == 0)
		return mr_master_main(argc, argv, fake_worker);
	mr_log_open("test", 0, MR_LOG_ERROR);
	loop = mr_loop_new();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	mr_loop_free(loop);
	return r;
}
