/* test-clamd: what clamd says, and asking several of them: fail-over, slow, hung, lying and dying ones, answers that are kept. */

/* system */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "rt/clamd.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/sock.h"
#include "unit.h"

#define DEADLINE 10000
#define LEAD     "Received: by us\r\n"

static void answers(void **state)
{
	static const struct {
		const char *line;
		int status; /* or -EPROTO */
		const char *text;
	} t[] = {
		{ "fd[10]: OK", MR_CLAMD_CLEAN, "" },
		{ "stream: OK", MR_CLAMD_CLEAN, "" },
		{ "stream: Eicar-Test.UNOFFICIAL FOUND", MR_CLAMD_FOUND, "Eicar-Test.UNOFFICIAL" },
		{ "fd[3]: Win.Test.EICAR_HDB-1(44d88612fea8a8f36de82e1278abb02f:68) FOUND", MR_CLAMD_FOUND, "Win.Test.EICAR_HDB-1" },
		{ "fd[3]: a b\xc3\xa4\r\nc%d FOUND", MR_CLAMD_FOUND, "a_b____c_d" },
		{ "fd[3]:  FOUND", MR_CLAMD_FOUND, "unnamed" },
		{ "fd[3]: (a) FOUND", MR_CLAMD_FOUND, "(a)" },
		{ "stream: Can't allocate memory ERROR", MR_CLAMD_FAILED, "stream: Can't allocate memory" },
		{ "INSTREAM size limit exceeded. ERROR", MR_CLAMD_TOO_BIG, "" },
		{ "UNKNOWN COMMAND", -EPROTO, NULL },
		{ "fd[10] OK", -EPROTO, NULL },
		{ "fd[10]: not OK", -EPROTO, NULL },
		{ "fd[10]: FOUND IT", -EPROTO, NULL },
		{ "/etc/passwd: OK", -EPROTO, NULL },
		{ "", -EPROTO, NULL },
		{ "PONG", -EPROTO, NULL },
	};
	static char long_name[MR_CLAMD_ANSWER_MAX + 100] = "stream: ";
	struct mr_clamd_answer a;
	struct mr_slice version;

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		int r = mr_clamd_answer_parse(mr_slice_of(t[i].line), &a);

		print_message("%s\n", t[i].line);
		assert_int_equal(r < 0 ? r : (int)a.status, t[i].status);
		if (r == 0)
			assert_string_equal(a.text, t[i].text);
	}
	memset(long_name + 8, 'x', 500);
	memcpy(long_name + 508, " FOUND", 7);
	assert_int_equal(mr_clamd_answer_parse(mr_slice_of(long_name), &a), 0);
	assert_int_equal(strlen(a.text), MR_CLAMD_TEXT_MAX);
	memset(long_name + 8, 'x', MR_CLAMD_ANSWER_MAX);
	assert_int_equal(mr_clamd_answer_parse(mr_slice_of(long_name), &a), -EPROTO);
	assert_int_equal(mr_clamd_version_parse(MR_LIT("ClamAV 1.4.6/27000/Sat Nov 28 08:00:00 2026"), &version), 0);
	assert_int_equal(mr_clamd_version_parse(MR_LIT("UNKNOWN COMMAND"), &version), -EPROTO);
}

