/* helo: a stranger does not call himself by our name or address, and by something that can be a name (RFC 5321 section 4.1.3: an address
 * stands in brackets). Who does is no mail server; which of the names that can be are doubtful is for helo_domain and helo_fqdn. */

/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "check.h"

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */
#define HELO_MAX  255

static bool is_label(struct mr_slice s)
{
	if (s.n == 0 || s.n > LABEL_MAX || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = mr_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static bool has_letter(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (mr_lower(s.p[i]) >= 'a' && mr_lower(s.p[i]) <= 'z')
			return true;
	return false;
}

/* "_" is not allowed, but is what many a Windows calls itself. A name of digits alone is none. */
static bool is_name(struct mr_slice s)
{
	struct mr_slice label;

	if (s.n > HELO_MAX || !has_letter(s))
		return false;
	if (s.p[s.n - 1] == '.')
		s.n--;
	while (mr_slice_next(&s, '.', &label))
		if (!is_label(label))
			return false;
	return true;
}

static bool same_ip(const struct mr_ip *a, const struct mr_ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

static bool is_own_address(const struct mr_check_input *in, const struct mr_ip *ip)
{
	const struct mr_conf_strings *own = &in->settings->own_names;
	struct mr_ip other;

	if (mr_parse_ip(in->request->server_address, &other) == 0 && same_ip(ip, &other))
		return true;
	for (size_t i = 0; i < own->n; i++)
		if (mr_parse_ip(mr_slice_of(own->v[i]), &other) == 0 && same_ip(ip, &other))
			return true;
	return false;
}

static bool is_own_name(const struct mr_check_input *in, struct mr_slice helo)
{
	const struct mr_conf_strings *own = &in->settings->own_names;

	if (helo.p[helo.n - 1] == '.')
		helo.n--;
	if (mr_slice_ieq(helo, in->own_host))
		return true;
	for (size_t i = 0; i < own->n; i++)
		if (mr_slice_ieq(helo, mr_slice_of(own->v[i])))
			return true;
	return false;
}

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	struct mr_slice helo = in->request->helo_name;
	struct mr_ip ip;
	bool address;

	if (helo.n == 0 || !mr_check_is_stranger(in))
		return;
	address = mr_parse_ip(helo, &ip) == 0;
	if (address ? is_own_address(in, &ip) : is_own_name(in, helo))
		mr_check_refuse_stranger(in, "550 5.7.1 Helo command rejected: that is this host, and not you", "helo-own", out);
	else if (address && helo.p[0] != '[')
		mr_check_refuse_stranger(in, "550 5.7.1 Helo command rejected: an address stands in brackets", "helo-address", out);
	else if (!address && !is_name(helo))
		mr_check_refuse_stranger(in, "550 5.7.1 Helo command rejected: not a host name", "helo-invalid", out);
}

const struct mr_check mr_check_helo = { .name = "helo", .states = MR_STATE_RCPT, .needs = MR_NEED_RECIPIENT, .run = run };
