/** Progress: nothing for what is quick, a line for what takes longer than a second, and no trace of it afterwards. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withProgress } from '../../../src/terminal/progress.ts';
import { makeTerminal } from '../streams.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const CLEAR = '\r\u001B[K';

/** Work that takes some milliseconds. */
const workFor = (ms: number, fails = false) =>
  new Promise<string>((resolve, reject) =>
    setTimeout(() => (fails ? reject(new Error('broken')) : resolve('done')), ms),
  );

describe('withProgress', () => {
  test('writes nothing for work of less than a second', async () => {
    const terminal = makeTerminal({ isErrorSeen: true });
    const done = withProgress(terminal, 'Waiting', workFor(900));
    await vi.advanceTimersByTimeAsync(5000);
    expect(await done).toBe('done');
    expect(terminal.written).toEqual({ output: '', errors: '' });
  });

  test('shows what is being done after a second, and clears the line at the end', async () => {
    const terminal = makeTerminal({ isErrorSeen: true });
    const done = withProgress(terminal, 'Waiting', workFor(1250));
    await vi.advanceTimersByTimeAsync(1001);
    expect(terminal.written.errors).toBe(`${CLEAR}⠋ Waiting`);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await done).toBe('done');
    expect(terminal.written.errors).toBe(`${CLEAR}⠋ Waiting${CLEAR}⠙ Waiting${CLEAR}⠹ Waiting${CLEAR}`);
    expect(terminal.written.output).toBe('');
  });

  test('clears the line when the work fails, and throws its error', async () => {
    const terminal = makeTerminal({ isErrorSeen: true });
    const done = expect(withProgress(terminal, 'Waiting', workFor(1050, true))).rejects.toThrow('broken');
    await vi.advanceTimersByTimeAsync(5000);
    await done;
    expect(terminal.written.errors).toBe(`${CLEAR}⠋ Waiting${CLEAR}`);
  });

  test('writes nothing where standard error is no terminal', async () => {
    const terminal = makeTerminal();
    const done = withProgress(terminal, 'Waiting', workFor(3000));
    await vi.advanceTimersByTimeAsync(5000);
    expect(await done).toBe('done');
    expect(terminal.written.errors).toBe('');
  });
});
