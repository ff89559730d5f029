/* test-lookup-snapshot: rows over a restart: all of them come back, as they were; none that was dropped; none counts before the change log
 * was read; what is damaged, foreign or old is left alone. G01, G03. */

/* system */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "row-code.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/log.h"
#include "snapshot-file.h"
#include "snapshot.h"
#include "support/fakesource.h"
#include "unit.h"

#define INTERVAL_MS 300000
#define AGE_MS      86400000
#define DAY         86400

static const char *const text =
    "domain e.test dkim s1 junk 4.5 deny x.test limits messages/user/1h/9\n"
    "domain f.test off alias-of e.test relay smtp:[10.0.0.5]:25 listed\n"
    "mailbox a@e.test quota 7 junk 2 header 1 greylist 1.5 outbound 7 outbound_reject 9 deny spam.test limits messages/user/1h/5\n"
    "mailbox b@e.test off send-only expires 1900000000\n"
    "alias c@e.test a@e.test b@e.test o@other.test\n"
    "global deny .bad.test\n"
    "rule client 192.0.2.0/24 REJECT_no\n"
    "rule client mx.bad.test DUNNO\n"
    "view own a@e.test value\n";
static const struct {
	enum mr_row_kind kind;
	const char *key;
} keys[] = { { MR_ROW_DOMAIN, "e.test" },    { MR_ROW_DOMAIN, "f.test" },     { MR_ROW_MAILBOX, "a@e.test" },
	     { MR_ROW_MAILBOX, "b@e.test" }, { MR_ROW_ALIAS, "c@e.test" },    { MR_ROW_GLOBAL, "" },
	     { MR_ROW_RULES, "client" },     { MR_ROW_VIEW, "own a@e.test" }, { MR_ROW_MAILBOX, "nobody@e.test" } };

static char folder[64], path[128], journal[160];
static struct rowtext *rows_text;

/* One life of a lookup. */
struct life {
	struct mr_loop *loop;
	struct fakesource source;
	struct mr_rows *rows;
	struct mr_changes *changes;
	struct mr_snapshot *snapshot;
};

static void begin_as(struct life *l, const char *database)
{
	const struct mr_rows_config r = { .max = 1000, .age_ms = 3600000, .negative_age_ms = 3600000, .stale_ms = AGE_MS, .late_ms = 5000 };
	const struct mr_changes_config c = { .interval_ms = 1000, .overlap_ms = 10000, .late_ms = 5000 };

	*l = (struct life){ .loop = mr_loop_new() };
	fakesource_init(&l->source, rows_text);
	l->rows = mr_rows_new(&r, &l->source.source);
	l->changes = mr_changes_new(l->loop, &c, l->rows, &l->source.source, NULL, NULL);
	l->snapshot = mr_snapshot_new(
	    l->loop,
	    &(struct mr_snapshot_config){
		.path = path, .database = database, .interval_ms = INTERVAL_MS, .age_ms = AGE_MS, .rows = l->rows, .changes = l->changes });
}

static void begin(struct life *l)
{
	begin_as(l, "mailreeve");
}

static void end(struct life *l)
{
	fakesource_done(&l->source);
	mr_snapshot_free(l->snapshot);
	mr_changes_free(l->changes);
	mr_rows_free(l->rows);
	mr_loop_free(l->loop);
}

/* As kill -9 does it: the files stay as they are. */
static void end_suddenly(struct life *l)
{
	struct mr_buf a = MR_BUF(1u << 24), b = MR_BUF(1u << 24);

	mr_file_read(path, &a, NULL);
	mr_file_read(journal, &b, NULL);
	end(l);
	unlink(path);
	if (a.n > 0)
		assert_int_equal(mr_file_write(path, 0600, mr_buf_slice(&a), NULL), 0);
	assert_int_equal(mr_file_write(journal, 0600, mr_buf_slice(&b), NULL), 0);
	mr_buf_done(&a);
	mr_buf_done(&b);
}

static void poll_at(struct life *l, const struct mr_change *v, size_t n, uint64_t newest)
{
	mr_loop_once(l->loop);
	assert_true(l->source.changes_open);
	fake_changes(&l->source, 0, v, n, newest);
	if (l->source.changes_open)
		fake_changes(&l->source, 0, v, n, newest);
	assert_false(l->source.changes_open);
}

static void on_row(struct mr_row_wait *w, int err, struct mr_row *row)
{
}

static void fill(struct life *l)
{
	struct mr_row_wait w[MR_COUNT(keys)] = { 0 };

	for (size_t i = 0; i < MR_COUNT(keys); i++) {
		w[i].done = on_row;
		assert_int_equal(mr_rows_fetch(l->rows, keys[i].kind, mr_slice_of(keys[i].key), &w[i]), 0);
	}
	fake_arrive_all(&l->source, 0);
}

