/* srs: vectors made by postsrsd 1.10 (options -d fwd.example, the two secrets below) on day 20779. */
/* system */
#include <errno.h>

/* ours */
#include "mail/srs.h"
#include "unit.h"

#define NOW 1795342032
#define DAY 86400

static const struct mr_srs ours = {
	.secrets = { MR_LIT("tops3cret"), MR_LIT("older-secret") }, .n_secrets = 2, .domain = MR_LIT("fwd.example"), .now = NOW
};

static const struct {
	const char *address, *rewritten;
} vectors[] = {
	{ "john@example.org", "SRS0=0XKj=JL=example.org=john@fwd.example" },
	{ "John.Doe@Example.ORG", "SRS0=NuSC=JL=Example.ORG=John.Doe@fwd.example" },
	{ "a=b+c-d@x.example", "SRS0=xc9E=JL=x.example=a=b+c-d@fwd.example" },
	{ "\"a b\"@q.example", "SRS0=ksz/=JL=q.example=\"a b\"@fwd.example" },
	{ "bounce+very-long-local-part-0123456789-0123456789-0123456789-0123456789@lists.example",
	  "SRS0=3ct1=JL=lists.example=bounce+very-long-local-part-0123456789-0123456789-0123456789-0123456789@fwd.example" },
	{ "SRS0=HHHH=TT=orig.example=user@first.example", "SRS1=XrUD=first.example==HHHH=TT=orig.example=user@fwd.example" },
	{ "SRS0+HHHH=TT=orig.example=User@First.Example", "SRS1=FrTH=First.Example=+HHHH=TT=orig.example=User@fwd.example" },
};

static void test_vectors(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(vectors); i++) {
		struct mr_slice out;

		assert_int_equal(mr_srs_forward(&ours, mr_slice_of(vectors[i].address), arena, &out), 0);
		assert_slice(out, vectors[i].rewritten);
		assert_int_equal(mr_srs_reverse(&ours, mr_slice_of(vectors[i].rewritten), arena, &out), 0);
		assert_slice(out, vectors[i].address);
	}
}

static const struct {
	const char *address, *rewritten; /* NULL: refused */
} forwards[] = {
	/* what is SRS1 already keeps its first host (vectors of postsrsd) */
	{ "SRS1=abcd=first.example==HHHH=TT=orig.example=user@second.example",
	  "SRS1=XrUD=first.example==HHHH=TT=orig.example=user@fwd.example" },
	{ "SRS1-abcd=first.example=-HHHH=TT=orig.example=user@second.example",
	  "SRS1=uYJx=first.example=-HHHH=TT=orig.example=user@fwd.example" },
	{ "srs0+HHHH=TT=orig.example=User@First.Example", "SRS1=FrTH=First.Example=+HHHH=TT=orig.example=User@fwd.example" },
	/* fixed points */
	{ "x@fwd.example", "x@fwd.example" },
	{ "SRS0=0XKj=JL=example.org=john@fwd.example", "SRS0=0XKj=JL=example.org=john@fwd.example" },
	{ "SRS1=XrUD=first.example==HHHH=TT=orig.example=user@FWD.example",
	  "SRS1=XrUD=first.example==HHHH=TT=orig.example=user@FWD.example" },
	/* refused */
	{ "", NULL },
	{ "john", NULL },
	{ "@example.org", NULL },
	{ "john@", NULL },
	{ "jo\nhn@example.org", NULL },
	{ "john@example=org", NULL },
	{ "SRS1=abcd@second.example", NULL },
	{ "SRS1=abcd==x@second.example", NULL },
	{ "SRS1=abcd=host=@second.example", NULL },
};

static void test_forward(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(forwards); i++) {
		struct mr_slice out = MR_LIT("untouched");
		int r = mr_srs_forward(&ours, mr_slice_of(forwards[i].address), arena, &out);

		assert_int_equal(r, forwards[i].rewritten ? 0 : -EINVAL);
		assert_slice(out, forwards[i].rewritten ? forwards[i].rewritten : "untouched");
	}
}