static void places(void **state)
{
	static const struct {
		const char *server;
		bool good;
	} t[] = {
		{ "unix:/run/clamav/clamd.ctl", true },
		{ "tcp:127.0.0.1:3310", true },
		{ "tcp:[2001:db8::1]:3310", true },
		{ "unix:clamd.ctl", false },
		{ "/run/clamd.ctl", false },
		{ "tcp:clamd.example.org:3310", false },
		{ "tcp:127.0.0.1", false },
		{ "tcp:127.0.0.1:0", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++)
		assert_int_equal(mr_clamd_server_check(t[i].server, NULL), t[i].good ? 0 : -EINVAL);
}

/* -- the two servers of the test -- */

static struct mr_loop *loop;
static struct mr_clamd *clamd;
static char paths[2][64], names[2][70];
static const char *servers[2] = { names[0], names[1] };
static int listeners[2];
static const char *version[2];
static int files[100]; /* of the messages of one test */
static size_t n_files;

struct told {
	unsigned n;
	bool known;
	struct mr_clamd_answer answer;
};

static void on_told(const struct mr_clamd_answer *a, void *arg)
{
	struct told *t = arg;

	t->n++;
	t->known = a != NULL;
	if (a)
		t->answer = *a;
}

static void turn(void)
{
	for (unsigned i = 0; i < 12; i++)
		mr_loop_once(loop);
}

/* What server i is asked: its connection with the command in `word`; questions for the version are answered on the way. -1: nothing. */
static int taken(int i, char word[10])
{
	turn();
	for (;;) {
		int fd = accept(listeners[i], NULL, NULL);

		if (fd < 0)
			return -1;
		if (recv(fd, word, 9, MSG_PEEK) == 0) {
			close(fd); /* given up before it was taken */
			continue;
		}
		word[9] = '\0';
		if (strcmp(word, "zVERSION") != 0)
			return fd;
		if (version[i])
			assert_true(send(fd, version[i], strlen(version[i]) + 1, MSG_NOSIGNAL) > 0);
		close(fd);
		turn();
	}
}

static int wanted(int i, const char *command)
{
	char word[10];
	int fd = taken(i, word);

	assert_true(fd >= 0);
	assert_string_equal(word, command);
	return fd;
}

static void nothing(int i)
{
	char word[10];

	assert_int_equal(taken(i, word), -1);
}

static void say(int fd, const char *line)
{
	if (line)
		assert_true(send(fd, line, strlen(line) + 1, MSG_NOSIGNAL) > 0);
	close(fd);
	turn();
}

static void listen_again(int i)
{
	listeners[i] = mr_listen_unix(paths[i], 0600, NULL);
	assert_true(listeners[i] >= 0);
}

static void set(size_t n, bool stream)
{
	mr_clamd_set(clamd, &(struct mr_clamd_config){ .servers = servers, .n_servers = n, .stream = stream, .cache_ms = 60000 });
}

static int setup(void **state)
{
	(void)state;
	mr_clock_fake(1000000, 1800000000);
	loop = mr_loop_new();
	for (int i = 0; i < 2; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/tmp/mr-test-clamd-%d-%d", (int)getpid(), i);
		snprintf(names[i], sizeof(names[i]), "unix:%s", paths[i]);
		version[i] = "ClamAV 1.4.6/1/Sat";
		listen_again(i);
	}
	clamd = mr_clamd_new(loop);
	set(2, false);
	nothing(0);
	nothing(1);
	mr_clock_advance(1); /* what they say now is later than what they said of themselves */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mr_clamd_free(clamd);
	while (n_files)
		close(files[--n_files]);
	for (int i = 0; i < 2; i++) {
		close(listeners[i]);
		unlink(paths[i]);
	}
	mr_loop_free(loop);
	mr_clock_real();
	assert_int_equal(mr_clamd_counters.away, 0);
	return 0;
}

static struct mr_clamd_message message(const char *bytes)
{
	struct mr_clamd_message m = { .lead = MR_LIT(LEAD), .bytes = mr_slice_of(bytes) };

	m.fd = memfd_create("mail", MFD_CLOEXEC);
	assert_true(n_files < MR_COUNT(files));
	files[n_files++] = m.fd;
	assert_true(m.fd >= 0 && write(m.fd, LEAD, strlen(LEAD)) > 0 && write(m.fd, bytes, strlen(bytes)) >= 0);
	assert_int_equal(mr_sha256(m.bytes, m.sha256), 0);
	return m;
}

static struct mr_clamd_question *ask(struct told *t, const char *bytes)
{
	struct mr_clamd_message m = message(bytes);
	struct mr_clamd_question *q;

	*t = (struct told){ 0 };
	q = mr_clamd_ask(clamd, &m, mr_now_ms() + DEADLINE, on_told, t);
	assert_int_equal(t->n, 0); /* never at once */
	turn();
	return q;
}

static void found(const struct told *t, const char *name)
{
	assert_true(t->n == 1 && t->known);
	assert_int_equal(t->answer.status, name ? MR_CLAMD_FOUND : MR_CLAMD_CLEAN);
	assert_string_equal(t->answer.text, name ? name : "");
	assert_int_equal(mr_clamd_open(clamd), 0);
}

static void unknown(const struct told *t)
{
	assert_true(t->n == 1 && !t->known);
	assert_int_equal(mr_clamd_open(clamd), 0);
}

static void by_descriptor(void **state)
{
	char bytes[16], content[100] = "";
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	struct told t;
	int fd, file;

	(void)state;
	ask(&t, "mail");
	fd = wanted(0, "zFILDES");
	assert_int_equal(recvmsg(fd, &h, 0), 9);
	assert_int_equal(control.h.cmsg_type, SCM_RIGHTS);
	memcpy(&file, CMSG_DATA(&control.h), sizeof(int));
	assert_int_equal(pread(file, content, sizeof(content), 0), strlen(LEAD "mail"));
	assert_string_equal(content, LEAD "mail");
	close(file);
	say(fd, "fd[10]: A-Virus FOUND");
	found(&t, "A-Virus");
}

/* All bytes, in pieces with their length before them, and an empty piece; more than one turn of the loop sends. */
static void by_stream(void **state)
{
	static char big[3 * 1024 * 1024], got[sizeof(big) + 100];
	size_t n = 0, at = 10, whole = 0;
	struct mr_clamd_message m;
	struct told t = { 0 };
	uint32_t piece;
	int fd;

	(void)state;
	set(2, true);
	memset(big, 'x', sizeof(big) - 1);
	m = message(big);
	mr_clamd_ask(clamd, &m, mr_now_ms() + DEADLINE, on_told, &t);
	fd = wanted(0, "zINSTREAM");
	for (ssize_t r = 0; at + whole < sizeof(got) && n < sizeof(got) && r >= 0; n += (size_t)r) {
		turn();
		r = recv(fd, got + n, sizeof(got) - n, MSG_DONTWAIT);
		if (r <= 0)
			break;
	}
	assert_memory_equal(got, "zINSTREAM", 10);
	do {
		memcpy(&piece, got + at, sizeof(piece));
		piece = ntohl(piece);
		if (whole == 0)
			assert_memory_equal(got + at + 4, LEAD, strlen(LEAD));
		at += 4 + piece;
		whole += piece;
		assert_true(at <= n);
	} while (piece);
	assert_int_equal(whole, strlen(LEAD) + strlen(big));
	assert_int_equal(at, n);
	say(fd, "stream: OK");
	found(&t, NULL);
}

/* A stream that clamd does not take to its end: what it says of that counts. */
static void too_big(void **state)
{
	static char big[3 * 1024 * 1024];
	struct mr_clamd_message m;
	struct told t = { 0 };

	(void)state;
	set(1, true);
	memset(big, 'x', sizeof(big) - 1);
	m = message(big);
	mr_clamd_ask(clamd, &m, mr_now_ms() + DEADLINE, on_told, &t);
	say(wanted(0, "zINSTREAM"), "INSTREAM size limit exceeded. ERROR");
	assert_true(t.n == 1 && t.known && t.answer.status == MR_CLAMD_TOO_BIG);
	assert_int_equal(mr_clamd_counters.away, 0);
}

static void kept(void **state)
{
	int64_t cached = mr_clamd_counters.cached;
	struct told t;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *line = i ? "fd[1]: OK" : "fd[1]: V FOUND", *name = i ? NULL : "V";

		ask(&t, i ? "clean" : "bad");
		say(wanted(0, "zFILDES"), line);
		found(&t, name);
		ask(&t, i ? "clean" : "bad");
		found(&t, name);
		nothing(0);
	}
	assert_int_equal(mr_clamd_counters.cached - cached, 2);
	version[1] = "ClamAV 1.4.6/2/Sun"; /* another server, another database */
	mr_clock_advance(30000);
	nothing(1);
	nothing(0);
	ask(&t, "bad");
	say(wanted(0, "zFILDES"), "fd[1]: OK");
	found(&t, NULL);
	mr_clock_advance(60000);
	nothing(1);
	ask(&t, "bad");
	say(wanted(0, "zFILDES"), "fd[1]: OK");
	found(&t, NULL);
}

