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

/** A terminal at which these keys are pressed. */
function answering(keys: string) {
  const input = new PassThrough();
  const output = new PassThrough();
  output.resume();
  // The prompt reads keys once it has been drawn.
  output.once('data', () => setTimeout(() => input.write(keys), 10));
  return makeTerminal({ canAsk: true, promptStreams: () => ({ input, output }) });
}

describe('confirm', () => {
  test.each([
    ['y', true],
    ['n', false],
  ])('returns the answer %s', async (key, answer) => {
    expect(await confirm(answering(key), QUESTION)).toBe(answer);
  });

  test('is cancelled by Ctrl-C', async () => {
    await expect(confirm(answering('\u0003'), QUESTION)).rejects.toBeInstanceOf(Cancelled);
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

  test('fails where nobody can answer', async () => {
    await expect(chooseSeveral(makeTerminal(), QUESTION, CHOICES)).rejects.toBeInstanceOf(UsageError);
  });
});
