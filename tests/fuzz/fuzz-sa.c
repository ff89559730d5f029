/* fuzz-sa: a message as SpamAssassin's rules see it: MIME, HTML, relays, addresses, each function. Goal: a message with a part that was
 * rendered from HTML, a relay and an address. */
/* ours */
#include "fuzz.h"
#include "mail/sa/eval.h"
#include "mail/view.h"
#include "support/sa.h"

size_t fuzz_goals;

static const char *const calls[] = { "check_for_mime",
				     "check_for_uppercase",
				     "check_base64_length",
				     "multipart_alternative_difference",
				     "check_blank_line_ratio",
				     "check_stock_info",
				     "plaintext_sig_length",
				     "check_for_shifted_date",
				     "check_outlook_message_id",
				     "check_ratware_name_id",
				     "similar_recipients",
				     "check_for_to_in_subject",
				     "check_for_forged_hotmail_received_headers",
				     "check_for_forged_yahoo_received_headers",
				     "check_for_forged_juno_received_headers",
				     "check_freemail_body",
				     "check_https_http_mismatch",
				     "check_https_ip_mismatch",
				     "check_for_http_redirector",
				     "image_count",
				     "pdf_count",
				     "check_olemacro_renamed",
				     "check_for_forged_received_trail",
				     "check_uri_host_in_blocklist",
				     "check_mailfrom_matches_rcvd",
				     "subject_is_all_caps" };

static void check_list(const struct mr_sa_list *l, size_t max)
{
	for (size_t i = 0; i < l->n; i++)
		fuzz_assert(l->items[i].n <= max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mr_sa_conf *conf;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sa_args args = { .v = { MR_LIT("user"), MR_LIT("100") }, .n = 2 };
	struct mr_sa *sa;
	size_t relays, htmls;
	struct mr_slice s;

	if (!conf) {
		conf = test_sa_conf();
		test_sa_set(conf, "olemacro_extended_scan 1");
		mr_view_init();
	}
	sa = mr_sa_read(fuzz_input(data, size), conf, NULL, arena);
	check_list(mr_sa_body(sa), size > 9000 ? size : 9000);
	check_list(mr_sa_rawbody(sa), 2 * 2048 + 1);
	check_list(mr_sa_uris(sa), MR_SA_URI_MAX);
	mr_sa_header(sa, MR_LIT("ALL"), &s);
	mr_sa_header(sa, MR_LIT("From:name"), &s);
	mr_sa_header(sa, MR_LIT("ToCc:addr:domain"), &s);
	mr_sa_header(sa, MR_LIT("ALL-UNTRUSTED:raw"), &s);
	mr_sa_header(sa, MR_LIT("X-Mailreeve-PDF"), &s);
	mr_sa_header(sa, MR_LIT("X-Mailreeve-PDF-Text"), &s);
	mr_sa_header(sa, MR_LIT("X-Mailreeve-SVG"), &s);
	for (size_t i = 0; i < mr_sa_n_parts(sa); i++)
		mr_sa_part_header(sa, i, MR_LIT("Content-Type"), &s);
	for (size_t i = 0; i < MR_COUNT(calls); i++) {
		const struct mr_sa_eval *e = mr_sa_eval_find(mr_slice_of(calls[i]));

		fuzz_assert(e);
		args.prepared = NULL;
		e->run(sa, &args);
	}
	for (struct mr_sa *inner = mr_sa_signed(sa); inner; inner = mr_sa_signed(inner))
		check_list(mr_sa_body(inner), 2 * size + 9000);
	mr_sa_htmls(sa, &htmls);
	mr_sa_relays(sa, MR_SA_UNTRUSTED, &relays);
	fuzz_goals += htmls && relays && mr_sa_uris(sa)->n;
	return 0;
}