/* The first server does what is in the row; the second one's answer is told, and the first is left alone or not. */
static void fail_over(void **state)
{
	static const struct {
		const char *says;
		bool away;
	} t[] = {
		{ "nonsense", true }, { "fd[1]: cl_scandesc: Can't read ERROR", false }, { NULL, false }, /* gone in the middle */
	};
	struct told told;

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		char text[20];

		snprintf(text, sizeof(text), "mail %zu", i);
		ask(&told, text);
		say(wanted(0, "zFILDES"), t[i].says);
		say(wanted(1, "zFILDES"), "fd[1]: OK");
		found(&told, NULL);
		nothing(0);
		assert_int_equal(mr_clamd_counters.away, t[i].away);
		mr_clock_advance(1001);
		nothing(0);
		assert_int_equal(mr_clamd_counters.away, 0);
	}
}

/* Two servers that fail over a message are enough: no third try, and nothing is kept. */
static void both_fail(void **state)
{
	struct told t;

	(void)state;
	for (int i = 0; i < 2; i++) {
		ask(&t, "mail");
		say(wanted(0, "zFILDES"), "fd[1]: Can't read ERROR");
		say(wanted(1, "zFILDES"), NULL);
		unknown(&t);
	}
}

static void nobody_there(void **state)
{
	struct told t;

	(void)state;
	close(listeners[0]);
	ask(&t, "mail");
	say(wanted(1, "zFILDES"), "fd[1]: OK");
	found(&t, NULL);
	close(listeners[1]);
	ask(&t, "another");
	unknown(&t);
	assert_int_equal(mr_clamd_counters.away, 2);
	listen_again(0);
	listen_again(1);
	ask(&t, "not yet seen to be back");
	unknown(&t);
	mr_clock_advance(1001);
	nothing(0);
	nothing(1);
	assert_int_equal(mr_clamd_counters.away, 0);
	ask(&t, "another");
	say(wanted(0, "zFILDES"), "fd[1]: OK");
	found(&t, NULL);
}

