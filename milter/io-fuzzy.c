/* io-fuzzy: is the message like others that somebody has shown to mailreeve fuzzy? Asked of Redis when the scanner has made the hashes of
 * it; see io.h. Without an answer in time there is no symbol. */

/* ours */
#include "io-private.h"
#include "rt/clock.h"

#define FUZZY_MS 1000

static void add_symbols(struct mr_job *j, const struct mr_fuzzy_known *known)
{
	const struct mr_fuzzy_scores *scores = &j->settings->fuzzy_scores;

	if (known->shingles >= MR_FUZZY_SAME)
		mr_scan_result_add(&j->scan, "FUZZY_TEXT", scores->text, "fuzzy");
	else if (known->shingles >= MR_FUZZY_LIKE)
		mr_scan_result_add(&j->scan, "FUZZY_TEXT_LIKE", scores->like, "fuzzy");
	if (known->file_weight > 0)
		mr_scan_result_add(&j->scan, "FUZZY_FILE", scores->file, "fuzzy");
}

static void on_known(const struct mr_fuzzy_known *known, void *arg)
{
	struct mr_job *j = arg;

	j->side.fuzzy = NULL;
	j->fuzzy_ms = mr_now_ms() - j->side.fuzzy_since;
	if (known)
		add_symbols(j, known);
	mr_io_finish_if_complete(j);
}

void mr_io_ask_fuzzy(struct mr_job *j)
{
	j->side.fuzzy_since = mr_now_ms();
	j->side.fuzzy = mr_fuzzy_check(j->io->fuzzy, &j->scan.fuzzy, (uint64_t)j->settings->fuzzy_scores.weight, FUZZY_MS, on_known, j);
}

void mr_io_forget_fuzzy(struct mr_job *j)
{
	if (!j->side.fuzzy)
		return;
	mr_fuzzy_cancel(j->side.fuzzy);
	j->side.fuzzy = NULL;
	j->fuzzy_ms = mr_now_ms() - j->side.fuzzy_since;
}
