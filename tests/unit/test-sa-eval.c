/* sa-eval: functions that rules call. What is expected is what SpamAssassin 4.0.1 says. */
/* ours */
#include "base/buf.h"
#include "mail/sa/eval.h"
#include "mail/view.h"
#include "support/sa.h"
#include "unit.h"

#define PDF  "Content-Type: application/pdf; name=a.pdf\n\n%PDF-1.4\n"
#define HTML "Content-Type: text/html\n\n"

static const struct {
	const char *call;     /* the function and its arguments, by bars */
	const char *yes, *no; /* messages */
} cases[] = {
	{ "html_tag_balance|body|> 0", HTML "<body>x", HTML "<body>x</body>" },
	{ "html_tag_exists|center", HTML "<center>", HTML "<b>" },
	{ "html_image_only|0|400", HTML "<img src=x>", HTML "x" },
	{ "html_image_ratio|0.000|0.002", HTML "<img width=100 height=100 src=x>a", HTML "<img width=1 height=1 src=x>a" },
	{ "html_test|embeds", HTML "<object>", HTML "x" },
	{ "html_eval|length|< 384", HTML "x", "\nx" },
	{ "html_range|max_size|5|6", HTML "<font size=6>x", HTML "<font size=7>x" },
	{ "html_range|max_size|6|inf", HTML "<font size=7>x", HTML "<font size=6>x" },
	{ "html_text_match|title|^a.c$", HTML "<title>abc</title>", HTML "<title>ab</title>" },
	{ "html_text_match|comment|x", HTML "<!-- x -->", HTML "x" },
	{ "html_title_subject_ratio|3", "Subject: ab\n" HTML "<title>0123456789</title>", "Subject: ab\n" HTML "<title>01</title>" },
	{ "check_iframe_src", HTML "<iframe src=x></iframe>", HTML "<iframe></iframe>" },
	{ "check_for_mime|mime_attachment", "Content-Disposition: attachment\n\nx", "\nx" },
	{ "check_for_mime|mime_base64_encoded_text", "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\neA==",
	  "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\neA==" },
	{ "check_for_mime|mime_bad_iso_charset", "Content-Type: text/plain; charset=iso-1234-1\n\n",
	  "Content-Type: text/plain; charset=iso-8859-1\n\n" },
	{ "check_for_mime_html", HTML, "\nx" },
	{ "check_for_mime_html_only", HTML, "\nx" },
	{ "check_msg_parse_flags|missing_head_body_separator", "Subject: x", "Subject: x\n\n" },
	{ "check_for_ascii_text_illegal", "Content-Type: text/plain\n\n\xe9", "Content-Type: text/plain; charset=utf-8\n\n\xe9" },
	{ "check_abundant_unicode_ratio|0.02", "Content-Type: text/plain\n\n&#x0041;abc", "Content-Type: text/plain\n\nabc" },
	{ "check_base64_length|10", "Content-Transfer-Encoding: base64\n\n0123456789AB\n", "\n0123456789AB\n" },
	{ "check_body_length|3", "\nabc", "\nabcd" },
	{ "check_blank_line_ratio|50|100|4", "\na\n\n\n\n", "\na\nb\nc\n\n" },
	{ "tvd_vertical_words|0|10", "\nabcdefghijkl\n", "\na b c d e f\n" },
	{ "plaintext_sig_length|1|10", "\ntext\n-- \nme, now\n", "\ntext\n" },
	{ "check_illegal_chars|Subject|0.3|2", "Subject: \xe9\xe9\xe9x\n\n", "Subject: \xc3\xa9\xc3\xa9x\n\n" },
	{ "subject_is_all_caps", "Subject: BUY THIS NOW TODAY\n\n", "Subject: Buy THIS NOW TODAY\n\n" },
	{ "subject_is_all_caps", "Subject: Re: BUY THIS NOW\n\n", "Subject: SHORT IT\n\n" },
	{ "sorted_recipients", "To: a@x.de, b@x.de, c@x.de, d@x.de, e@x.de, f@x.de, g@x.de\n\n",
	  "To: a@x.de, b@x.de, c@x.de, d@x.de, e@x.de, g@x.de, f@x.de\n\n" },
	{ "similar_recipients|0.65|undef", "To: ab1@x.de, ab2@x.de, ab3@x.de, ab4@x.de, ab5@x.de\n\n",
	  "To: ab1@x.de, cd@x.de, ef@x.de, gh@x.de, ij@x.de\n\n" },
	{ "check_for_missing_to_header", "From: x\n\n", "To: x\n\n" },
	{ "check_for_to_in_subject|address", "To: <a@b.example>\nSubject: hi A@b.example!\n\n", "To: <a@b.example>\nSubject: hi\n\n" },
	{ "check_for_to_in_subject|user", "To: <anna@b.example>\nSubject: anna, look\n\n",
	  "To: <anna@b.example>\nSubject: annalena, look\n\n" },
	{ "check_for_matching_env_and_hdr_from", "Return-Path: <A@b.example>\nFrom: a@b.example\n\n",
	  "Return-Path: <x@b.example>\nFrom: a@b.example\n\n" },
	{ "check_equal_from_domains", "Return-Path: <a@c.example>\nFrom: a@b.example\n\n",
	  "Return-Path: <a@x.b.example>\nFrom: a@b.example\n\n" },
	{ "check_header_count_range|Subject|2|9", "Subject: a\nSubject: b\n\n", "Subject: a\nSubject: a\n\n" },
	{ "check_unresolved_template", "X-A: %RND_X\n\n", "Subject: %RND_X\n\n" },
	{ "check_for_shifted_date|3|6", "Date: Sat, 1 Jan 2022 16:00:00 +0000\nReceived: by x; Sat, 1 Jan 2022 12:00:00 +0000\n\n",
	  "Date: Sat, 1 Jan 2022 16:00:00 +0400\nReceived: by x; Sat, 1 Jan 2022 12:00:00 +0000\n\n" },
	{ "check_all_trusted", "Received: from a (b [10.1.1.1]) by c (Postfix) with ESMTP id x\n\n",
	  "Received: from a (b [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n" },
	{ "check_no_relays", "Subject: x\n\n", "Received: from a (b [10.1.1.1]) by c (Postfix) with ESMTP id x\n\n" },
	{ "check_for_numeric_helo", "Received: from 192.0.2.9 (b [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n",
	  "Received: from 10.0.0.9 (b [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n" },
	{ "helo_ip_mismatch", "Received: from 198.51.100.9 (b [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n",
	  "Received: from 192.0.2.9 (b [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n" },
	{ "check_for_no_rdns_dotcom_helo", "Received: from aol.com (unknown [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n",
	  "Received: from aol.com (a.com [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n" },
	{ "gated_through_received_hdr_remover", "Subject: x\n\n", "Received: by x\n\n" },
	{ "check_for_forged_yahoo_received_headers",
	  "From: a@yahoo.com\nReceived: from a (b [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n",
	  "From: a@yahoo.com\nReceived: from a (x.yahoo.com [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n" },
	{ "check_for_forged_gmail_received_headers", "From: a@gmail.com\n\n",
	  "From: a@gmail.com\nX-Received: by 10.1.2.3 with SMTP id x1\n\n" },
	{ "check_from_in_blocklist", "From: x@Bad.example\n\n", "From: x@good.example\n\n" },
	{ "check_uri_host_in_blocklist", "\nhttp://www.evil.example/\n", "\nhttp://www.good.example/\n" },
	{ "check_mailfrom_matches_rcvd",
	  "Return-Path: <a@b.example>\nReceived: from h (x.b.example [192.0.2.1]) by c (Postfix) with ESMTP id x\n\n", "\nx" },
	{ "check_freemail_from", "From: a@free.example\n\n", "From: info@free.example\n\n" },
	{ "check_freemail_from|\\d@", "From: a1@x.mail.example\n\n", "From: a@x.mail.example\n\n" },
	{ "check_freemail_header|Reply-To", "Reply-To: a@free.example\n\n", "From: a@free.example\n\n" },
	{ "check_freemail_body", "\nwrite to a@free.example now\n", "\n<a@free.example> wrote\n" },
	{ "check_freemail_replyto", "From: a@free.example\nReply-To: b@free.example\n\n",
	  "From: a@free.example\nReply-To: A@free.example\n\n" },
	{ "check_for_http_redirector", "\nhttp://a.example/?http://b.example/\n", "\nhttp://a.example/?http://x.a.example/\n" },
	{ "check_https_http_mismatch", HTML "<a href=http://a.example/>https://b.example/</a>",
	  HTML "<a href=http://a.example/>https://www.a.example/</a>" },
	{ "check_https_ip_mismatch", HTML "<a href=http://192.0.2.1/>https://b.example/</a>",
	  HTML "<a href=http://a.example/>https://b.example/</a>" },
	{ "image_count|gif|1", "Content-Type: image/gif\nContent-Transfer-Encoding: base64\n\nR0lGODlhAQABAIAAAA==\n", "\nx" },
	{ "image_size_exact|gif|2|1", "Content-Type: image/gif\nContent-Transfer-Encoding: base64\n\nR0lGODlhAQACAIAAAA==\n",
	  "Content-Type: image/gif\nContent-Transfer-Encoding: base64\n\nR0lGODlhAQABAIAAAA==\n" },
	{ "pdf_count|1|1", PDF, "Content-Type: application/octet-stream; name=a.dat\n\n%PDF-1.4\n" },
	{ "pdf_count|1", "Content-Type: application/octet-stream; name=A.PDF\n\nx\n", "\nx" },
	{ "pdf_count|0|0", "\nx", PDF },
	{ "pdf_named|a.pdf", PDF, "Content-Type: application/pdf; name=a.pdf\n\nno magic\n" },
	{ "pdf_name_regex|/^A/i", PDF, "Content-Type: application/pdf; name=b.pdf\n\n%PDF-1.4\n" },
	{ "pdf_name_regex|^a", PDF, "Content-Type: application/pdf\n\n%PDF-1.4\n" },
	{ "pdf_name_regex|m{^a}", PDF, "\nx" },
	{ "pdf_match_details|author|/^a.b$/", PDF "/Author (a\\)b)/Author(c)\n", PDF "/Author a\n" },
	{ "pdf_match_details|title|/^HL$/", PDF "/Title <FEFF00 48004C0>\n", PDF "/Title <48\n4C>\n" },
	{ "pdf_match_details|producer|/^A\\\\B$/", PDF "/Producer(\\101\\\\B)\n", PDF "/Producer(\\\\101\\\\B)\n" },
	{ "pdf_match_details|created|/^2007$/", PDF " /CreationDate (D:2007-)\n", PDF "/ModDate (D:2007)\n" },
	{ "pdf_match_details|modified|2007", PDF "/ModDate(D:2007)\n", PDF "/ModDate   (D:2007)\n" },
	{ "pdf_match_details|creator|/./", PDF "/Creator<41\n/Creator(x)\n", PDF "/Creator(x\n" },
	{ "pdf_image_count|1|1", PDF "/Image\n30 0 0 40 0 0 cm\n30 0 0 40 0 0 cm\n", PDF "30 0 0 40 0 0 cm\n/Image\n0 0 0 4 0 0 cm\n" },
	{ "pdf_image_size_exact|40|30", PDF "/Image /Width 30/Height 40\n", PDF "/Image\n/Width 30/Height 40\n" },
	{ "pdf_image_size_exact|60|90", PDF "/Image /Width 30/Height 40\n/Image /Width 60/Height 20\n", PDF },
	{ "pdf_image_size_range|40|30|40|30", PDF "/Image /Width 30/Height 40\n", PDF "/Image /Width 30/Height 41\n" },
	{ "pdf_pixel_coverage|1200|1200", PDF "/Image /Width 30/Height 40\n", PDF },
	{ "pdf_image_to_text_ratio|0|1", "Subject: abc\n" PDF "/Image /Width 30/Height 40\n", "Subject: abc\n" PDF },
	{ "pdf_is_empty_body|1", "Subject: a long subject\n" PDF, "Subject: x\n\nx" },
	{ "pdf_is_encrypted", PDF "/Encrypt 5 0 R\n", PDF " /Encrypt 5 0 R\n" },
	{ "pdf_match_md5|6446a98080f5e51ab7f0abc0e8eda635", PDF, PDF "\n" },
	{ "pdf_match_fuzzy_md5|9336EBF25087D91C818EE6E9EC29F8C1", PDF "x \nx\n/Width 7\n", PDF "xx\n/Height 8\nstream\n" },
	{ "check_olemacro",
	  "Content-Type: application/msword; name=a.doc\nContent-Transfer-Encoding: quoted-printable\n\nw:macrosPresent=3D\"yes\"\n",
	  "Content-Type: application/msword; name=a.doc\nContent-Transfer-Encoding: quoted-printable\n\nw:macrosPresent=3D\"no\"\n" },
	{ "check_olemacro", "Content-Type: application/msword; name=a.docm\nContent-Transfer-Encoding: quoted-printable\n\nx\n",
	  "Content-Type: application/msword; name=a.DOCM\nContent-Transfer-Encoding: quoted-printable\n\nx\n" },
	{ "check_olemacro", "Content-Type: application/msword; name=a.rtf\nContent-Transfer-Encoding: quoted-printable\n\n{\\objdata}\n",
	  "Content-Type: application/msword; name=a.txt\nContent-Transfer-Encoding: quoted-printable\n\n{\\objdata}\n" },
	{ "check_olemacro",
	  "Content-Type: application/msword; name=a.doc\nContent-Transfer-Encoding: quoted-printable\n\n=D0=CF=11=E0=00Attribut=00\n",
	  "Content-Type: application/msword; name=a.doc\nContent-Transfer-Encoding: quoted-printable\n\n=D0=CF=11=E0 \\objdata\n" },
	{ "check_olemacro_malice",
	  "Content-Type: application/msword; name=a.rtf\nContent-Transfer-Encoding: quoted-printable\n\n{\\objemb Auto_Open\n",
	  "Content-Type: application/msword; name=a.rtf\nContent-Transfer-Encoding: quoted-printable\n\n{\\objemb Auto__Open\n" },
	{ "check_olemacro_csv",
	  "Content-Type: application/msword; name=a.CSV\nContent-Transfer-Encoding: "
	  "quoted-printable\n\nMSEXCEL|'..\\Windows\\System32\\cmd.exe\n",
	  "Content-Type: application/msword; name=a.CSV\nContent-Transfer-Encoding: "
	  "quoted-printable\n\nMSEXCEL|Windows\\System32\\cmd.exe\n" },
	{ "check_olemacro_download_exe",
	  "Content-Type: application/msword; name=a.doc\nContent-Transfer-Encoding: "
	  "quoted-printable\n\n=00https://e.example/abcde.exe=00\n",
	  "Content-Type: application/msword; name=a.doc\nContent-Transfer-Encoding: "
	  "quoted-printable\n\n=00https://e.example/abcd,e.exe=00\n" },
	{ "check_olemacro_download_exe",
	  "Content-Type: application/msword; name=a.doc\nContent-Transfer-Encoding: quoted-printable\n\ncmd.exe /c ms^h^ta ht^tps:/^/x\n",
	  "Content-Type: application/msword; name=a.doc\nContent-Transfer-Encoding: quoted-printable\n\nCmd /c ms^h^ta ht^tps:/^/x\n" },
	{ "multipart_alternative_difference|99|100",
	  "Content-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b\n" HTML "<p>two\n--b--\n",
	  "Content-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b\n" HTML "<p>one\n--b--\n" },
};

