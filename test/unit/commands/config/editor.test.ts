/** Which editor is started, and that no shell has a say in it. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findEditor, splitCommand } from '../../../../src/commands/config/editor.ts';
import { catchFailure } from '../../failure.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const folder = useTemporaryFolder();

/** A machine with these programs on PATH. */
function machineWith(programs: readonly string[], env: Readonly<Record<string, string>>) {
  mkdirSync(folder.path('bin'));
  for (const name of programs) {
    writeFileSync(folder.path('bin', name), '#!/bin/sh\n');
    chmodSync(folder.path('bin', name), 0o700);
  }
  return makeRuntime({ PATH: folder.path('bin'), ...env });
}

describe('findEditor', () => {
  const rows: readonly (readonly [env: Readonly<Record<string, string>>, name: string, args: readonly string[]])[] = [
    [{ VISUAL: 'one', EDITOR: 'two' }, 'one', []],
    [{ EDITOR: 'two' }, 'two', []],
    [{ VISUAL: ' ', EDITOR: 'two -u NONE' }, 'two', ['-u', 'NONE']],
    [{ VISUAL: 'one --wait "a b"' }, 'one', ['--wait', 'a b']],
    [{ VISUAL: 'one $(touch x) ; rm' }, 'one', ['$(touch', 'x)', ';', 'rm']],
    [{}, 'nano', []],
  ];
  for (const [env, name, args] of rows) {
    test(`returns ${name} for ${JSON.stringify(env)}`, () => {
      const runtime = machineWith(['one', 'two', 'nano', 'vi'], env);
      expect(findEditor(runtime)).toEqual({ file: folder.path('bin', name), args });
    });
  }

  test('returns an absolute path as it is', () => {
    expect(findEditor(makeRuntime({ VISUAL: '/opt/my\\ editor/run -w' }))).toEqual({
      file: '/opt/my editor/run',
      args: ['-w'],
    });
  });

  for (const [value, why] of [
    ['gone', 'which is not a program on PATH'],
    ['./one', 'which is not a program on PATH'],
    ['bin/one', 'which is not a program on PATH'],
    ['"one', 'in which a quote is not closed'],
  ] as const) {
    test(`refuses ${value}, and does not take another one`, async () => {
      const runtime = machineWith(['one', 'vi'], { VISUAL: value });
      const failure = await catchFailure(() => findEditor(runtime));
      expect(failure.message).toBe(`Cannot start the editor: VISUAL is "${value}", ${why}`);
    });
  }

  test('fails with a hint where there is no editor', async () => {
    const failure = await catchFailure(() => findEditor(machineWith([], {})));
    expect(failure.hint).toBe('set EDITOR to a program, such as: vi');
  });
});

describe('splitCommand', () => {
  const rows: readonly (readonly [text: string, platform: NodeJS.Platform, words: readonly string[] | undefined])[] = [
    ['', 'linux', []],
    ['  a  b ', 'linux', ['a', 'b']],
    ["a 'b c' d", 'linux', ['a', 'b c', 'd']],
    ['a"b c"d', 'linux', ['ab cd']],
    ['a ""', 'linux', ['a', '']],
    ['a\\ b \\"', 'linux', ['a b', '"']],
    ["'a\\b'", 'linux', ['a\\b']],
    ['"a\\"b"', 'linux', ['a"b']],
    ["a 'b", 'linux', undefined],
    ['"C:\\Program Files\\e.exe" -x C:\\a', 'win32', ['C:\\Program Files\\e.exe', '-x', 'C:\\a']],
    ['a\\', 'linux', ['a']],
    ['é "ü 😀"', 'linux', ['é', 'ü 😀']],
  ];
  for (const [text, platform, words] of rows) {
    test(`${JSON.stringify(text)} on ${platform}`, () => expect(splitCommand(text, platform)).toEqual(words));
  }
});
