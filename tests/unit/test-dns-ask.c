/* test-dns-ask: against a real Unbound on loopback: every kind of answer, zones that libunbound would keep to itself, truncation, a
 * resolver that is silent, away, back again. */

/* system */
#include <errno.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "base/text.h"
#include "rt/clock.h"
#include "rt/dns.h"
#include "rt/file.h"
#include "rt/log.h"
#include "spawn.h"
#include "unit.h"

static char folder[64], config_path[128];
static unsigned port;
static pid_t server;
static struct mr_loop *loop;
static struct mr_dns *dns;
static struct mr_buf seen;

static const char zones[] = "local-zone: \"example.\" static\n"
			    "local-data: \"example. SOA ns.example. h.example. 1 1 1 1 60\"\n"
			    "local-data: \"mx.example. 300 MX 10 Mail.example.\"\n"
			    "local-data: \"a.example. 300 A 192.0.2.1\"\n"
			    "local-data: \"a.example. 300 A 192.0.2.2\"\n"
			    "local-data: \"a.example. AAAA 2001:db8::1\"\n"
			    "local-data: 'txt.example. 120 TXT \"one \" \"two\"'\n"
			    "local-zone: \"test.\" static\n"
			    "local-data: \"here.test. A 192.0.2.3\"\n"
			    "local-zone: \"invalid.\" static\n"
			    "local-data: \"here.invalid. A 192.0.2.4\"\n"
			    "local-zone: \"10.in-addr.arpa.\" static\n"
			    "local-data: \"1.0.0.10.in-addr.arpa. PTR host.example.\"\n"
			    "local-zone: \"localhost.\" static\n"
			    "local-data: \"localhost. A 192.0.2.5\"\n"
			    "local-zone: \"refuse.\" refuse\n"
			    "local-zone: \"silent.\" deny\n";

static void write_config(void)
{
	struct mr_buf text = MR_BUF(100000);

	mr_buf_printf(
	    &text,
	    "server:\n chroot: \"\"\n username: \"\"\n directory: \"\"\n pidfile: \"\"\n use-syslog: no\n module-config: \"iterator\"\n"
	    " interface: 127.0.0.1@%u\n do-ip6: no\n num-threads: 1\n local-zone: \".\" static\n",
	    port);
	mr_buf_puts(&text, zones);
	mr_buf_puts(&text, "local-data: 'big.example. TXT");
	for (int i = 0; i < 20; i++)
		mr_buf_printf(&text, " \"%0200d\"", i);
	mr_buf_puts(&text, "'\nremote-control:\n control-enable: no\n");
	assert_int_equal(mr_file_write(config_path, 0600, mr_buf_slice(&text), NULL), 0);
	mr_buf_done(&text);
}

static void start_server(void)
{
	char *argv[] = { "unbound", "-d", "-c", config_path, NULL };

	server = spawn(folder, argv);
	assert_true(server > 0);
}