static int call(const char *text, const char *message, const struct mr_sa_conf *conf, const struct mr_sa_proofs *proofs)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice rest = mr_slice_of(text), name, one;
	struct mr_sa_args args = { 0 };
	struct mr_diag diag = { 0 };
	const struct mr_sa_eval *e;
	struct mr_sa *sa;

	mr_slice_next(&rest, '|', &name);
	while (mr_slice_next(&rest, '|', &one))
		args.v[args.n++] = one;
	e = mr_sa_eval_find(name);
	if (!e)
		fail_msg("no function %s", text);
	if (e->prepare) {
		args.prepared = e->prepare(&args, conf, arena, &diag);
		assert_non_null(args.prepared);
	}
	sa = mr_sa_read(mr_slice_of(message), conf, NULL, arena);
	mr_sa_prove(sa, proofs);
	return e->run(sa, &args);
}

static void test_cases(void **state)
{
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	mr_view_init();
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		if (!call(cases[i].call, cases[i].yes, conf, NULL))
			fail_msg("%s is not true of: %s", cases[i].call, cases[i].yes);
		if (call(cases[i].call, cases[i].no, conf, NULL))
			fail_msg("%s is true of: %s", cases[i].call, cases[i].no);
	}
	mr_sa_conf_free(conf);
}

