/* test-dns-servers: a zone on two name servers and a resolver, all of them real Unbounds on loopback: where the zone is cut, what each
 * server says, one that is silent, one that has no address. */

/* system */
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "rt/clock.h"
#include "rt/dns-servers.h"
#include "rt/file.h"
#include "rt/log.h"
#include "spawn.h"
#include "unit.h"

static char folder[64], resolver[64];
static unsigned port, server_port;
static pid_t running[3];
static struct mr_loop *loop;
static struct mr_buf seen;

/* What the resolver knows. sub.example is a zone of its own; star.example has an alias for all that is not there; bare. has no servers. */
static const char found[] = "local-data: \". NS root.example.\"\n"
			    "local-data: \"example. NS ns1.example.\"\n"
			    "local-data: \"example. NS NS2.example.\"\n"
			    "local-data: \"ns1.example. A 127.0.0.1\"\n"
			    "local-data: \"ns1.example. AAAA ::1\"\n"
			    "local-data: \"ns2.example. A 127.0.0.2\"\n"
			    "local-data: \"sub.example. NS ns2.example.\"\n"
			    "local-data: \"lost.example. NS ns1.example.\"\n"
			    "local-data: \"lost.example. NS nowhere.example.\"\n"
			    "local-data: \"away.example. NS away.example.\"\n"
			    "local-data: \"away.example. A 127.0.0.3\"\n"
			    "local-data: \"_d.star.example. CNAME sub.example.\"\n"
			    "local-zone: \"dark.example.\" deny\n";
static const char *const held[] = {
	"local-data: 'k._d.example. TXT \"new\"'\nlocal-data: 'k._d.lost.example. TXT \"new\"'\nlocal-data: 'k._d.star.example. TXT "
	"\"new\"'\n",
	"local-data: 'k._d.example. TXT \"old\"'\nlocal-data: 'k._d.sub.example. TXT \"sub\"'\nlocal-data: 'k._d.star.example. TXT "
	"\"new\"'\n",
};

static void start(size_t i, const char *address, unsigned on, const char *data)
{
	struct mr_buf text = MR_BUF(10000);
	char path[128];
	char *argv[] = { "unbound", "-d", "-c", path, NULL };

	snprintf(path, sizeof(path), "%s/conf%zu", folder, i);
	mr_buf_printf(&text,
		      "server:\n chroot: \"\"\n username: \"\"\n directory: \"\"\n pidfile: \"\"\n use-syslog: no\n"
		      " module-config: \"iterator\"\n interface: %s@%u\n do-ip6: no\n num-threads: 1\n local-zone: \".\" static\n%s"
		      "remote-control:\n control-enable: no\n",
		      address, on, data);
	assert_int_equal(mr_file_write(path, 0600, mr_buf_slice(&text), NULL), 0);
	mr_buf_done(&text);
	running[i] = spawn(folder, argv);
	assert_true(running[i] > 0);
}

static int setup(void **state)
{
	mr_log_set_level(MR_LOG_ERROR);
	snprintf(folder, sizeof(folder), "/tmp/mr-test-servers-XXXXXX");
	assert_non_null(mkdtemp(folder));
	port = free_port();
	server_port = free_port();
	snprintf(resolver, sizeof(resolver), "127.0.0.1:%u", port);
	start(0, "127.0.0.1", port, found);
	start(1, "127.0.0.1", server_port, held[0]);
	start(2, "127.0.0.2", server_port, held[1]);
	seen = MR_BUF(100000);
	loop = mr_loop_new();
	return 0;
}

static int teardown(void **state)
{
	char name[160];

	mr_loop_free(loop);
	mr_buf_done(&seen);
	for (size_t i = 0; i < MR_COUNT(running); i++) {
		spawn_kill(&running[i]);
		snprintf(name, sizeof(name), "%s/conf%zu", folder, i);
		unlink(name);
	}
	snprintf(name, sizeof(name), "%s/log", folder);
	unlink(name);
	return rmdir(folder);
}

