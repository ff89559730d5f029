/* http: see http.h */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "proto/http.h"

#define METHOD_MAX 16

static const char token_marks[] = "!#$%&'*+-.^_`|~";

/* RFC 9110 section 5.6.2 */
static bool is_token(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], low = mr_lower(c);
		struct mr_slice marks = { token_marks, sizeof(token_marks) - 1 };

		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && mr_slice_chr(marks, c) < 0)
			return false;
	}
	return s.n > 0;
}

/* Bytes above ASCII are none of ours. */
static bool is_text(struct mr_slice s, unsigned char lowest)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < lowest && c != '\t') || c >= 0x7f)
			return false;
	}
	return true;
}

/* The line at the front with its CRLF; -EPROTO where it ends otherwise. */
static int next_line(struct mr_slice *rest, struct mr_slice *line)
{
	ptrdiff_t lf = mr_slice_chr(*rest, '\n');

	if (lf < 0)
		return 0;
	if (lf == 0 || rest->p[lf - 1] != '\r')
		return -EPROTO;
	*line = (struct mr_slice){ rest->p, (size_t)lf - 1 };
	*rest = mr_slice_from(*rest, (size_t)lf + 1);
	return 1;
}

static int refuse(struct mr_http_request *out, int status)
{
	out->status = status;
	return -EPROTO;
}

static int parse_request_line(struct mr_slice line, struct mr_http_request *out)
{
	struct mr_slice version, rest = line;

	if (!mr_slice_next(&rest, ' ', &out->method) || !mr_slice_next(&rest, ' ', &out->target) || !mr_slice_next(&rest, ' ', &version) ||
	    rest.p)
		return refuse(out, 400);
	if (!is_token(out->method) || out->method.n > METHOD_MAX || !mr_slice_starts(out->target, MR_LIT("/")) ||
	    !is_text(out->target, '!') || mr_slice_chr(out->target, '\t') >= 0)
		return refuse(out, 400);
	out->keep_alive = mr_slice_eq(version, MR_LIT("HTTP/1.1"));
	if (!out->keep_alive && !mr_slice_eq(version, MR_LIT("HTTP/1.0")))
		return refuse(out, mr_slice_starts(version, MR_LIT("HTTP/")) ? 505 : 400);
	return 1;
}

static bool next_field(struct mr_slice *rest, struct mr_slice *name, struct mr_slice *value)
{
	struct mr_slice line;
	ptrdiff_t colon;

	if (next_line(rest, &line) <= 0)
		return false;
	colon = mr_slice_chr(line, ':');
	*name = (struct mr_slice){ line.p, colon < 0 ? 0 : (size_t)colon };
	*value = mr_slice_trim(mr_slice_from(line, name->n + 1));
	return true;
}

static size_t count_fields(const struct mr_http_request *r, struct mr_slice wanted, struct mr_slice *value)
{
	struct mr_slice rest = r->fields, name, found;
	size_t n = 0;

	while (next_field(&rest, &name, &found))
		if (mr_slice_ieq(name, wanted)) {
			*value = found;
			n++;
		}
	return n;
}

struct mr_slice mr_http_field(const struct mr_http_request *r, struct mr_slice name)
{
	struct mr_slice value = { 0 };

	return count_fields(r, name, &value) == 1 ? value : (struct mr_slice){ 0 };
}

static int look_at_fields(struct mr_http_request *out)
{
	struct mr_slice rest = out->fields, name, value;
	unsigned n = 0;

	while (next_field(&rest, &name, &value)) {
		if (!is_token(name) || !is_text(value, ' '))
			return refuse(out, 400);
		if (++n > MR_HTTP_FIELDS_MAX)
			return refuse(out, 431);
	}
	if (out->keep_alive && count_fields(out, MR_LIT("Host"), &value) != 1)
		return refuse(out, 400);
	if (count_fields(out, MR_LIT("Connection"), &value) > 0 && !mr_slice_ieq(value, MR_LIT("keep-alive")))
		out->keep_alive = false;
	if (count_fields(out, MR_LIT("Expect"), &value) > 0)
		return refuse(out, 417);
	return 1;
}

/* Bytes of the body, as the fields say. */
static int read_length(struct mr_http_request *out, uint64_t *length)
{
	struct mr_slice value;
	size_t n;

	if (count_fields(out, MR_LIT("Transfer-Encoding"), &value) > 0)
		return refuse(out, 501);
	n = count_fields(out, MR_LIT("Content-Length"), &value);
	*length = 0;
	if (n == 0)
		return mr_slice_eq(out->method, MR_LIT("GET")) ? 1 : refuse(out, 411);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return refuse(out, 400);
	if (n > 1 || value.n == 0)
		return refuse(out, 400);
	return mr_parse_u64(value, 0, MR_HTTP_BODY_MAX, length) < 0 ? refuse(out, 413) : 1;
}

/* 1 with what follows the head in *rest. */
static int parse_head(struct mr_slice *rest, struct mr_http_request *out)
{
	struct mr_slice whole = *rest, line;
	int rc = next_line(rest, &line);

	if (rc > 0)
		rc = parse_request_line(line, out);
	out->fields = *rest;
	while (rc > 0 && (rc = next_line(rest, &line)) > 0 && line.n > 0)
		;
	if (rc < 0)
		return refuse(out, out->status ? out->status : 400);
	if (rc == 0)
		return whole.n >= MR_HTTP_HEAD_MAX ? refuse(out, 431) : 0;
	if ((size_t)(rest->p - whole.p) > MR_HTTP_HEAD_MAX)
		return refuse(out, 431);
	out->fields.n = (size_t)(line.p - out->fields.p);
	return look_at_fields(out);
}

int mr_http_next(struct mr_slice in, struct mr_http_request *out, size_t *used)
{
	struct mr_slice rest = in;
	uint64_t length;
	int rc;

	*out = (struct mr_http_request){ 0 };
	rc = parse_head(&rest, out);
	if (rc > 0)
		rc = read_length(out, &length);
	if (rc <= 0)
		return rc;
	if (rest.n < length)
		return 0;
	out->body = (struct mr_slice){ rest.p, length };
	*used = (size_t)(rest.p - in.p) + length;
	return 1;
}

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 417, "Expectation Failed" },
		{ 431, "Request Header Fields Too Large" },
		{ 501, "Not Implemented" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < MR_COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

void mr_http_reply(struct mr_buf *out, int status, bool keep_alive, struct mr_slice body)
{
	mr_buf_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n", status,
		      reason_of(status), body.n, keep_alive ? "keep-alive" : "close");
	mr_buf_add(out, body);
}
