#!/usr/bin/perl
# sa-hits: what SpamAssassin's rules hit in messages, and how it sees them, in one process: the measure of our own engine.
#
#   sa-hits.pl [--texts] [--rules FOLDER] [--local FILE] [--fork] <LIST >LINES
#
# LIST: a path a line; LINES: a JSON object a message. FILE: what an administrator adds. --fork: each message in a process of its own, for
# in 4.0.1 a pattern with %{NAME} keeps for ever what was captured in the first message.
#
#   sa-hits.pl --plugins >FILE                             what it loads, as lines of a file *.pre
#
# Only what needs no network, no learning and no memory of other messages; the plugins are those that Debian's package loads, named here,
# so that the host's own configuration plays no part. Exit 2: SpamAssassin is not installed.
use strict;
use warnings;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Getopt::Long;
use POSIX ();
BEGIN { eval { require Mail::SpamAssassin; require JSON::PP; 1 } or do { print STDERR "no SpamAssassin: $@"; exit 2 } }

my ($texts, $rules, $tell, $local, $fork) = (0, '/usr/share/spamassassin', 0, undef, 0);
GetOptions('texts' => \$texts, 'rules=s' => \$rules, 'plugins' => \$tell, 'local=s' => \$local, 'fork' => \$fork) or exit 64;

my @plugins = qw(URIDNSBL SPF WelcomeListSubject MIMEHeader ReplaceTags DKIM Check HTTPSMismatch URIDetail BodyEval DNSEval HTMLEval HeaderEval MIMEEval
	RelayEval URIEval WLBLEval VBounce ImageInfo FreeMail AskDNS HashBL DMARC Bayes Pyzor Razor2 SpamCop AutoLearnThreshold);
my $lines = join('', "enable_compat welcomelist_blocklist\n", map { "loadplugin Mail::SpamAssassin::Plugin::$_\n" } @plugins);
if ($tell) { print $lines; exit 0 }
my $site = tempdir(CLEANUP => 1);
open(my $pre, '>', "$site/init.pre") or die $!;
print $pre $lines;
close($pre);
if ($local) { copy($local, "$site/local.cf") or die "$local: $!" }

my $sa = Mail::SpamAssassin->new({
	rules_filename => $rules, site_rules_filename => $site, userstate_dir => $site, userprefs_filename => "$site/none", dont_copy_prefs => 1,
	local_tests_only => 1, debug => 0, stop_at_threshold => 0, home_dir_for_helpers => $site,
	post_config_text => "use_bayes 0\nuse_learner 0\nreport_safe 0\nuse_pyzor 0\nuse_razor2 0\n",
});
$sa->init(1);
my $json = JSON::PP->new->latin1->canonical;
$| = 1;

# Bytes as they are; what Perl holds as characters, as UTF-8.
sub octets { my $s = shift; return undef if !defined $s; utf8::encode($s) if utf8::is_utf8($s); return $s }

# Every rule of kind eval: NAME => function, for counting which functions matter.
sub evals {
	my %of;
	for my $kind (qw(head_evals body_evals rawbody_evals full_evals)) {
		my $levels = $sa->{conf}->{$kind} or next;
		for my $list (values %$levels) { $of{$_} = ref $list->{$_} ? $list->{$_}[0] : $list->{$_} for keys %$list }
	}
	return \%of;
}

sub seen {
	my ($pms, $mail) = @_;
	my %out = map { $_ => octets(scalar $pms->get($_)) } qw(From:addr From:name From:raw To:addr To:name Subject Subject:raw ToCc EnvelopeFrom MESSAGEID ALL ALL:raw
		Reply-To:addr ALL-TRUSTED ALL-UNTRUSTED ALL-INTERNAL ALL-EXTERNAL X-Spam-Relays-Untrusted X-Spam-Relays-Trusted X-Spam-Relays-Internal X-Spam-Relays-External);
	$out{body} = [map { octets($_) } @{$mail->get_rendered_body_text_array()}];
	$out{visible} = [map { octets($_) } @{$mail->get_visible_rendered_body_text_array()}];
	$out{invisible} = [map { octets($_) } @{$mail->get_invisible_rendered_body_text_array()}];
	$out{rawbody} = [map { octets($_) } @{$mail->get_decoded_body_text_array()}];
	$out{uris} = [sort map { octets($_) } $pms->get_uri_list()];
	my $detail = $pms->get_uri_detail_list();
	$out{detail} = { map { my $d = $detail->{$_}; (octets($_) => { types => [sort keys %{$d->{types}}], cleaned => [map { octets($_) } @{$d->{cleaned} || []}],
		anchor => [map { octets($_) } @{$d->{anchor_text} || []}], domains => [sort keys %{$d->{domains} || {}}] }) } keys %$detail };
	$out{parts} = [map { $_->{type} } $mail->find_parts(qr/./, 1)];
	my $html = $mail->{metadata}{html};
	$out{html} = { map { ($_ => octets($html->{$_})) } grep { !ref $html->{$_} } keys %$html } if $html;
	return \%out;
}

print $json->encode({ evals => evals() }), "\n" if !$texts;
sub look {
	my ($path) = @_;
	open(my $in, '<', $path) or die "$path: $!";
	my $raw = do { local $/; <$in> };
	close($in);
	my $mail = $sa->parse(\$raw, 1);
	my %line = (path => $path);
	if ($texts) {
		my $pms = Mail::SpamAssassin::PerMsgStatus->new($sa, $mail);
		$pms->extract_message_metadata();
		%line = (%line, %{seen($pms, $mail)});
		$pms->finish();
	} else {
		my $pms = $sa->check($mail);
		my %hits;
		$hits{$_}++ for @{$pms->{test_names_hit}}, @{$pms->{subtest_names_hit}};
		%line = (%line, score => $pms->get_score() + 0, hits => \%hits);
		$pms->finish();
	}
	$mail->finish();
	print $json->encode(\%line), "\n";
}

while (my $path = <STDIN>) {
	chomp $path;
	if (!$fork) { look($path); next }
	my $child = fork() // die $!;
	if (!$child) { look($path); POSIX::_exit(0) }
	waitpid($child, 0) == $child && $? == 0 or die "$path: exit $?";
}