static void on_answers(const struct mr_dns_servers *s, void *arg)
{
	const char *name = arg;

	if (s->problem)
		mr_buf_puts(&seen, s->problem);
	for (size_t i = 0; i < s->n; i++) {
		const struct mr_dns_answer *a = mr_dns_view_get(s->v[i].view, mr_slice_of(name), MR_DNS_TXT);
		static const char *const words[] = { "ok", "nodata", "nxdomain", "temp", "bogus" };

		assert_non_null(a);
		mr_buf_printf(&seen, "%s[%s] %s", s->v[i].name, s->v[i].address, words[a->status]);
		for (size_t k = 0; k < a->n_rrs; k++)
			mr_buf_printf(&seen, " %.*s", (int)a->rrs[k].data.n, a->rrs[k].data.p);
		mr_buf_puts(&seen, "; ");
	}
	mr_loop_stop(loop);
}

static const char *ask(const char *inside, const char *name, uint64_t ms)
{
	struct mr_dns_servers_ask how = { .resolver = resolver,
					  .port = server_port,
					  .inside = inside,
					  .names = &name,
					  .n_names = 1,
					  .type = MR_DNS_TXT,
					  .deadline_ms = mr_now_ms() + ms };

	mr_buf_reset(&seen);
	assert_int_equal(mr_dns_servers_ask(loop, &how, on_answers, (void *)(uintptr_t)name, NULL), 0);
	assert_int_equal(seen.n, 0);
	mr_loop_run(loop);
	return seen.p;
}

#define FIRST  "ns1.example[127.0.0.1] "
#define SECOND "ns2.example[127.0.0.2] "

/* The servers need a moment to listen; then their order is what the resolver makes it. */
static void expect(const char *inside, const char *name, const char *wanted, const char *other_order)
{
	const char *got = "";

	for (int i = 0; i < 100; i++) {
		got = ask(inside, name, 3000);
		if (strcmp(got, wanted) == 0 || strcmp(got, other_order) == 0)
			return;
		usleep(50 * 1000);
	}
	assert_string_equal(got, wanted);
}

static void test_servers_differ(void **state)
{
	expect("_d.example", "k._d.example", FIRST "ok new; " SECOND "ok old; ", SECOND "ok old; " FIRST "ok new; ");
	expect("_d.example", "none._d.example", FIRST "nxdomain; " SECOND "nxdomain; ", SECOND "nxdomain; " FIRST "nxdomain; ");
}

static void test_nearest_zone(void **state)
{
	expect("_d.sub.example", "k._d.sub.example", SECOND "ok sub; ", "");
	expect("sub.example", "k._d.sub.example", SECOND "ok sub; ", "");
}

static void test_alias_is_no_zone(void **state)
{
	expect("_d.star.example", "k._d.star.example", FIRST "ok new; " SECOND "ok new; ", SECOND "ok new; " FIRST "ok new; ");
}

static void test_server_without_address(void **state)
{
	expect("_d.lost.example", "k._d.lost.example", FIRST "ok new; nowhere.example[] temp; ",
	       "nowhere.example[] temp; " FIRST "ok new; ");
}

static void test_server_away(void **state)
{
	assert_string_equal(ask("_d.away.example", "k._d.away.example", 1500), "away.example[127.0.0.3] temp; ");
}

static void test_zone_not_known(void **state)
{
	assert_string_equal(ask("_d.dark.example", "k._d.dark.example", 300), "DNS cannot be asked now");
	expect("_d.other", "k._d.other", "no zone is found that it could be in", "");
}

static void test_resolver_holds_the_zone(void **state)
{
	unsigned first = port;

	snprintf(resolver, sizeof(resolver), "127.0.0.2:%u", server_port); /* knows of no NS records */
	expect("_d.example", "k._d.example", "[] ok old; ", "");
	snprintf(resolver, sizeof(resolver), "127.0.0.1:%u", first);
}

static void test_no_resolver(void **state)
{
	struct mr_dns_servers_ask how = { .resolver = "nonsense", .inside = "example" };

	assert_true(mr_dns_servers_ask(loop, &how, on_answers, NULL, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers_differ),
		cmocka_unit_test(test_nearest_zone),
		cmocka_unit_test(test_alias_is_no_zone),
		cmocka_unit_test(test_server_without_address),
		cmocka_unit_test(test_server_away),
		cmocka_unit_test(test_zone_not_known),
		cmocka_unit_test(test_resolver_holds_the_zone),
		cmocka_unit_test(test_no_resolver),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
