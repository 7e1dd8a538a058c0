# What root does in this machine for the node, besides what OpenRC does.
#
# The log: copies what the agent writes to the serial console, where its node reads it.
#
# A resume: a machine that was resumed from a saved state has its clock and its random generator in common with every
# other one resumed from it. The agent learns the time and fresh entropy from its node and writes "<unix ms> <hex>" to
# the first pipe; the second one says "ok" when both are set. Perl, because it is the smallest program of Debian's that
# can call ioctl: what is only written to /dev/urandom would reach the generator up to a minute later.
# No modules: the image holds nothing of Perl but its interpreter.

my ($orders, $answers) = ('/run/nex/resume', '/run/nex/resumed');
my $RNDRESEEDCRNG = 0x5207;      # include/uapi/linux/random.h
my $SYS_clock_settime = 227;     # x86_64
my $CLOCK_REALTIME = 0;
my $ANSWER_WITHIN_S = 5;

# Opens the console as root and reads as the agent's user: the files lie where a workload may put others in their place.
# The program ends with this one, and this one with it: OpenRC then starts both again.
sub copy_log {
  my $pid = fork() // die "cannot fork: $!\n";
  return $pid if $pid != 0;
  open(STDOUT, '>', '/dev/console') or die "cannot open the console: $!\n";
  open(STDERR, '>', '/dev/null');
  exec('/usr/bin/setpriv', '--pdeathsig=KILL', '--reuid=nex', '--regid=nex', '--clear-groups', '--no-new-privs',
    '--inh-caps=-all', '/bin/tail', '-q', '-F', '-n', '+1', '/home/nex/nex.log', '/home/nex/err.log')
    or die "cannot run setpriv: $!\n";
}

sub resume {
  my ($unix_ms, $entropy) = @_;
  open(my $random, '+>', '/dev/urandom') or return "cannot open /dev/urandom: $!";
  syswrite($random, $entropy) == length($entropy) or return "cannot write entropy: $!";
  defined ioctl($random, $RNDRESEEDCRNG, 0) or return "cannot reseed: $!";
  my $time = pack('q2', int($unix_ms / 1000), $unix_ms % 1000 * 1_000_000);
  syscall($SYS_clock_settime, $CLOCK_REALTIME, $time) == 0 or return "cannot set the clock: $!";
  return 'ok';
}

$SIG{CHLD} = sub { exit 1 };
copy_log();
while (1) {
  # Blocks until somebody writes.
  open(my $input, '<', $orders) or die "$orders: $!\n";
  my $line = <$input>;
  close($input);
  # The one who wrote the last line had not closed yet.
  next unless defined $line;
  my $answer = 'not "<unix ms> <hex>"';
  $answer = resume($1, pack('H*', $2)) if $line =~ /\A(\d{1,15}) ((?:[0-9a-f]{2}){32,256})\n\z/;
  # Whoever asked may be gone by now.
  eval {
    local $SIG{ALRM} = sub { die };
    alarm $ANSWER_WITHIN_S;
    open(my $output, '>', $answers) or die;
    syswrite($output, "$answer\n");
    alarm 0;
  };
  alarm 0;
}
