/* fuzz-checks: what clients call themselves and whom they claim to be, as policyd's checks read it out of a request, with an answer of the
 * directory about a closed alias. Goal: a check refuses; each refusal is an SMTP reply, and a kind of mail is no longer than what it was
 * made of. */

/* ours */
#include "check.h"
#include "fuzz.h"

size_t fuzz_goals;

static void run(size_t i, const struct mr_check_input *in)
{
	struct mr_check_answer answer = { .kind = MR_CHECK_PASS };
	struct mr_grey_triple triple = { 0 };
	const struct mr_grey_answer wait = { MR_GREY_WAIT, 60000 };
	struct mr_check_input asked = *in;

	if (mr_checks[i]->grey && mr_checks[i]->grey(in, &triple)) {
		fuzz_assert(triple.sender.n <= in->request->sender.n && triple.domain.n <= in->request->recipient.n && triple.client.n > 0);
		asked.grey = &wait;
	}
	mr_checks[i]->run(&asked, &answer);
	if (answer.kind != MR_CHECK_REFUSE)
		return;
	fuzz_assert(answer.reply && (answer.reply[0] == '4' || answer.reply[0] == '5') && answer.reply[3] == ' ' && answer.reason);
	fuzz_goals++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char own_name[] = "mail.a.example", own_address[] = "203.0.113.80", exempt[] = "large.example";
	char *own[] = { own_name, own_address }, *domains[] = { exempt };
	struct mr_slice who[] = { MR_LIT("anna@a.example"), MR_LIT(".sub.example") };
	struct mr_dir_right right = { .alias = MR_LIT("club@a.example"), .who = who, .n_who = 2 };
	struct mr_dir_resolve recipient = { .hosted = true, .rights = &right, .n_rights = 1 };
	struct mr_check_settings settings = { .own_names = { own, 2 }, .grey_exempt = { domains, 1 } };
	struct mr_check_input in = { .settings = &settings, .state = MR_STATE_RCPT, .own_host = MR_LIT("mx.a.example") };
	struct mr_policy_request request;
	mr_autoarena arena = NULL;
	size_t used;

	if (mr_policy_next(fuzz_input(data, size), &request, &used) != 1)
		return 0;
	arena = mr_arena_new(0);
	in.request = &request;
	in.arena = arena;
	in.has_client = mr_parse_ip(request.client_address, &in.client) == 0;
	in.has_recipient = true;
	in.recipient = &recipient;
	in.has_login = request.sasl_username.n > 0;
	in.login_address = request.sasl_username;
	in.login_enabled = true;
	for (size_t i = 0; i < MR_CHECKS; i++)
		run(i, &in);
	return 0;
}
