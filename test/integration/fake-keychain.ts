/** Programs that speak the credential-helper protocol like a system keychain, or fail like one. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `forgets` accepts what it cannot return; `crowded` keeps several logins for a server and returns the first. */
export type Mood = 'works' | 'broken' | 'hangs' | 'locked' | 'forgets' | 'crowded';

export interface FakeKeychain {
  /** What it holds: user names by server URL. */
  readonly contents: () => Readonly<Record<string, string>>;
  /** The users whose logins it keeps for a server. */
  readonly usersOf: (serverUrl: string) => readonly string[];
  readonly secretOf: (serverUrl: string) => string | undefined;
  /** Adds an entry as its owner would. */
  readonly put: (serverUrl: string, username: string, secret: string) => void;
  /** The verbs that it was called with so far, each with the arguments behind it. */
  readonly calls: () => readonly string[];
  readonly feel: (mood: Mood) => void;
  readonly remove: () => void;
  /** The processes that it started and that would run forever. */
  readonly hanging: () => readonly number[];
}

/**
 * In Perl, which starts in a tenth of the time of Node. It keeps one line for each login, and in it, separated by tabs, the
 * server URL, the user name and the secret as JSON strings, as it got them.
 */
const SOURCE = String.raw`#!/usr/bin/perl
use strict;
my $folder = '@FOLDER@';
sub read_text { open(my $file, '<', "$folder/$_[0]") or return ''; local $/; return <$file> // ''; }
sub write_text { open(my $file, $_[0], "$folder/$_[1]") or die; print $file $_[2]; close($file) or die; }
sub fail { print "$_[0]\n"; exit 1; }
my $mood = read_text('mood');
my $input = do { local $/; <STDIN> } // '';
write_text('>>', 'calls', "@ARGV\n");
my $verb = $ARGV[0] // '';
if ($mood eq 'hangs') {
  my $child = fork() // die;
  if ($child == 0) { sleep 1 while 1; }
  write_text('>>', 'hanging', "$$ $child ");
  sleep 1 while 1;
}
fail('Cannot autolaunch D-Bus without X11 $DISPLAY') if $mood eq 'broken';
fail('gpg: decryption failed: No secret key') if $mood eq 'locked' && $verb eq 'get';
my $string = qr/"(?:[^"\\]|\\.)*"/;
my @logins = split(/\n/, read_text('entries'));
(my $url = $input) =~ s/^\s+|\s+$//g;
$url =~ s/(["\\])/\\$1/g;
$url = "\"$url\"";
if ($verb eq 'store') {
  $input =~ /^\{"ServerURL":($string),"Username":($string),"Secret":($string)\}\n?$/ or fail('not a login');
  my ($server, $user, $secret) = ($1, $2, $3);
  exit 0 if $mood eq 'forgets';
  my @others = grep { my ($one, $name) = split(/\t/); $one ne $server || ($mood eq 'crowded' && $name ne $user) } @logins;
  write_text('>', 'entries', join('', map { "$_\n" } sort(@others, "$server\t$user\t$secret")));
} elsif ($verb eq 'get') {
  my ($found) = grep { (split(/\t/))[0] eq $url } @logins;
  fail('credentials not found in native keychain') unless defined $found;
  my (undef, $user, $secret) = split(/\t/, $found);
  print "{\"ServerURL\":$url,\"Username\":$user,\"Secret\":$secret}\n";
} elsif ($verb eq 'erase') {
  my @others = grep { (split(/\t/))[0] ne $url } @logins;
  fail('Error: it is not in the password store.') if @others == @logins;
  write_text('>', 'entries', join('', map { "$_\n" } @others));
} else { fail('unknown action'); }
`;

/** @param program its file name, such as `docker-credential-pass`. */
export function installKeychain(binFolder: string, program: string): FakeKeychain {
  const folder = join(binFolder, `${program}.files`);
  mkdirSync(folder, { recursive: true });
  const file = join(binFolder, program);
  writeFileSync(file, SOURCE.replace('@FOLDER@', folder), { mode: 0o755 });
  const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');
  const logins = () => {
    const lines = read('entries').split('\n').filter(Boolean);
    return lines.map((line) => line.split('\t').map((text) => String(JSON.parse(text))));
  };
  const loginsOf = (serverUrl: string) => logins().filter(([server]) => server === serverUrl);
  return {
    contents: () =>
      Object.fromEntries(
        logins()
          .toReversed()
          .map(([server = '', username = '']) => [server, username]),
      ),
    usersOf: (serverUrl) => loginsOf(serverUrl).map(([, username = '']) => username),
    secretOf: (serverUrl) => loginsOf(serverUrl)[0]?.[2],
    put: (serverUrl, username, secret) => {
      const others = logins().filter(([server]) => server !== serverUrl);
      const lines = [...others, [serverUrl, username, secret]].map((login) =>
        login.map((text) => JSON.stringify(text)),
      );
      writeFileSync(join(folder, 'entries'), lines.map((line) => `${line.join('\t')}\n`).join(''));
    },
    calls: () => read('calls').split('\n').filter(Boolean),
    feel: (mood) => writeFileSync(join(folder, 'mood'), mood),
    remove: () => rmSync(file, { force: true }),
    hanging: () => read('hanging').split(' ').filter(Boolean).map(Number),
  };
}
