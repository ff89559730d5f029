/* test-lookup-sessions: lookup's sockets as clients see them: right questions, garbage, half requests, a megabyte without an end, clients
 * that do not read, a database that is away, slow or back. The clock and the database are the test's. */

/* system */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ours */
#include "lookup.h"
#include "proto/netstring.h"
#include "rt/clock.h"
#include "rt/generation.h"
#include "rt/log.h"
#include "rt/sock.h"
#include "support/fakesource.h"
#include "unit/unit.h"

#define DEADLINE 10000

static struct mr_lookup l;
static struct rowtext *text;
static struct fakesource source;
static char folder[] = "/tmp/mr-lookup-sessions-XXXXXX";
static bool answering; /* the database answers at once */

static struct mr_server *serve(const struct mr_server_ops *what, const char *name)
{
	struct mr_server_ops ops = *what;
	struct mr_diag diag = { 0 };
	char path[128];

	ops.clients_max = 10;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = mr_listen_unix(path, 0660, &diag);
	assert_true(fd >= 0);
	struct mr_server *s = mr_server_new(l.loop, &ops, &l);
	mr_server_listen(s, fd);
	return s;
}

static void open_parts(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/generation", folder);
	l = (struct mr_lookup){ .loop = mr_loop_new(), .source = &source.source, .scratch = mr_arena_new(0), .deadline_ms = DEADLINE };
	assert_int_equal(mr_generation_new(path, &l.generation, NULL), 0);
	const struct mr_rows_config r = { .max = 1000,
					  .age_ms = 3600000,
					  .negative_age_ms = 3600000,
					  .stale_ms = 7200000,
					  .late_ms = 3600000,
					  .generation = l.generation };
	const struct mr_questions_config q = { .deadline_ms = DEADLINE, .stale_wait_ms = 500, .open_max = 100 };

	l.site = (struct mr_site){ .delimiter = '-', .hostname = MR_LIT("mx.test"), .forward = MR_LIT("smtp:[127.0.0.1]:10027") };
	l.site.srs = (struct mr_srs){ .secrets = { MR_LIT("secret") }, .n_secrets = 1, .domain = MR_LIT("mx.test") };
	l.rows = mr_rows_new(&r, l.source);
	mr_rows_verified(l.rows, mr_now_ms());
	l.questions = mr_questions_new(l.loop, &q, l.rows, &l.site);
	l.usage = mr_usage_new(l.loop, &(struct mr_usage_config){ .path = "", .redis_prefix = "" });
	l.context = (struct mr_directory_context){ .usage = l.usage,
						   .defaults.at = { NAN, NAN, 6, NAN, 15, NAN, NAN },
						   .generation = l.generation };
}

static int setup(void **state)
{
	struct mr_diag diag = { 0 };
	char path[128];

	mr_clock_fake(1000000, 1800000000);
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	text = rowtext_new(MR_LIT(
	    "domain e.test dkim s1 junk 5 greylist 3 outbound 8 deny bad@x.test limits user_messages_5/1h_defer,domain_messages_9/1h_hold\n"
	    "mailbox john@e.test quota 1000 deny worse@x.test limits user_messages_7/1h_defer\nmailbox off@e.test off\n"
	    "mailbox shut@e.test locked\nmailbox robot@e.test send-only junk 4 outbound 20 outbound_reject 30\n"
	    "alias all@e.test john@e.test out@f.test\nalias staff@e.test rights internal john@e.test\n"
	    "alias club@e.test rights boss@e.test,members All@e.test Far@f.test off@e.test\n"
	    "alias open@e.test staff@e.test club@e.test staff+x@e.test\n"
	    "global deny worst@x.test limits user_messages_1/1h_defer,address_*_recipients_8/1h_reject\n"));
	fakesource_init(&source, text);
	answering = true;
	open_parts();
	l.maps = serve(&mr_session_socketmap, "map");
	l.secret_maps = serve(&mr_session_secret_maps, "relay");
	l.directory = serve(&mr_session_directory, "directory");
	l.passdb = serve(&mr_session_passdb, "passdb");
	l.keys = serve(&mr_session_keys, "keys");
	snprintf(path, sizeof(path), "%s/usage", folder);
	l.usage_socket = mr_usage_socket_new(&l, mr_listen_dgram(path, 0660, &diag));
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "map", "directory", "passdb", "keys", "relay", "usage", "generation" };
	char path[128];

	mr_usage_socket_free(l.usage_socket);
	mr_questions_free(l.questions);
	fakesource_done(&source);
	mr_usage_free(l.usage);
	mr_rows_free(l.rows);
	mr_generation_free(l.generation);
	mr_server_free(l.maps);
	mr_server_free(l.secret_maps);
	mr_server_free(l.directory);
	mr_server_free(l.passdb);
	mr_server_free(l.keys);
	mr_arena_free(l.scratch);
	mr_loop_free(l.loop);
	rowtext_free(text);
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
	mr_clock_real();
	return 0;
}

