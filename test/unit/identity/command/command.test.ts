/** A command of the person's own that prints a token. */
import { describe, expect, test } from 'vitest';
import { COMMAND } from '../../../../src/identity/command/command.ts';
import { catchFailure } from '../../failure.ts';
import { makeRuntime } from '../../runtime.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const findCommand = finderOf(COMMAND);

const find = (...command: string[]) => findCommand(requestFor({}, { command }));

test('findCommand reports "not set up" when the configuration names no command', () => {
  expect(findCommand(requestFor({}))).toEqual({ notSetUp: 'the configuration has no "command"' });
});

test('findCommand describes commands differently by path and arguments, without showing the arguments', () => {
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

describe('findCommand refuses the relative program', () => {
  test.each(['./token', '../token', 'bin/token', '~/token'])('%s', async (program) => {
    const failure = await catchFailure(() => find(program));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toBe(`the "command" ${program} is neither an absolute path nor a bare name`);
  });

  test.each(['.\\token', 'bin\\token', 'C:token.exe', '\\token'])('%s on Windows', async (program) => {
    const runtime = makeRuntime({}, { platform: 'win32' });
    const failure = await catchFailure(() => findCommand({ ...requestFor({}, { command: [program] }), runtime }));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toBe(`the "command" ${program} is neither an absolute path nor a bare name`);
    expect(failure.hint).toBe('write the absolute path of the program in "command"');
  });
});

test('findCommand rejects an empty command', async () => {
  expect((await catchFailure(() => find())).message).toContain('"command" must be a list');
});