static const struct {
	const char *address, *original;
	int result;
	int days; /* later than the vectors */
} reverses[] = {
	{ "SRS0=0xkj=jl=example.org=john@fwd.example", "john@example.org", 0, 0 }, /* case was lost on the way */
	{ "srs0-0XKj=JL=example.org=john@FWD.EXAMPLE", "john@example.org", 0, 0 },
	{ "SRS0=0XKjmore=JL=example.org=john@fwd.example", "john@example.org", 0, 0 }, /* a longer hash: four characters count */
	{ "SRS0=yvho=JL=example.org=john@fwd.example", "john@example.org", 0, 0 },     /* by the second secret */
	{ "SRS0=0XKj=JL=example.org=john@fwd.example", "john@example.org", 0, 21 },
	{ "SRS0=0XKj=JL=example.org=john@fwd.example", NULL, -ETIME, 22 },
	{ "SRS0=0XKj=JL=example.org=john@fwd.example", "john@example.org", 0, 1024 }, /* the days come round again */
	{ "SRS0=0XKj=JL=example.org=john@fwd.example", NULL, -ETIME, -1 },            /* from tomorrow */
	{ "SRS0=0XKk=JL=example.org=john@fwd.example", NULL, -EBADMSG, 0 },
	{ "SRS0=0XK=JL=example.org=john@fwd.example", NULL, -EBADMSG, 0 },
	{ "SRS0=0XKj=JM=example.org=john@fwd.example", NULL, -EBADMSG, 0 },
	{ "SRS0=0XKj=JL=example.com=john@fwd.example", NULL, -EBADMSG, 0 },
	{ "SRS0=0XKj=JL=example.org=joan@fwd.example", NULL, -EBADMSG, 0 },
	{ "SRS0=0XKj=JL@fwd.example", NULL, -EBADMSG, 0 },
	{ "SRS0=0XKj=JL=@fwd.example", NULL, -EBADMSG, 0 },
	{ "SRS0=0XKj=JL=example.org=@fwd.example", NULL, -EBADMSG, 0 },
	{ "exempt=gtea=jl=example.org=john@FWD.example", "john@example.org", 0, 21 }, /* what stands for an exempt sender */
	{ "EXEMPT=GTeA=JL=example.org=john@fwd.example", NULL, -ETIME, 22 },
	{ "EXEMPT=GTeB=JL=example.org=john@fwd.example", NULL, -EBADMSG, 0 },
	{ "EXEMPT=GTeA=JM=example.org=john@fwd.example", NULL, -EBADMSG, 0 },
	{ "EXEMPT=GTeA=JL=example.or=gjohn@fwd.example", NULL, -EBADMSG, 0 }, /* the same letters */
	{ "EXEMPT=0XKj=JL=example.org=john@fwd.example", NULL, -EBADMSG, 0 }, /* a hash that anybody can get */
	{ "SRS0=GTeA=JL=example.org=john@fwd.example", NULL, -EBADMSG, 0 },
	{ "EXEMPT==example.org=john@fwd.example", NULL, -EBADMSG, 0 },
	{ "EXEMPT=@fwd.example", NULL, -EBADMSG, 0 },
	{ "EXEMPT=GTeA=JL=example.org=john@other.example", NULL, -ENOENT, 0 },
	{ "EXEMPT@fwd.example", NULL, -ENOENT, 0 },
	{ "SRS1=XrUE=first.example==HHHH=TT=orig.example=user@fwd.example", NULL, -EBADMSG, 0 },
	{ "SRS1=XrUD=first.example@fwd.example", NULL, -EBADMSG, 0 },
	{ "SRS0=@fwd.example", NULL, -ENOENT, 0 },
	{ "SRS2=0XKj=JL=example.org=john@fwd.example", NULL, -ENOENT, 0 },
	{ "SRS0.0XKj=JL=example.org=john@fwd.example", NULL, -ENOENT, 0 },
	{ "SRS0=0XKj=JL=example.org=john@other.example", NULL, -ENOENT, 0 },
	{ "john@fwd.example", NULL, -ENOENT, 0 },
	{ "", NULL, -ENOENT, 0 },
};

static void test_reverse(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(reverses); i++) {
		struct mr_srs then = ours;
		struct mr_slice out = MR_LIT("untouched");

		then.now += reverses[i].days * (int64_t)DAY;
		assert_int_equal(mr_srs_reverse(&then, mr_slice_of(reverses[i].address), arena, &out), reverses[i].result);
		assert_slice(out, reverses[i].original ? reverses[i].original : "untouched");
	}
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Senders that are forwarded under their own address: as asked for, and as signed. */
static const struct {
	const char *sender, *asked, *is_signed;
} exempts[] = {
	{ "john@example.org", "EXEMPT==example.org=john@fwd.example", "EXEMPT=GTeA=JL=example.org=john@fwd.example" },
	{ "John.Doe@Example.ORG", "EXEMPT==Example.ORG=John.Doe@fwd.example", "EXEMPT=4sCX=JL=Example.ORG=John.Doe@fwd.example" },
	{ "a=b+c-d@x.example", "EXEMPT==x.example=a=b+c-d@fwd.example", "EXEMPT=0E8s=JL=x.example=a=b+c-d@fwd.example" },
	{ "=@x.example", "EXEMPT==x.example==@fwd.example", "EXEMPT=CurO=JL=x.example==@fwd.example" },
	{ "a b\"@q.example", "EXEMPT==q.example=a b\"@fwd.example", "EXEMPT=nn9b=JL=q.example=a b\"@fwd.example" },
	{ "x@[192.0.2.1]", "EXEMPT==[192.0.2.1]=x@fwd.example", "EXEMPT=fm82=JL=[192.0.2.1]=x@fwd.example" },
	{ "SRS0=HHHH=TT=orig.example=user@first.example", "EXEMPT==first.example=SRS0=HHHH=TT=orig.example=user@fwd.example",
	  "EXEMPT=xgR2=JL=first.example=SRS0=HHHH=TT=orig.example=user@fwd.example" },
	{ "EXEMPT=HHHH=TT=orig.example=user@first.example", "EXEMPT==first.example=EXEMPT=HHHH=TT=orig.example=user@fwd.example",
	  "EXEMPT=d5HQ=JL=first.example=EXEMPT=HHHH=TT=orig.example=user@fwd.example" },
	{ X50 X50 X50 "@lists.example", "EXEMPT==lists.example=" X50 X50 X50 "@fwd.example",
	  "EXEMPT=f1H3=JL=lists.example=" X50 X50 X50 "@fwd.example" },
};