static enum mr_row_state get(struct life *l, size_t i, bool any, struct mr_row **row)
{
	return mr_rows_get(l->rows, keys[i].kind, mr_slice_of(keys[i].key), any, NULL, row);
}

/* The row is the same, byte by byte as a snapshot has it. */
static bool same(struct mr_row *row, size_t i)
{
	struct mr_row *was = rowtext_find(rows_text, keys[i].kind, mr_slice_of(keys[i].key));
	struct mr_buf a = MR_BUF(65536), b = MR_BUF(65536);
	bool equal;

	mr_row_encode(row, &a);
	mr_row_encode(was, &b);
	equal = mr_slice_eq(mr_buf_slice(&a), mr_buf_slice(&b));
	mr_buf_done(&a);
	mr_buf_done(&b);
	return equal;
}

static void pass(struct life *l, uint64_t ms)
{
	mr_clock_advance(ms);
	mr_loop_once(l->loop);
}

/* A poll, all rows, and a snapshot of them, by the timer. */
static void live(struct life *l)
{
	begin(l);
	poll_at(l, NULL, 0, 5000);
	fill(l);
	pass(l, INTERVAL_MS);
	if (l->source.changes_open)
		fake_changes(&l->source, 0, NULL, 0, 5000);
	for (unsigned i = 0; i < 10; i++)
		mr_loop_once(l->loop);
	assert_int_equal(access(path, F_OK), 0);
}

static int setup(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/mr-snapshot-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/rows", folder);
	snprintf(journal, sizeof(journal), "%s.dropped", path);
	mr_clock_fake(500000000, 1800000000);
	rows_text = rowtext_new(mr_slice_of(text));
	return 0;
}

static int teardown(void **state)
{
	char rest[160];

	snprintf(rest, sizeof(rest), "%s.new", path);
	unlink(path);
	unlink(journal);
	unlink(rest);
	assert_int_equal(rmdir(folder), 0);
	rowtext_free(rows_text);
	mr_clock_real();
	return 0;
}

