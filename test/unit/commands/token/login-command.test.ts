import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { ExposedToken } from '../../../../src/commands/token/find-token.ts';
import { formatLogin } from '../../../../src/commands/token/login-command.ts';
import { UsageError } from '../../../../src/terminal/failure.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const folder = useTemporaryFolder();

function tokenOf(changes: Partial<ExposedToken>): ExposedToken {
  return {
    loginServer: 'myregistry.azurecr.io',
    username: '00000000-0000-0000-0000-000000000000',
    secret: 'eyJhbGciOi.JIUz.I1NiJ9',
    kind: 'refresh-token',
    expiresAtSeconds: undefined,
    missing: [],
    ...changes,
  };
}

/** Runs the command in `sh` with a function in place of the client, which prints its arguments and its input. */
function runInShell(text: string): readonly string[] {
  const fake = 'docker() { for one in "$@"; do printf "%s\\n" "$one"; done; cat; }; helm() { docker "$@"; }\n';
  return execFileSync('sh', {
    input: `${fake}${text}`,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
    cwd: folder.path('.'),
  }).split('\n');
}

describe('formatLogin', () => {
  test.each([
    ['docker', ['login', 'myregistry.azurecr.io']],
    ['helm', ['registry', 'login', 'myregistry.azurecr.io']],
  ] as const)('sends the token of %s through the input', (client, args) => {
    const token = tokenOf({});
    expect(runInShell(formatLogin(client, token))).toEqual([
      ...args,
      ...['--username', token.username, '--password-stdin', token.secret, ''],
    ]);
  });

  test.each(['it\'s $HOME `id` $(id) \\ "x"', 'END', '$(touch pwned)', '-p', "'; touch pwned; '", ' spaces ', 'ä%+='])(
    'keeps the user name and the password %j as they are',
    (text) => {
      const lines = runInShell(formatLogin('docker', tokenOf({ username: text, secret: text })));
      expect(lines.slice(2)).toEqual(['--username', text, '--password-stdin', text, '']);
    },
  );

  test.each(['a\nEND\ntouch pwned', 'a\r', 'a\0b'])('refuses the password %j', (secret) => {
    expect(() => formatLogin('docker', tokenOf({ secret }))).toThrow(UsageError);
  });
});