static void spin(void)
{
	for (int i = 0; i < 20; i++) {
		mr_loop_once(l.loop);
		if (answering)
			fake_arrive_all(&source, 0);
	}
}

static void pass(uint64_t ms)
{
	mr_clock_advance(ms);
	mr_rows_verified(l.rows, mr_now_ms());
	spin();
}

static int dial(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = mr_connect_unix(path);
	assert_true(fd >= 0);
	return fd;
}

static void put(int fd, struct mr_slice bytes)
{
	assert_int_equal(send(fd, bytes.p, bytes.n, MSG_NOSIGNAL), bytes.n);
	spin();
}

/* All that has come so far; "closed" when the connection is over. */
static const char *got(int fd)
{
	static char bytes[65536];
	ssize_t n = recv(fd, bytes, sizeof(bytes) - 1, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "closed";
	bytes[n < 0 ? 0 : n] = '\0';
	return bytes;
}

static const char *ask_map(int fd, const char *question)
{
	char bytes[512];
	int n = snprintf(bytes, sizeof(bytes), "%zu:%s,", strlen(question), question);

	put(fd, (struct mr_slice){ bytes, (size_t)n });
	return got(fd);
}

/* Lines without "v=1" and the id's; NULL ends them. */
static const char *ask_wire(int fd, unsigned id, const char *cmd, const char *key, const char *value)
{
	struct mr_buf out = MR_BUF(100000);
	struct mr_wire_out w;

	mr_wire_begin(&w, "cmd", cmd, id);
	if (key)
		mr_wire_puts(&w, key, value);
	mr_wire_end(&w, &out);
	put(fd, mr_buf_slice(&out));
	mr_buf_done(&out);
	return got(fd);
}

static const char *ask_key(int fd, unsigned id, const char *domain, const char *selector)
{
	struct mr_buf out = MR_BUF(1000);
	struct mr_wire_out w;

	mr_wire_begin(&w, "cmd", "dkim-key", id);
	mr_wire_puts(&w, "domain", domain);
	mr_wire_puts(&w, "selector", selector);
	mr_wire_end(&w, &out);
	put(fd, mr_buf_slice(&out));
	mr_buf_done(&out);
	return got(fd);
}

static void has(const char *answer, const char *line)
{
	if (strstr(answer, line) == NULL)
		print_error("no \"%s\" in:\n%s\n", line, answer);
	assert_non_null(strstr(answer, line));
}

static void has_not(const char *answer, const char *line)
{
	if (strstr(answer, line))
		print_error("\"%s\" in:\n%s\n", line, answer);
	assert_null(strstr(answer, line));
}

static void maps(void **state)
{
	int fd = dial("map");

	assert_string_equal(ask_map(fd, "domain e.test"), "9:OK e.test,");
	assert_string_equal(ask_map(fd, "mailbox john@e.test"), "14:OK john@e.test,");
	assert_string_equal(ask_map(fd, "alias all@e.test"), "26:OK john@e.test, out@f.test,");
	assert_string_equal(ask_map(fd, "alias john-x@e.test"), "16:OK john+x@e.test,");
	assert_string_equal(ask_map(fd, "mailbox robot@e.test"), "9:NOTFOUND ,");
	assert_string_equal(ask_map(fd, "sender-transport \"<>\""), "9:NOTFOUND ,");
	assert_string_equal(ask_map(fd, "sender-transport a@f.test"), "25:OK smtp:[127.0.0.1]:10027,");
	has(ask_map(fd, "nonsense x"), ":PERM ");
	assert_string_equal(ask_map(fd, "domain "), "9:NOTFOUND ,");
	put(fd, MR_LIT("12:domain e.test,")); /* a length that is wrong */
	assert_string_equal(got(fd), "closed");
	close(fd);
}

static void map_answers_in_order(void **state)
{
	int fd = dial("map");

	answering = false;
	put(fd, MR_LIT("13:domain e.test,11:nonsense xy,13:domain f.test,"));
	assert_string_equal(got(fd), "");
	answering = true;
	spin();
	const char *answer = got(fd);
	assert_int_equal(strncmp(answer, "9:OK e.test,", 12), 0);
	assert_true(strstr(answer, "PERM") < strstr(answer, "NOTFOUND"));
	close(fd);
}

static void garbage_harms_only_itself(void **state)
{
	static char megabyte[1 << 20];
	static const struct {
		const char *socket;
		struct mr_slice bytes;
	} bad[] = {
		{ "map", MR_LIT("GET / HTTP/1.1\r\n\r\n") },
		{ "map", MR_LIT("999999999:x") },
		{ "map", MR_LIT("8:no-space,") },
		{ "map", MR_LIT("\0\0\0\0") },
		{ "directory", MR_LIT("hello\n") },
		{ "directory", MR_LIT("5:hello,") },
		{ "directory", MR_LIT("15:v=9\nid=1\ncmd=x\n,") },
		{ "passdb", MR_LIT("99999999:") },
		{ "keys", MR_LIT("-1:") },
	};
	int good = dial("map");

	for (size_t i = 0; i < MR_COUNT(bad); i++) {
		int fd = dial(bad[i].socket);
		put(fd, bad[i].bytes);
		assert_string_equal(got(fd), "closed");
		close(fd);
		assert_string_equal(ask_map(good, "domain e.test"), "9:OK e.test,");
	}
	memset(megabyte, '1', sizeof(megabyte));
	for (size_t i = 0; i < 2; i++) {
		int fd = dial(i ? "directory" : "map");
		send(fd, megabyte, sizeof(megabyte), MSG_NOSIGNAL | MSG_DONTWAIT);
		spin();
		assert_string_equal(got(fd), "closed");
		close(fd);
	}
	assert_string_equal(ask_map(good, "domain e.test"), "9:OK e.test,");
	close(good);
}

static void half_a_request(void **state)
{
	int fd = dial("map"), idle = dial("map");

	put(fd, MR_LIT("13:domain e."));
	pass(29000);
	assert_string_equal(got(fd), "");
	pass(2000);
	assert_string_equal(got(fd), "closed");
	assert_string_equal(ask_map(idle, "domain e.test"), "9:OK e.test,"); /* silence between requests is fine */
	close(fd);
	close(idle);
}

/* Asks and asks, and never reads: at some point nothing more is taken from it; others go on. */
static void slow_client(void **state)
{
	static const char question[] = "16:alias all@e.test,";
	int fd = dial("map"), other = dial("map");
	size_t sent = 0, turns = 0;

	for (ssize_t n = 0; n >= 0 && turns < 100; turns++) {
		while ((n = send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
			sent += (size_t)n;
		size_t before = sent;
		spin();
		while ((n = send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
			sent += (size_t)n;
		n = sent > before ? 0 : -1;
	}
	assert_true(turns < 100);
	assert_string_equal(ask_map(other, "domain e.test"), "9:OK e.test,");
	close(fd);
	close(other);
	spin();
}

static void directory(void **state)
{
	int fd = dial("directory");
	const char *a = ask_wire(fd, 7, "resolve", "address", "All@e.test");

	has(a, "id=7\nstatus=ok\n");
	has(a, "deliver=john@e.test\n");
	has(a, "deliver=out@f.test\n");
	has(a, "quota=1000\n");
	has(a, "greylist_score=3.000\njunk_score=5.000\nreject_score=15.000\noutbound_score=8.000\n");
	has_not(a, "header_score");
	has(a, "deny=worse@x.test\ndeny=bad@x.test\ndeny=worst@x.test\n"); /* the user's, the domain's, the global ones */
	has_not(a, "secret");
	has_not(a, "right=");
	a = ask_wire(fd, 7, "resolve", "address", "staff@e.test");
	has(a, "hosted=1\nright=staff@e.test\ninternal=1\ndeliver=john@e.test\n");
	a = ask_wire(fd, 7, "resolve", "address", "club+x@e.test"); /* members: the destinations, and who is behind them */
	has(a, "right=club@e.test\ninternal=0\nwho=boss@e.test\nwho=all@e.test\nwho=far@f.test\nwho=off@e.test\nwho=john@e.test\nwho=out@f."
	       "test\n"
	       "who=far@f.test\nwho=off@e.test\ndeliver=");
	a = ask_wire(fd, 7, "resolve", "address", "open@e.test"); /* of all aliases on the way, each once */
	has(a, "hosted=1\nright=staff@e.test\ninternal=1\nright=club@e.test\ninternal=0\nwho=boss");
	has(ask_wire(fd, 8, "resolve", "address", "nobody@e.test"), "status=notfound");
	has(ask_wire(fd, 8, "resolve", "address", "robot@e.test"), "status=notfound");
	has_not(a, "limit=");
	a = ask_wire(fd, 9, "account", "address", "john@e.test"); /* the nearest */
	has(a, "limit=user messages 7/1h defer\nlimit=domain messages 9/1h hold\nlimit=address * recipients 8/1h reject\n");
	has_not(a, "messages 5/1h");
	a = ask_wire(fd, 9, "account", "address", "ROBOT@e.test");
	has(a, "limit=user messages 5/1h defer\n");
	has(a, "address=robot@e.test\n");
	has(a, "send_only=1\n");
	has(a, "receive=0\n");
	has(a, "greylist_score=3.000\njunk_score=4.000\nreject_score=15.000\noutbound_score=20.000\noutbound_reject_score=30.000\n");
	has(ask_wire(fd, 10, "account", "address", "john-x@e.test"), "status=notfound");
	a = ask_wire(fd, 11, "sender", "address", "john@e.test");
	has(a, "domain=e.test\nselector=s1\n");
	has(ask_wire(fd, 12, "sender", "address", "x@f.test"), "status=ok");
	has(ask_wire(fd, 13, "resolve", NULL, NULL), "status=bad");
	has(ask_wire(fd, 14, "explode", "address", "x"), "status=bad");
	has(ask_wire(fd, 15, "passdb", "address", "john@e.test"), "status=bad"); /* no secrets on this socket */
	has(ask_wire(fd, 16, "dkim-key", "domain", "e.test"), "status=bad");
	has(ask_wire(fd, 17, "resolve", "address", ""), "status=notfound");
	close(fd);
}

/* What is secret is not among the maps that everybody may ask. */
static void secret_maps(void **state)
{
	int maps = dial("map"), secret = dial("relay");

	has(ask_map(maps, "relay-password john@e.test"), "PERM there is no such map");
	has(ask_map(secret, "alias all@e.test"), "PERM there is no such map");
	has(ask_map(secret, "relay-password john@e.test"), "TEMP this sender has no log-in");
	close(maps);
	close(secret);
}

static void passdb_and_keys(void **state)
{
	int fd = dial("passdb"), keys = dial("keys");
	const char *a = ask_wire(fd, 1, "passdb", "address", "John@E.test");

	has(a, "password={PLAIN}secret\n");
	has(a, "enabled=1\n");
	a = ask_wire(fd, 2, "passdb", "address", "off@e.test");
	has(a, "status=ok\n");
	has(a, "enabled=0\n");
	a = ask_wire(fd, 2, "passdb", "address", "shut@e.test");
	has(a, "enabled=0\n");
	has(a, "receive=1\nlocked=1\n");
	has(ask_wire(fd, 3, "passdb", "address", "nobody@e.test"), "status=notfound");
	has(ask_wire(fd, 4, "passdb", "address", "all@e.test"), "status=notfound");
	has(ask_wire(fd, 5, "passdb", "address", "john-x@e.test"), "status=notfound");
	a = ask_wire(fd, 6, "userdb", "address", "john@e.test");
	has(a, "quota=1000\n");
	has_not(a, "secret");
	has(ask_wire(fd, 7, "dkim-key", "domain", "e.test"), "status=bad");
	has(ask_key(keys, 8, "e.test", "s1"), "sealed=v1:sealed\n");
	has(ask_wire(keys, 9, "dkim-key", "domain", "e.test"), "status=bad");
	close(fd);
	close(keys);
}

static void iterate(void **state)
{
	char first[] = "john@e.test", second[] = "off@e.test", *const page[] = { first, second };
	int fd = dial("passdb");

	assert_string_equal(ask_wire(fd, 1, "iterate", "after", ""), "");
	assert_int_equal(source.page.limit, 1000);
	source.page_open = false;
	source.page.done(source.page.arg, 0, page, 2);
	spin();
	has(got(fd), "status=ok\naddress=john@e.test\naddress=off@e.test\n");
	assert_string_equal(ask_wire(fd, 2, "iterate", "after", "x"), "");
	pass(DEADLINE);
	has(got(fd), "status=temp");
	close(fd);
}

static void database_away_and_back(void **state)
{
	int map = dial("map"), dir = dial("directory"), pass_fd = dial("passdb");

	source.refuse = true;
	has(ask_map(map, "mailbox john@e.test"), ":TEMP ");
	has(ask_wire(dir, 1, "resolve", "address", "john@e.test"), "status=temp");
	has(ask_wire(pass_fd, 1, "passdb", "address", "john@e.test"), "status=temp");
	source.refuse = false;
	assert_string_equal(ask_map(map, "mailbox john@e.test"), "14:OK john@e.test,");
	has(ask_wire(dir, 2, "resolve", "address", "john@e.test"), "status=ok");
	has(ask_wire(pass_fd, 2, "passdb", "address", "john@e.test"), "status=ok");
	close(map);
	close(dir);
	close(pass_fd);
}

static void database_slow(void **state)
{
	int map = dial("map"), dir = dial("directory"), gone = dial("map");

	answering = false;
	assert_string_equal(ask_map(map, "mailbox john@e.test"), "");
	ask_map(gone, "mailbox john@e.test");
	close(gone); /* its answer finds nobody */
	assert_string_equal(ask_wire(dir, 1, "account", "address", "john@e.test"), "");
	has(ask_wire(dir, 2, "explode", "address", "x"), "id=2\nstatus=bad"); /* pipelined: the second overtakes the first */
	pass(DEADLINE - 1);
	assert_string_equal(got(map), "");
	pass(1);
	has(got(map), ":TEMP ");
	has(got(dir), "id=1\nstatus=temp");
	answering = true;
	spin();
	assert_string_equal(ask_map(map, "mailbox john@e.test"), "14:OK john@e.test,");
	close(map);
	close(dir);
}

static void report(const char *address, const char *bytes)
{
	struct mr_buf out = MR_BUF(10000);
	struct mr_wire_out w;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	mr_wire_begin(&w, "cmd", "usage", 0);
	mr_wire_puts(&w, "address", address);
	mr_wire_puts(&w, "bytes", bytes);
	mr_wire_puts(&w, "messages", "3");
	mr_wire_end(&w, &out);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/usage", folder);
	assert_int_equal(sendto(fd, out.p, out.n, 0, (struct sockaddr *)&to, sizeof(to)), out.n);
	close(fd);
	mr_buf_done(&out);
	spin();
}

static void usage(void **state)
{
	int fd = dial("directory");

	has_not(ask_wire(fd, 1, "account", "address", "john@e.test"), "used=");
	report("John@e.test", "777");
	has(ask_wire(fd, 2, "account", "address", "john@e.test"), "used=777\n");
	report("john@e.test", "-1");
	report("john@e.test", "18446744073709551615");
	report("", "5");
	report("nobody@e.test", "5");
	has(ask_wire(fd, 3, "account", "address", "john@e.test"), "used=777\n");
	assert_true(mr_usage_get(l.usage, MR_LIT("nobody@e.test")) == MR_DIR_UNKNOWN);
	rowtext_del(text, MR_ROW_MAILBOX, MR_LIT("john@e.test")); /* deleted: a later mailbox of this name begins anew */
	mr_rows_drop(l.rows, MR_ROW_MAILBOX, MR_LIT("john@e.test"));
	mr_usage_recheck(&l, MR_LIT("john@e.test"));
	spin();
	assert_true(mr_usage_get(l.usage, MR_LIT("john@e.test")) == MR_DIR_UNKNOWN);
	close(fd);
}

/* Which answers may be kept, and until when. */
static void generation(void **state)
{
	int fd = dial("directory");
	char now[64];

	has_not(ask_wire(fd, 1, "account", "address", "john@e.test"), "generation="); /* of rows that were on their way */
	snprintf(now, sizeof(now), "generation=%ju\n", (uintmax_t)mr_generation_now(l.generation));
	has(ask_wire(fd, 2, "account", "address", "john@e.test"), now);
	has_not(ask_wire(fd, 3, "resolve", "address", "john@e.test"), "generation=");
	has_not(ask_wire(fd, 4, "account", "address", "nobody@e.test"), "generation=");
	has_not(ask_wire(fd, 5, "account", "address", "nobody@e.test"), "generation=");
	mr_rows_drop(l.rows, MR_ROW_ALIAS, MR_LIT("other@e.test"));
	has_not(ask_wire(fd, 6, "account", "address", "john@e.test"), now);
	snprintf(now, sizeof(now), "generation=%ju\n", (uintmax_t)mr_generation_now(l.generation));
	has(ask_wire(fd, 7, "account", "address", "john@e.test"), now);
	mr_rows_drop_all(l.rows);
	has_not(ask_wire(fd, 8, "account", "address", "john@e.test"), "generation=");
	has_not(ask_wire(fd, 9, "account", "address", "john@e.test"), now);
	has(ask_wire(fd, 9, "account", "address", "john@e.test"), "generation=");
	/* One that ends soon, or has ended. */
	rowtext_set(text, MR_LIT("mailbox brief@e.test expires 1800000010"));
	ask_wire(fd, 10, "account", "address", "brief@e.test");
	has(ask_wire(fd, 11, "account", "address", "brief@e.test"), "generation=");
	pass(7000);
	has_not(ask_wire(fd, 12, "account", "address", "brief@e.test"), "generation=");
	pass(3000);
	has(ask_wire(fd, 13, "account", "address", "brief@e.test"), "enabled=0\n");
	has(ask_wire(fd, 13, "account", "address", "brief@e.test"), "generation=");
	/* Past its age, the database being away. */
	source.refuse = true;
	pass(3600000);
	has(ask_wire(fd, 14, "account", "address", "john@e.test"), "status=ok\n");
	has_not(ask_wire(fd, 15, "account", "address", "john@e.test"), "generation=");
	close(fd);
}

/* As above, of what signs a message and of who is behind its recipients: of those whose domain is not ours. */
static void generation_of_other_answers(void **state)
{
	int fd = dial("directory"), keys = dial("keys");
	char now[64];

	has_not(ask_wire(fd, 1, "sender", "address", "john@e.test"), "generation=");
	has_not(ask_wire(fd, 2, "resolve", "address", "far@f.test"), "generation=");
	snprintf(now, sizeof(now), "generation=%ju\n", (uintmax_t)mr_generation_now(l.generation));
	has(ask_wire(fd, 3, "sender", "address", "john@e.test"), now);
	has(ask_key(keys, 5, "e.test", "s1"), now);
	has_not(ask_key(keys, 6, "e.test", "s2"), "generation=");
	has(ask_wire(fd, 7, "resolve", "address", "far@f.test"), now);
	has(ask_wire(fd, 8, "sender", "address", "far@f.test"), now);
	has_not(ask_wire(fd, 9, "resolve", "address", "all@e.test"), "generation=");
	has_not(ask_wire(fd, 10, "resolve", "address", "all@e.test"), "generation=");
	mr_rows_drop(l.rows, MR_ROW_DOMAIN, MR_LIT("e.test"));
	has_not(ask_wire(fd, 11, "sender", "address", "john@e.test"), "generation=");
	has_not(ask_key(keys, 12, "e.test", "s1"), now);
	source.refuse = true;
	pass(3600001);
	has(ask_wire(fd, 13, "sender", "address", "john@e.test"), "sign=1\n");
	has_not(ask_wire(fd, 14, "sender", "address", "john@e.test"), "generation=");
	has_not(ask_key(keys, 15, "e.test", "s1"), "generation=");
	close(fd);
	close(keys);
}

#define SESSION_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(generation),
		SESSION_TEST(generation_of_other_answers),
		SESSION_TEST(maps),
		SESSION_TEST(map_answers_in_order),
		SESSION_TEST(garbage_harms_only_itself),
		SESSION_TEST(half_a_request),
		SESSION_TEST(slow_client),
		SESSION_TEST(directory),
		SESSION_TEST(secret_maps),
		SESSION_TEST(passdb_and_keys),
		SESSION_TEST(iterate),
		SESSION_TEST(database_away_and_back),
		SESSION_TEST(database_slow),
		SESSION_TEST(usage),
	};

	mr_log_open("test", 0, MR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
