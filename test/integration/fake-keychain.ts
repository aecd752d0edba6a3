/** Programs that speak the credential-helper protocol like a system keychain, or fail like one. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asJsonObject, parseJsonObject } from '../../src/json.ts';

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

const SOURCE = `
const { appendFileSync, readFileSync, writeFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const folder = __dirname;
const read = (name) => { try { return readFileSync(folder + '/' + name, 'utf8'); } catch { return ''; } };
const mood = read('mood');
const input = readFileSync(0, 'utf8');
appendFileSync(folder + '/calls', process.argv.slice(2).join(' ') + '\\n');
const entries = JSON.parse(read('entries') || '{}');
const save = () => writeFileSync(folder + '/entries', JSON.stringify(entries));
const fail = (text) => { process.stdout.write(text + '\\n'); process.exit(1); };
const verb = process.argv[2];
if (mood === 'hangs') {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
  appendFileSync(folder + '/hanging', process.pid + ' ' + child.pid + ' ');
  setInterval(() => {}, 1000);
} else if (mood === 'broken') {
  fail('Cannot autolaunch D-Bus without X11 $DISPLAY');
} else if (mood === 'locked' && verb === 'get') {
  fail('gpg: decryption failed: No secret key');
} else if (verb === 'store') {
  const { ServerURL, Username, Secret } = JSON.parse(input);
  const before = mood === 'crowded' ? (entries[ServerURL] ?? []) : [];
  if (mood !== 'forgets') entries[ServerURL] = [...before.filter(([name]) => name !== Username), [Username, Secret]].sort();
  save();
} else if (verb === 'get') {
  const entry = entries[input.trim()]?.[0];
  if (entry === undefined) fail('credentials not found in native keychain');
  console.log(JSON.stringify({ ServerURL: input.trim(), Username: entry[0], Secret: entry[1] }));
} else if (verb === 'erase') {
  if (entries[input.trim()] === undefined) fail('Error: it is not in the password store.');
  delete entries[input.trim()];
  save();
} else fail('unknown action');
`;

/** @param program its file name, such as `docker-credential-pass`. */
export function installKeychain(binFolder: string, program: string): FakeKeychain {
  const folder = join(binFolder, `${program}.files`);
  mkdirSync(folder, { recursive: true });
  const script = join(folder, 'program.cjs');
  writeFileSync(script, SOURCE);
  const file = join(binFolder, program);
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`, { mode: 0o755 });
  const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');
  const entries = () => parseJsonObject(read('entries')) ?? {};
  const first = (serverUrl: string): unknown[] => {
    const logins = entries()[serverUrl];
    return Array.isArray(logins) && Array.isArray(logins[0]) ? logins[0] : [];
  };
  return {
    contents: () =>
      Object.fromEntries(Object.keys(entries()).map((serverUrl) => [serverUrl, String(first(serverUrl)[0])])),
    usersOf: (serverUrl) => {
      const logins = entries()[serverUrl];
      return Array.isArray(logins) ? logins.map((login) => String(login[0])) : [];
    },
    secretOf: (serverUrl) => (first(serverUrl)[1] === undefined ? undefined : String(first(serverUrl)[1])),
    put: (serverUrl, username, secret) => {
      const added = { ...asJsonObject(entries()), [serverUrl]: [[username, secret]] };
      writeFileSync(join(folder, 'entries'), JSON.stringify(added));
    },
    calls: () => read('calls').split('\n').filter(Boolean),
    feel: (mood) => writeFileSync(join(folder, 'mood'), mood),
    remove: () => rmSync(file, { force: true }),
    hanging: () => read('hanging').split(' ').filter(Boolean).map(Number),
  };
}