#define FROM_B                     "From: a@b.example\nReceived: from h (x.c.example [192.0.2.1]) by y (Postfix) with ESMTP id x\n\n"
#define FILE_NAMED(name, encoding) "Content-Type: image/png; name=" name "\nContent-Transfer-Encoding: " encoding "\n\n"
#define EXTENDED                   "olemacro_extended_scan 1"
#define DOCX                                                                                                                               \
	"UEsDBBQAAAAAAAAAIQArhCYSBAAAAAQAAAATAAAAW0NvbnRlbnRfVHlwZXNdLnhtbDx4Lz5QSwECFAMUAAAAAAAAACEAK4QmEgQAAAAEAAAAEwAAAAAAAAAAAAAAgAEA" \
	"AAAAW0NvbnRlbnRfVHlwZXNdLnhtbFBLBQYAAAAAAQABAEEAAAA1AAAAAAA=" /* [Content_Types].xml */
#define DOCX_IN_ZIP                                                                                                                        \
	"UEsDBBQAAAAAAAAAIQDXE9GXjAAAAIwAAAAFAAAAYS5wbmdQSwMEFAAAAAAAAAAhACuEJhIEAAAABAAAABMAAABbQ29udGVudF9UeXBlc10ueG1sPHgvPlBLAQIUAxQA" \
	"AAAAAAAAIQArhCYSBAAAAAQAAAATAAAAAAAAAAAAAACAAQAAAABbQ29udGVudF9UeXBlc10ueG1sUEsFBgAAAAABAAEAQQAAADUAAAAAAFBLAQIUAxQAAAAAAAAAIQDX" \
	"E9GXjAAAAIwAAAAFAAAAAAAAAAAAAACAAQAAAABhLnBuZ1BLBQYAAAAAAQABADMAAACvAAAAAAA=" /* as a.png */