/* A hung server has the half of the time; what else it works on goes to the other one, too. */
static void hung(void **state)
{
	struct told a, b;
	int first, second;

	(void)state;
	ask(&a, "a");
	mr_clock_advance(1000);
	ask(&b, "b");
	first = wanted(0, "zFILDES");
	second = wanted(0, "zFILDES");
	nothing(1);
	mr_clock_advance(DEADLINE / 2 - 1000);
	say(wanted(1, "zFILDES"), "fd[1]: OK");
	say(wanted(1, "zFILDES"), "fd[1]: OK");
	found(&a, NULL);
	found(&b, NULL);
	assert_int_equal(mr_clamd_counters.away, 1);
	close(first);
	close(second);
	version[0] = NULL; /* it accepts, and says nothing */
	mr_clock_advance(1000);
	nothing(0);
	assert_int_equal(mr_clamd_counters.away, 1);
	version[0] = version[1];
	mr_clock_advance(6000);
	nothing(0);
	mr_clock_advance(1000);
	nothing(0);
	assert_int_equal(mr_clamd_counters.away, 0);
}

/* One message takes long while others are answered: the server is not to blame. At the deadline nobody knows. */
static void slow_message(void **state)
{
	struct told slow, fast;
	int fd, other;

	(void)state;
	ask(&slow, "slow");
	fd = wanted(0, "zFILDES");
	mr_clock_advance(1000);
	ask(&fast, "fast");
	say(wanted(0, "zFILDES"), "fd[1]: OK");
	assert_int_equal(fast.n, 1);
	mr_clock_advance(DEADLINE / 2);
	other = wanted(1, "zFILDES");
	assert_int_equal(mr_clamd_counters.away, 0);
	mr_clock_advance(DEADLINE / 2);
	turn();
	unknown(&slow);
	assert_int_equal(mr_clamd_counters.away, 1); /* the other one has answered nothing at all */
	close(fd);
	close(other);
	mr_clock_advance(1000);
	nothing(1);
}

/* More than a server bears: the next one takes the rest, then they wait. */
static void many(void **state)
{
	static struct told t[70];
	static int fds[70];
	char text[20];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		snprintf(text, sizeof(text), "mail %zu", i);
		ask(&t[i], text);
	}
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < 30; i++)
			fds[n++] = wanted(s, "zFILDES");
	nothing(0);
	nothing(1);
	for (size_t i = 0; i < 10; i++) {
		say(fds[i], "fd[1]: OK");
		fds[n++] = wanted(0, "zFILDES");
	}
	nothing(0);
	for (size_t i = 10; i < n; i++)
		say(fds[i], "fd[1]: OK");
	for (size_t i = 0; i < MR_COUNT(t); i++)
		found(&t[i], NULL);
}

static void cancelled(void **state)
{
	struct told t;
	struct mr_clamd_question *q = ask(&t, "mail");
	int fd = wanted(0, "zFILDES");

	(void)state;
	mr_clamd_cancel(q);
	assert_int_equal(recv(fd, (char[100]){ 0 }, 100, 0), 9);
	assert_int_equal(recv(fd, (char[100]){ 0 }, 100, 0), 0);
	close(fd);
	mr_clock_advance(DEADLINE);
	turn();
	assert_int_equal(t.n, 0);
}

/* Other servers while a question is open: it begins again. None at all: nobody knows. */
static void set_again(void **state)
{
	struct told t;
	int fd;

	(void)state;
	ask(&t, "mail");
	fd = wanted(0, "zFILDES");
	servers[0] = names[1];
	set(1, false);
	close(fd);
	fd = wanted(1, "zFILDES");
	servers[0] = names[0];
	set(1, false);
	close(fd);
	say(wanted(0, "zFILDES"), "fd[1]: OK");
	found(&t, NULL);
	ask(&t, "another");
	set(0, false);
	turn();
	unknown(&t);
}

static void checked(void **state)
{
	char got[MR_CLAMD_TEXT_MAX + 1] = "";

	(void)state;
	assert_int_equal(mr_clamd_check(names[0], 50, got), -ETIMEDOUT);
	assert_int_equal(mr_clamd_check("unix:/nowhere", 50, got), -ENOENT);
	assert_int_equal(mr_clamd_check("tcp:127.0.0.1:1", 50, got), -ECONNREFUSED);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers), cmocka_unit_test(places), WITH(by_descriptor), WITH(by_stream), WITH(too_big),      WITH(kept),
		WITH(fail_over),           WITH(both_fail),          WITH(nobody_there),  WITH(hung),      WITH(slow_message), WITH(many),
		WITH(cancelled),           WITH(set_again),          WITH(checked),
	};

	mr_log_open("test", 0, MR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