static int setup(void **state)
{
	char resolver[64];

	mr_log_set_level(MR_LOG_ERROR);
	snprintf(folder, sizeof(folder), "/tmp/mr-test-dns-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(config_path, sizeof(config_path), "%s/conf", folder);
	port = free_port();
	write_config();
	seen = MR_BUF(100000);
	mr_buf_puts(&seen, "");
	loop = mr_loop_new();
	snprintf(resolver, sizeof(resolver), "127.0.0.1:%u", port);
	assert_int_equal(mr_dns_new(loop, resolver, &dns, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	char name[160];

	mr_dns_free(dns);
	mr_loop_free(loop);
	mr_buf_done(&seen);
	spawn_kill(&server);
	unlink(config_path);
	snprintf(name, sizeof(name), "%s/log", folder);
	unlink(name);
	return rmdir(folder);
}

static void stop(void *arg)
{
	mr_loop_stop(loop);
}

static void turn(void)
{
	mr_timer_start(loop, 20, stop, NULL);
	mr_loop_run(loop);
}

static void add_rr(const struct mr_dns_answer *a, const struct mr_dns_rr *rr)
{
	mr_buf_putc(&seen, ' ');
	if (a->type == MR_DNS_A || a->type == MR_DNS_AAAA)
		mr_hex_add(&seen, rr->data);
	else if (rr->data.n > 100)
		mr_buf_printf(&seen, "%zu bytes", rr->data.n);
	else
		mr_buf_add(&seen, rr->data);
	if (a->type == MR_DNS_MX)
		mr_buf_printf(&seen, "/%u", rr->preference);
}

static void on_answer(const struct mr_dns_answer *a, void *arg)
{
	static const char *const names[] = { "ok", "nodata", "nxdomain", "temp", "bogus" };

	assert_false(a->secure);
	mr_buf_printf(&seen, "%s", names[a->status]);
	if (a->status == MR_DNS_OK)
		mr_buf_printf(&seen, "(%u)", a->ttl);
	for (size_t i = 0; i < a->n_rrs; i++)
		add_rr(a, &a->rrs[i]);
	mr_buf_putc(&seen, ';');
}

static void ask(const char *name, enum mr_dns_type type, uint64_t ms)
{
	size_t before = seen.n;

	mr_dns_ask(dns, name, type, mr_now_ms() + ms, on_answer, NULL);
	assert_int_equal(seen.n, before); /* never from inside */
}

/* Asks and returns the answer as text. */
static const char *answer(const char *name, enum mr_dns_type type, uint64_t ms)
{
	mr_buf_reset(&seen);
	ask(name, type, ms);
	for (int i = 0; i < 500 && seen.n == 0; i++)
		turn();
	return seen.p;
}

static void wait_server(void)
{
	for (int i = 0; i < 500 && strncmp(answer("a.example", MR_DNS_AAAA, 500), "ok", 2) != 0; i++)
		turn();
	assert_int_equal(strncmp(seen.p, "ok", 2), 0);
}

static void test_answers(void **state)
{
	static const struct {
		const char *name;
		enum mr_dns_type type;
		const char *answer;
	} cases[] = {
		{ "mx.example", MR_DNS_MX, "ok(300) mail.example/10;" },
		{ "A.Example", MR_DNS_AAAA, "ok(3600) 20010db8000000000000000000000001;" },
		{ "txt.example", MR_DNS_TXT, "ok(120) one two;" },
		{ "a.example", MR_DNS_MX, "nodata;" },
		{ "none.example", MR_DNS_A, "nxdomain;" },
		{ "big.example", MR_DNS_TXT, "ok(3600) 4000 bytes;" }, /* over TCP: more than any UDP answer here */
		{ "refuse", MR_DNS_A, "temp;" },
		/* What libunbound would answer itself. */
		{ "here.test", MR_DNS_A, "ok(3600) c0000203;" },
		{ "here.invalid", MR_DNS_A, "ok(3600) c0000204;" },
		{ "1.0.0.10.in-addr.arpa", MR_DNS_PTR, "ok(3600) host.example;" },
		{ "localhost", MR_DNS_A, "ok(3600) c0000205;" },
		{ "none.test", MR_DNS_A, "nxdomain;" },
		/* No names at all. */
		{ "a..b", MR_DNS_A, "nxdomain;" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789.example", MR_DNS_A, "nxdomain;" },
	};

	start_server();
	wait_server();
	for (size_t i = 0; i < MR_COUNT(cases); i++)
		assert_string_equal(answer(cases[i].name, cases[i].type, 10000), cases[i].answer);
}

static void test_silent(void **state)
{
	uint64_t from;

	start_server();
	wait_server();
	from = mr_now_ms();
	assert_string_equal(answer("a.silent", MR_DNS_A, 300), "temp;");
	assert_in_range(mr_now_ms() - from, 300, 1000);
	assert_string_equal(answer("a.silent", MR_DNS_A, 0), "temp;");
	assert_string_equal(answer("mx.example", MR_DNS_MX, 10000), "ok(300) mail.example/10;");
}

/* Names that the resolver cannot find out about in time, as anybody may make them, cost no other name its answer. */
static void test_silent_about_some(void **state)
{
	start_server();
	wait_server();
	for (int i = 0; i < 3; i++) {
		char name[64];

		mr_buf_reset(&seen);
		for (int j = 0; j < 5; j++) {
			snprintf(name, sizeof(name), "n%d-%d.silent", i, j);
			ask(name, MR_DNS_TXT, 2500 + 300 * (uint64_t)j);
		}
		for (int j = 0; j < 500 && strcmp(seen.p, "temp;temp;temp;temp;temp;") != 0; j++)
			turn();
		assert_string_equal(seen.p, "temp;temp;temp;temp;temp;");
		for (int j = 0; j < 10; j++)
			assert_string_equal(answer("mx.example", MR_DNS_MX, 10000), "ok(300) mail.example/10;");
	}
}

static void test_away_and_back(void **state)
{
	uint64_t from;

	for (int i = 0; i < 20; i++)
		assert_string_equal(answer("a.example", MR_DNS_AAAA, 200), "temp;");
	start_server();
	from = mr_now_ms();
	wait_server();
	assert_in_range(mr_now_ms() - from, 0, 7000);
	spawn_kill(&server);
	for (int i = 0; i < 20; i++)
		assert_string_equal(answer("mx.example", MR_DNS_MX, 100), "temp;");
	start_server();
	from = mr_now_ms();
	wait_server();
	assert_in_range(mr_now_ms() - from, 0, 7000);
}

static void test_many(void **state)
{
	char name[64];
	size_t lost = 0;

	start_server();
	wait_server();
	mr_buf_reset(&seen);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		ask(name, MR_DNS_A, 20000);
	}
	for (int i = 0; i < 1000 && seen.n < 2000 * strlen("nxdomain;"); i++)
		turn();
	for (const char *p = seen.p; (p = strstr(p, "temp;")); p++)
		lost++;
	assert_int_equal(lost, 0);
	assert_int_equal(seen.n, 2000 * strlen("nxdomain;"));
}

static void test_free_is_quiet(void **state)
{
	start_server();
	wait_server();
	mr_buf_reset(&seen);
	ask("a.silent", MR_DNS_A, 1000);
	ask("a..b", MR_DNS_A, 1000);
	mr_dns_free(dns);
	dns = NULL;
	turn();
	assert_string_equal(seen.p, "");
}

static void test_resolver_text(void **state)
{
	static const char *const bad[] = { "", "127.0.0.1", ":53" };
	struct mr_dns *other = NULL;
	struct mr_diag diag = { 0 };

	for (size_t i = 0; i < MR_COUNT(bad); i++)
		assert_true(mr_dns_new(loop, bad[i], &other, &diag) < 0);
	assert_null(other);
	assert_non_null(strstr(diag.text, "not ADDRESS:PORT"));
	assert_int_equal(mr_dns_new(loop, "[::1]:53", &other, &diag), 0);
	mr_dns_free(other);
}

static void test_check(void **state)
{
	struct mr_diag diag = { 0 };
	char resolver[64];

	snprintf(resolver, sizeof(resolver), "127.0.0.1:%u", port);
	assert_int_equal(mr_dns_check(resolver, 200, &diag), -EAGAIN);
	assert_non_null(strstr(diag.text, resolver));
	assert_true(mr_dns_check("127.0.0.1", 200, NULL) < 0);
	start_server();
	wait_server();
	assert_int_equal(mr_dns_check(resolver, 5000, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers),       TEST(test_silent),        TEST(test_away_and_back), TEST(test_many),
		TEST(test_free_is_quiet), TEST(test_resolver_text), TEST(test_check),         TEST(test_silent_about_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