#define ZIP                                                                                                                                \
	"UEsDBBQAAAAAAAAAIQCDFtyMAQAAAAEAAAAFAAAAYS50eHR4UEsBAhQDFAAAAAAAAAAhAIMW3IwBAAAAAQAAAAUAAAAAAAAAAAAAAIABAAAAAGEudHh0UEsFBgAAAAAB" \
	"AAEAMwAAACQAAAAAAA==" /* a.txt */
#define NO_RELATION                                                                                                                        \
	"UEsDBBQAAAAAAAAAIQAcI+SMDQAAAA0AAAAGAAAAeC5yZWxzUmVsYXRpb25zaGlwIFBLAQIUAxQAAAAAAAAAIQAcI+"                                       \
	"SMDQAAAA0AAAAGAAAAAAAAAAAAAACAAQAAAAB4LnJlbHNQSwUGAAAAAAEAAQA0AAAAMQAAAAAA" /* x.rels: a word between nothing */
#define KOI8 "Content-Type: text/plain; charset=koi8-r\n\n\xf0\xd2\xc9\xd7\xc5\xd4\n"

/* Settings that decide. */
static void test_settings(void **state)
{
	static const struct {
		const char *settings, *call, *message;
		int result;
	} t[] = {
		{ "whitelist_from *@b.example", "check_from_in_whitelist", FROM_B, 1 },
		{ "whitelist_from *@b.example a@b.example\nunwelcomelist_from *@B.example", "check_from_in_whitelist", FROM_B, 1 },
		{ "whitelist_from *@b.example a@b.example\nunwhitelist_from *@b.example A@b.example", "check_from_in_whitelist", FROM_B,
		  0 },
		{ "whitelist_from_rcvd *@b.example c.example", "check_from_in_whitelist", FROM_B, 1 },
		{ "whitelist_from_rcvd *@b.example .example", "check_from_in_whitelist", FROM_B, 0 },
		{ "whitelist_from_rcvd *@b.example [192.0.2.1]", "check_from_in_whitelist", FROM_B, 1 },
		{ "whitelist_from_rcvd *@b.example [192.0.2.]", "check_from_in_whitelist", FROM_B, 1 },
		{ "whitelist_from_rcvd *@b.example [192.0.2.0]/24", "check_from_in_whitelist", FROM_B, 1 },
		{ "whitelist_from_rcvd *@b.example [192.0.2.2]", "check_from_in_whitelist", FROM_B, 0 },
		{ "whitelist_from_rcvd *@b.example d.example", "check_from_in_whitelist", FROM_B, 0 },
		{ "whitelist_from_rcvd *@b.example d.example", "check_forged_in_whitelist", FROM_B, 1 },
		{ "whitelist_from_rcvd *@b.example d.example\nwhitelist_allows_relays a@*", "check_forged_in_whitelist", FROM_B, 0 },
		{ "whitelist_from_rcvd *@b.example c.example\nunwhitelist_from_rcvd *@b.example", "check_from_in_whitelist", FROM_B, 0 },
		{ "def_whitelist_from_rcvd *@b.example c.example", "check_from_in_default_whitelist", FROM_B, 1 },
		{ "def_whitelist_from_rcvd *@b.example c.example", "check_from_in_whitelist", FROM_B, 0 },
		{ "", "check_olemacro_renamed", FILE_NAMED("a.png", "base64") DOCX, 0 },
		{ "olemacro_extended_scan 0", "check_olemacro_renamed", FILE_NAMED("a.png", "base64") DOCX, 0 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.png", "base64") DOCX, 1 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.png", "base64") DOCX_IN_ZIP, 1 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.zip", "base64") DOCX_IN_ZIP, 1 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.zip", "base64") DOCX, 0 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.docx", "base64") DOCX, 0 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.dotx", "base64") DOCX, 0 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.DOCX", "base64") DOCX, 1 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.png", "base64") ZIP, 0 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.png", "base64") NO_RELATION, 0 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.png", "quoted-printable") "=D0=CF=11=E0", 1 },
		{ EXTENDED, "check_olemacro_renamed", FILE_NAMED("a.png", "8bit") "{\\objdata}", 0 },
		{ EXTENDED, "check_olemacro", FILE_NAMED("a.png", "quoted-printable") "{\\objdata}", 1 },
		{ "", "check_olemacro", FILE_NAMED("a.png", "quoted-printable") "{\\objdata}", 0 },
		{ EXTENDED, "check_olemacro_download_exe", FILE_NAMED("a.png", "quoted-printable") "=00https://e.example/abcde.exe=00", 0 },
		{ "", "check_olemacro_download_exe", FILE_NAMED("a.doc", "quoted-printable") "=00https://e.example/abcde.exe=00", 1 },
		{ "blacklist_uri_host good.example", "check_uri_host_in_blocklist", "\nhttp://www.good.example/\n", 1 },
		{ "enlist_uri_host (BLOCK) !www.evil.example", "check_uri_host_in_blocklist", "\nhttp://www.evil.example/\n", 0 },
		{ "delist_uri_host evil.example", "check_uri_host_in_blocklist", "\nhttp://www.evil.example/\n", 0 },
		{ "ok_locales all", "check_for_faraway_charset", KOI8, 0 },
		{ "ok_locales en", "check_for_faraway_charset", KOI8, 1 },
		{ "ok_locales en ru", "check_for_faraway_charset", KOI8, 0 },
		{ "ok_locales en", "check_for_faraway_charset", "Content-Type: text/plain; charset=koi8-r\n\nHello\n", 0 },
		{ "ok_locales en", "check_for_faraway_charset_in_headers", "Subject: =?utf-8?B?YQ==?= =?gb2312?B?YQ==?=\n\n", 1 },
		{ "ok_locales zh", "check_for_faraway_charset_in_headers", "Subject: =?utf-8?B?YQ==?= =?gb2312?B?YQ==?=\n\n", 0 },
		{ "ok_locales en", "check_for_mime|mime_faraway_charset", KOI8, 1 },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_sa_conf *conf = test_sa_conf();

		test_sa_set(conf, t[i].settings);
		if (call(t[i].call, t[i].message, conf, NULL) != t[i].result)
			fail_msg("%s: %s is not %d of: %s", t[i].settings, t[i].call, t[i].result, t[i].message);
		mr_sa_conf_free(conf);
	}
}