static void all_come_back(void **state)
{
	struct life l;
	struct mr_row *row;
	struct stat st;

	live(&l);
	fill(&l); /* young enough to be fresh where no change log is read */
	end(&l);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(journal, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	begin(&l);
	for (size_t i = 0; i < MR_COUNT(keys); i++) {
		assert_int_equal(get(&l, i, false, &row), MR_ROW_UNKNOWN); /* a change may lie between */
		assert_int_equal(get(&l, i, true, &row), i + 1 < MR_COUNT(keys) ? MR_ROW_FOUND : MR_ROW_NONE);
		assert_true(i + 1 == MR_COUNT(keys) || same(row, i));
	}
	mr_loop_once(l.loop);
	assert_int_equal(l.source.changes.after, 4000); /* from where the snapshot was begun */
	fake_changes(&l.source, 0, NULL, 0, 5000);
	for (size_t i = 0; i < MR_COUNT(keys); i++)
		assert_int_not_equal(get(&l, i, false, &row), MR_ROW_UNKNOWN);
	end(&l);
}

static void changed_while_nobody_looked(void **state)
{
	struct mr_change v = { .id = 5001, .kind = (char *)(uintptr_t) "mailbox", .key = (char *)(uintptr_t) "a@e.test" };
	struct life l;
	struct mr_row *row;

	live(&l);
	end_suddenly(&l);
	begin(&l);
	mr_loop_once(l.loop);
	fake_changes(&l.source, 0, &v, 1, 5001);
	assert_int_equal(get(&l, 2, true, &row), MR_ROW_UNKNOWN);
	assert_int_equal(get(&l, 3, false, &row), MR_ROW_FOUND);
	end(&l);
}

/* What was dropped after the snapshot is not in it any more, although no change log can be read. */
static void dropped_since(void **state)
{
	struct life l;
	struct mr_row *row;

	for (unsigned everything = 0; everything < 2; everything++) {
		live(&l);
		if (everything)
			mr_rows_drop_all(l.rows);
		else
			mr_rows_drop(l.rows, MR_ROW_MAILBOX, MR_LIT("a@e.test"));
		end_suddenly(&l);
		begin(&l);
		assert_int_equal(get(&l, 2, true, &row), MR_ROW_UNKNOWN);
		assert_int_equal(get(&l, 3, true, &row), everything ? MR_ROW_UNKNOWN : MR_ROW_FOUND);
		end_suddenly(&l);
	}
}

/* The servers of this life must show what the last one has seen. */
static void expectation(void **state)
{
	struct mr_change v = { .id = 5001, .kind = (char *)(uintptr_t) "alias", .key = (char *)(uintptr_t) "z@e.test" };
	struct life l;

	live(&l);
	pass(&l, 1000);
	fake_changes(&l.source, 0, &v, 1, 5001);
	end(&l);
	begin(&l);
	assert_int_equal(l.source.n_expected, 1);
	assert_true(l.source.expected.last == 5001 && l.source.expected.n == 1);
	assert_string_equal(l.source.expected.key, "z@e.test");
	end(&l);
}

/* A start without the database keeps what there is. */
static void kept_over_two_starts(void **state)
{
	struct life l;
	struct mr_row *row;

	live(&l);
	end(&l);
	for (unsigned i = 0; i < 2; i++) {
		begin(&l);
		pass(&l, INTERVAL_MS);
		assert_int_equal(get(&l, 2, true, &row), MR_ROW_FOUND);
		end(&l);
	}
}

static void change_byte(const char *file, size_t at)
{
	struct mr_buf b = MR_BUF(1u << 24);

	assert_int_equal(mr_file_read(file, &b, NULL), 0);
	assert_true(at < b.n);
	b.p[at] ^= 1;
	assert_int_equal(mr_file_write(file, 0600, mr_buf_slice(&b), NULL), 0);
	mr_buf_done(&b);
}

/* What the structs of rows were before there was a threshold for everything. */
static uint64_t older_layout(void)
{
	static const size_t sizes[] = { 288, 88, 40, 24, 32, 8, 32, sizeof(struct mr_rule), sizeof(struct mr_row_pattern) };
	uint64_t layout = 1;

	for (size_t i = 0; i < MR_COUNT(sizes); i++)
		layout = layout * 1009 + sizes[i];
	return layout;
}

/* As if that program had written it: the head is whole, and says so. */
static void make_older(const char *file)
{
	enum { HEAD = 4, PAYLOAD = HEAD + MR_SHA256_LEN, NUMBER = 8 };
	struct mr_buf b = MR_BUF(1u << 24);
	const size_t at = PAYLOAD + 1 + NUMBER + strlen("mailreeve rows") + NUMBER + strlen(MR_VERSION);
	uint64_t layout = older_layout(), n = 0;

	assert_int_equal(mr_file_read(file, &b, NULL), 0);
	for (size_t i = 0; i < HEAD; i++)
		n = n << 8 | (unsigned char)b.p[i];
	for (size_t i = 0; i < NUMBER; i++)
		b.p[at + i] = (char)(layout >> (8 * (NUMBER - 1 - i)));
	mr_sha256((struct mr_slice){ b.p + PAYLOAD, n }, (uint8_t *)b.p + HEAD);
	assert_int_equal(mr_file_write(file, 0600, mr_buf_slice(&b), NULL), 0);
	mr_buf_done(&b);
}

static void ignored(void **state)
{
	struct life l;
	struct mr_row *row;
	struct stat st;

	for (unsigned how = 0; how < 8; how++) {
		live(&l);
		if (how == 6)
			mr_rows_drop(l.rows, MR_ROW_MAILBOX, MR_LIT("b@e.test"));
		end_suddenly(&l);
		assert_int_equal(stat(path, &st), 0);
		if (how == 0)
			assert_int_equal(truncate(path, st.st_size / 2), 0);
		else if (how == 1)
			assert_int_equal(truncate(path, st.st_size - 1), 0);
		else if (how == 2)
			change_byte(path, (size_t)st.st_size / 2);
		else if (how == 3)
			mr_clock_advance(AGE_MS + 1000);
		else if (how == 5)
			assert_int_equal(unlink(journal), 0);
		else if (how == 6)
			assert_int_equal(truncate(journal, 5), 0);
		else if (how == 7)
			make_older(path);
		begin_as(&l, how == 4 ? "another" : "mailreeve");
		for (size_t i = 0; i < MR_COUNT(keys); i++)
			assert_int_equal(get(&l, i, true, &row), MR_ROW_UNKNOWN);
		assert_int_equal(access(path, F_OK), -1);
		mr_loop_once(l.loop);
		assert_true(l.source.changes.after == UINT64_MAX);
		end(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(changed_while_nobody_looked, setup, teardown),
		cmocka_unit_test_setup_teardown(dropped_since, setup, teardown),
		cmocka_unit_test_setup_teardown(expectation, setup, teardown),
		cmocka_unit_test_setup_teardown(kept_over_two_starts, setup, teardown),
		cmocka_unit_test_setup_teardown(ignored, setup, teardown),
	};

	mr_log_open("test", 0, MR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
