/** Questions: asked only where somebody can answer, with the option to use otherwise. */
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Cancelled, UsageError } from '../../../src/terminal/failure.ts';
import { chooseSeveral, confirm } from '../../../src/terminal/prompts.ts';
import { makeTerminal } from '../streams.ts';

const QUESTION = { message: 'Change it?', option: '--yes' };
const CHOICES = [
  { value: 'a.azurecr.io', label: 'a.azurecr.io' },
  { value: 'b.azurecr.io', label: 'b.azurecr.io', hint: 'westeurope' },
];

/** @param keys the keys that are pressed at the terminal; `undefined`: its input ends. */
function answering(keys: string | undefined) {
  const input = new PassThrough();
  const output = new PassThrough();
  output.resume();
  // The prompt reads keys once it has been drawn.
  output.once('data', () => setTimeout(() => (keys === undefined ? input.end() : input.write(keys)), 10));
  return makeTerminal({ canAsk: true, promptStreams: () => ({ input, output }) });
}

describe('confirm', () => {
  test.each([
    ['yes', false, true],
    ['no', true, false],
  ])('takes Enter alone for %s where that comes first', async (_name, isNoFirst, answer) => {
    expect(await confirm(answering('\r'), { ...QUESTION, isNoFirst })).toBe(answer);
  });

  test.each([
    ['y', true],
    ['n', false],
  ])('returns the answer %s', async (key, answer) => {
    expect(await confirm(answering(key), QUESTION)).toBe(answer);
  });

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
    ['the end of the input', undefined],
  ])('is cancelled by %s', async (_name, keys) => {
    await expect(confirm(answering(keys), QUESTION)).rejects.toBeInstanceOf(Cancelled);
  });

  test('fails where nobody can answer, and names the option', async () => {
    const failure = await confirm(makeTerminal(), QUESTION).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure).toMatchObject({ hint: 'answer with --yes' });
  });
});

describe('chooseSeveral', () => {
  test('returns the chosen values', async () => {
    expect(await chooseSeveral(answering('\t\r'), QUESTION, CHOICES)).toEqual(['a.azurecr.io']);
  });

  test('is cancelled by Ctrl-D, but not within a text', async () => {
    await expect(chooseSeveral(answering('\u0004'), QUESTION, CHOICES)).rejects.toBeInstanceOf(Cancelled);
    expect(await chooseSeveral(answering('b.\u001B[D\u0004\t\r'), QUESTION, CHOICES)).toEqual(['b.azurecr.io']);
  });

  test('fails where nobody can answer', async () => {
    await expect(chooseSeveral(makeTerminal(), QUESTION, CHOICES)).rejects.toBeInstanceOf(UsageError);
  });
});