/* What SPF and DKIM prove: nobody asked; both hold; neither. */
static void test_proofs(void **state)
{
	static const struct mr_sa_signature good[] = { { MR_LIT("other.example"), false }, { MR_LIT("b.example"), true } },
					    bad[] = { { MR_LIT("b.example"), false }, { MR_LIT("c.example"), true } };
	static const struct mr_sa_proofs held = { .spf = MR_LIT("pass"),
						  .signatures = good,
						  .n_signatures = 2,
						  .arc_signed = true,
						  .arc_valid = true },
					 broken = { .spf = MR_LIT("fail"), .signatures = bad, .n_signatures = 2, .arc_signed = true };
	static const char message[] = "Return-Path: <a@b.example>\nFrom: A@B.example\n\n";
	static const struct {
		const char *call;
		int unknown, held, broken;
	} t[] = {
		{ "check_dkim_dependable", 0, 1, 1 },
		{ "check_dkim_signed", 0, 1, 1 },
		{ "check_dkim_valid", 0, 1, 1 },
		{ "check_dkim_valid|x.example|c.example", 0, 0, 1 },
		{ "check_dkim_valid|*.b.example", 0, 1, 0 },
		{ "check_dkim_valid_author_sig", 0, 1, 0 },
		{ "check_dkim_valid_envelopefrom", 0, 1, 0 },
		{ "check_for_spf_pass", 0, 1, 0 },
		{ "check_for_spf_fail", 0, 0, 1 },
		{ "check_for_spf_helo_pass", 0, 0, 0 },
		{ "check_arc_signed", 0, 1, 1 },
		{ "check_arc_valid", 0, 1, 0 },
		{ "check_arc_valid|b.example", 0, 0, 0 },
		{ "check_for_spf_welcomelist_from", 0, 1, 0 },
		{ "check_for_def_spf_welcomelist_from", 0, 0, 0 },
		{ "check_for_dkim_welcomelist_from", 0, 1, 1 },
		{ "check_for_def_dkim_welcomelist_from", 0, 1, 0 },
	};
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	test_sa_set(conf, "whitelist_auth a@b.example\nwhitelist_from_dkim *@b.example c.example\n"
			  "def_welcomelist_from_dkim *@b.example\ndef_welcomelist_from_spf *@d.example");
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		if (call(t[i].call, message, conf, NULL) != t[i].unknown || call(t[i].call, message, conf, &held) != t[i].held ||
		    call(t[i].call, message, conf, &broken) != t[i].broken)
			fail_msg("%s", t[i].call);
	}
	mr_sa_conf_free(conf);
}

