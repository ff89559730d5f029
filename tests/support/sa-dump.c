/* sa-dump: how lib/mail/sa sees messages: a JSON object a path that is read on standard input, with the names of sa-hits.pl --texts.
 *
 *   sa-dump RULE-FILE... <LIST >LINES        RULE-FILE: settings are taken, rules passed over */
/* system */
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/sa/sa.h"
#include "mail/view.h"

static bool read_file(const char *path, struct mr_buf *out)
{
	FILE *f = fopen(path, "rb");
	char chunk[65536];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		mr_buf_add(out, (struct mr_slice){ chunk, n });
	fclose(f);
	return true;
}

static void take_settings(struct mr_sa_conf *conf, struct mr_slice text)
{
	struct mr_slice line;

	while (mr_slice_next(&text, '\n', &line)) {
		size_t n = 0;

		line = mr_slice_trim(line);
		while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
			n++;
		mr_sa_conf_set(conf, (struct mr_slice){ line.p, n }, mr_slice_trim(mr_slice_from(line, n)), NULL);
	}
}

static void put(struct mr_slice s)
{
	putchar('"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void put_list(const char *name, const struct mr_sa_list *l)
{
	printf(",\"%s\":[", name);
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			putchar(',');
		put(l->items[i]);
	}
	putchar(']');
}

static void put_details(struct mr_sa *sa)
{
	size_t n;
	const struct mr_sa_uri *u = mr_sa_uri_details(sa, &n);

	printf(",\"detail\":{");
	for (size_t i = 0; i < n; i++) {
		bool first = true;

		if (i)
			putchar(',');
		put(u[i].raw);
		printf(":{\"types\":[");
		for (size_t t = 0; t < MR_SA_URI_TYPES; t++)
			if (u[i].types & 1u << t) {
				printf("%s\"%s\"", first ? "" : ",", mr_sa_uri_type_str((enum mr_sa_uri_type)(1u << t)));
				first = false;
			}
		printf("]");
		put_list("cleaned", &u[i].cleaned);
		put_list("anchor", &u[i].anchors);
		put_list("domains", &u[i].domains);
		putchar('}');
	}
	putchar('}');
}

static void put_html(struct mr_sa *sa)
{
	static const char *const names[] = { "image_area",
					     "length",
					     "min_size",
					     "max_size",
					     "closed_extra_ratio",
					     "bad_tag_ratio",
					     "non_element_ratio",
					     "obfuscation_ratio",
					     "html_length",
					     "non_space_len",
					     "ratio",
					     "font_low_contrast",
					     "font_invalid_color",
					     "font_face_bad",
					     "form_action_mailto",
					     "embeds" };
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	if (!n)
		return;
	printf(",\"html\":{\"html\":1");
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		double v = mr_sa_html_number(h[n - 1], mr_slice_of(names[i]));

		if (!isnan(v))
			printf(",\"%s\":%.15g", names[i], v);
	}
	putchar('}');
}

static void dump(const char *path, struct mr_slice message, const struct mr_sa_conf *conf)
{
	static const char *const single[] = { "From:addr",
					      "From:name",
					      "From:raw",
					      "To:addr",
					      "To:name",
					      "Subject",
					      "Subject:raw",
					      "ToCc",
					      "EnvelopeFrom",
					      "MESSAGEID",
					      "ALL",
					      "ALL:raw",
					      "Reply-To:addr",
					      "ALL-TRUSTED",
					      "ALL-UNTRUSTED",
					      "ALL-INTERNAL",
					      "ALL-EXTERNAL",
					      "X-Spam-Relays-Untrusted",
					      "X-Spam-Relays-Trusted",
					      "X-Spam-Relays-Internal",
					      "X-Spam-Relays-External" };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sa *sa = mr_sa_read(message, conf, NULL, arena);

	printf("{\"path\":");
	put(mr_slice_of(path));
	for (size_t i = 0; i < MR_COUNT(single); i++) {
		printf(",\"%s\":", single[i]);
		put(mr_sa_scalar(sa, mr_slice_of(single[i])));
	}
	put_list("body", mr_sa_body(sa));
	put_list("rawbody", mr_sa_rawbody(sa));
	put_list("uris", mr_sa_uris(sa));
	put_details(sa);
	printf(",\"parts\":[");
	for (size_t i = 0, k = 0; i < mr_sa_n_parts(sa); i++)
		if (mr_sa_part(sa, i)->leaf) {
			printf("%s", k++ ? "," : "");
			put(mr_sa_part(sa, i)->type);
		}
	printf("]");
	put_html(sa);
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct mr_sa_conf *conf = mr_sa_conf_new();
	struct mr_buf b = MR_BUF(64u << 20);
	char path[4096];

	mr_view_init();
	for (int i = 1; i < argc; i++) {
		mr_buf_reset(&b);
		read_file(argv[i], &b);
		take_settings(conf, mr_buf_slice(&b));
	}
	while (fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		mr_buf_reset(&b);
		if (read_file(path, &b))
			dump(path, mr_buf_slice(&b), conf);
	}
	mr_buf_done(&b);
	mr_sa_conf_free(conf);
	return 0;
}
