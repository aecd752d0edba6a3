/** A program of the person's own. */
import { describe, expect, test } from 'vitest';
import { findCommand } from '../../../../src/identity/command/command.ts';
import { catchFailure } from '../../failure.ts';
import { makeRuntime } from '../../runtime.ts';
import { expectIdentity, requestFor } from '../request.ts';

const find = (...command: string[]) => findCommand(requestFor({}, { command }));

test('is only there when it is configured', () => {
  const notSetUp = 'there is no "command" in the configuration';
  expect(findCommand(requestFor({}))).toEqual({ notSetUp });
  expect(find()).toEqual({ notSetUp });
});

test('is told apart by its place and its arguments, which nobody gets to see', () => {
  const commands = [
    ['/usr/bin/vault-token'],
    ['/usr/bin/vault-token', 'a'],
    ['/usr/bin/vault-token', 'a', 'b'],
    ['/usr/bin/vault-token', 'a b'],
    ['/usr/local/bin/vault-token'],
    ['vault-token'],
  ];
  const descriptions = commands.map((command) => expectIdentity(find(...command)).description);
  expect(new Set(descriptions).size).toBe(commands.length);
  expect(expectIdentity(find('/usr/bin/vault-token', 'hidden')).description).not.toContain('hidden');
  expect(descriptions[0]).toMatch(/^command \/usr\/bin\/vault-token [0-9a-f]+$/);
});

describe('must not depend on the working directory', () => {
  test.each(['./token', '../token', 'bin/token', '~/token'])('as %s does', async (program) => {
    const failure = await catchFailure(() => find(program));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toContain(`the "command" ${program} is neither an absolute path nor a bare name`);
  });

  test.each(['.\\token', 'bin\\token', 'C:token.exe', '\\token'])('as %s does on Windows', async (program) => {
    const runtime = makeRuntime({}, { platform: 'win32' });
    const failure = await catchFailure(() => findCommand({ ...requestFor({}, { command: [program] }), runtime }));
    expect(failure.code).toBe('IDENTITY_INVALID');
  });
});