/* Each result has one function. */
static void test_results(void **state)
{
	static const char *const dmarc[] = {
		[MR_SA_DMARC_UNKNOWN] = "check_dmarc_of_nobody", [MR_SA_DMARC_PASS] = "check_dmarc_pass",
		[MR_SA_DMARC_REJECT] = "check_dmarc_reject",     [MR_SA_DMARC_QUARANTINE] = "check_dmarc_quarantine",
		[MR_SA_DMARC_NONE] = "check_dmarc_none",         [MR_SA_DMARC_MISSING] = "check_dmarc_missing"
	};
	static const char *const words[] = { "pass", "fail", "softfail", "neutral", "none", "permerror", "temperror" };
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	for (size_t i = 0; i < MR_COUNT(dmarc); i++)
		for (size_t k = 1; k < MR_COUNT(dmarc); k++)
			if (call(dmarc[k], "\n", conf, &(struct mr_sa_proofs){ .dmarc = (enum mr_sa_dmarc)i }) != (i == k))
				fail_msg("%s: %zu", dmarc[k], i);
	for (size_t i = 0; i < MR_COUNT(words); i++)
		for (size_t k = 0; k < MR_COUNT(words); k++) {
			char name[100];

			snprintf(name, sizeof(name), "check_for_spf_helo_%s", words[k]);
			if (call(name, "\n", conf, &(struct mr_sa_proofs){ .spf_helo = mr_slice_of(words[i]) }) != (i == k))
				fail_msg("%s: %s", name, words[i]);
			if (call(name, "\n", conf, &(struct mr_sa_proofs){ .spf = mr_slice_of(words[i]) }))
				fail_msg("%s: %s of the sender", name, words[i]);
		}
	mr_sa_conf_free(conf);
}