static void test_exempt(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(exempts); i++) {
		struct mr_slice asked, out;

		assert_int_equal(mr_srs_exempt_ask(ours.domain, mr_slice_of(exempts[i].sender), arena, &asked), 0);
		assert_slice(asked, exempts[i].asked);
		assert_true(mr_srs_is_exempt(asked));
		assert_int_equal(mr_srs_reverse(&ours, asked, arena, &out), -EBADMSG); /* nobody has signed it */
		assert_int_equal(mr_srs_exempt_sign(&ours, asked, arena, &out), 0);
		assert_slice(out, exempts[i].is_signed);
		assert_true(mr_srs_is_exempt(out));
		assert_int_equal(mr_srs_exempt_sign(&ours, out, arena, &asked), -ENOENT); /* once is enough */
		assert_int_equal(mr_srs_forward(&ours, out, arena, &asked), 0);
		assert_slice(asked, exempts[i].is_signed);
		assert_int_equal(mr_srs_reverse(&ours, out, arena, &asked), 0);
		assert_slice(asked, exempts[i].sender);
	}
}

static void test_exempt_refused(void **state)
{
	static const char *const none[] = {
		"", "john", "@example.org", "john@", "john@example=org", "jo\nhn@example.org", "john@FWD.example"
	};
	static const char *const no_question[] = { "EXEMPT==example.org=john@other.example",
						   "EXEMPT==example.org=@fwd.example",
						   "EXEMPT==example.org@fwd.example",
						   "EXEMPT===john@fwd.example",
						   "EXEMPT=@fwd.example",
						   "SRS0==example.org=john@fwd.example",
						   "john@fwd.example" };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice out = MR_LIT("untouched");
	struct mr_srs no_secret = ours;
	char longest[1000];

	for (size_t i = 0; i < MR_COUNT(none); i++)
		assert_int_equal(mr_srs_exempt_ask(ours.domain, mr_slice_of(none[i]), arena, &out), -EINVAL);
	for (size_t i = 0; i < MR_COUNT(no_question); i++)
		assert_int_equal(mr_srs_exempt_sign(&ours, mr_slice_of(no_question[i]), arena, &out), -ENOENT);
	no_secret.n_secrets = 0;
	assert_int_equal(mr_srs_exempt_sign(&no_secret, MR_LIT("EXEMPT==a.example=b@fwd.example"), arena, &out), -EINVAL);
	assert_slice(out, "untouched");
	/* what can be asked for can be signed and read again */
	memset(longest, 'x', sizeof(longest));
	longest[500] = '@';
	assert_int_equal(mr_srs_exempt_ask(ours.domain, (struct mr_slice){ longest, 974 }, arena, &out), -EINVAL);
	assert_int_equal(mr_srs_exempt_ask(ours.domain, (struct mr_slice){ longest, 973 }, arena, &out), 0);
	assert_int_equal(mr_srs_exempt_sign(&ours, out, arena, &out), 0);
	assert_int_equal(out.n, 1000);
	assert_int_equal(mr_srs_reverse(&ours, out, arena, &out), 0);
	assert_int_equal(out.n, 973);
}

static void test_bounds(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_srs none = ours;
	struct mr_slice out;
	char longest[1100];

	none.n_secrets = 0;
	assert_int_equal(mr_srs_forward(&none, MR_LIT("john@example.org"), arena, &out), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[500] = '@';
	assert_int_equal(mr_srs_forward(&ours, (struct mr_slice){ longest, sizeof(longest) }, arena, &out), -EINVAL);
	assert_int_equal(mr_srs_forward(&ours, (struct mr_slice){ longest, 1000 }, arena, &out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_forward),        cmocka_unit_test(test_reverse),
		cmocka_unit_test(test_exempt),  cmocka_unit_test(test_exempt_refused), cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