static void test_pattern_in_error(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sa_args args = { .v = { MR_LIT("title"), MR_LIT("(") }, .n = 2 };
	struct mr_diag diag = { 0 };

	(void)state;
	assert_null(mr_sa_eval_find(MR_LIT("html_text_match"))->prepare(&args, NULL, arena, &diag));
	assert_true(diag.text[0] != '\0');
	assert_null(mr_sa_eval_find(MR_LIT("no_such_function")));
}

/* Patterns that would go on for hours: what all of them may do for a message is bounded, and the rest finds nothing. */
static void test_patterns_that_do_not_end(void **state)
{
	static const struct {
		const char *pattern;
		size_t items, length; /* comments, and letters in each */
	} t[] = { { "(?:a|aa)+$", 3000, 40 }, { "a++[bc]", 1, 300000 }, { "a+[bc]", 1, 300000 }, { "(?=(a+))\\1[bc]", 1, 300000 } };
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf b = MR_BUF(1u << 20);
		const struct mr_sa_eval *e = mr_sa_eval_find(MR_LIT("html_text_match"));
		struct mr_sa_args args = { .v = { MR_LIT("comment"), mr_slice_of(t[i].pattern) }, .n = 2 },
				  easy = { .v = { MR_LIT("comment"), MR_LIT("a") }, .n = 2 };
		struct mr_sa *sa;

		mr_buf_puts(&b, HTML);
		for (size_t k = 0; k < t[i].items; k++) {
			mr_buf_puts(&b, "<!--");
			for (size_t n = 0; n < t[i].length; n++)
				mr_buf_putc(&b, 'a');
			mr_buf_puts(&b, "!-->");
		}
		args.prepared = e->prepare(&args, conf, arena, NULL);
		easy.prepared = e->prepare(&easy, conf, arena, NULL);
		sa = mr_sa_read(mr_buf_slice(&b), conf, NULL, arena);
		assert_int_equal(e->run(sa, &easy), 1);
		assert_false(mr_sa_patterns_cut(sa));
		assert_int_equal(e->run(sa, &args), 0);
		if (!mr_sa_patterns_cut(sa))
			fail_msg("%s", t[i].pattern);
		assert_int_equal(e->run(sa, &easy), 0);
		mr_buf_done(&b);
	}
	mr_sa_conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),   cmocka_unit_test(test_settings),         cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_results), cmocka_unit_test(test_pattern_in_error), cmocka_unit_test(test_patterns_that_do_not_end)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
