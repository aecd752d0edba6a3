/** Asking a program that is signed in to Azure for a token. */

import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  explainRefusal,
  type RefusalReport,
  runTool,
  type ToolRefusal,
} from '../../../../src/identity/developer-tools/developer-tool.ts';
import type { LogStep } from '../../../../src/log.ts';
import { createQuote } from '../../../../src/redact.ts';
import { readClockMs } from '../../../../src/system/clock.ts';
import { catchFailure } from '../../failure.ts';
import { isRunning } from '../../running-process.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { answer, toolsAnswering } from '../../token-context.ts';

const folder = useTemporaryFolder();
/** The time that is reserved for the registry's answer. */
const EXCHANGE_MS = 3_000;

function makeTool(script: string): string {
  const file = folder.path('tool');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o700);
  return file;
}

/** Asks this shell script as a tool. */
function ask(script: string, env: Readonly<Record<string, string>> = {}, leftMs = 20_000) {
  const { context } = toolsAnswering(answer(200, ''), { PATH: '/usr/bin:/bin', ...env });
  const log: LogStep[] = [];
  const asked = runTool(
    { ...context, deadlineMs: readClockMs() + leftMs, log: (step) => log.push(step) },
    {
      source: 'azure-cli',
      file: makeTool(script),
      args: ['token'],
      check: 'tool version',
      readToken: (stdout) => stdout.trim() || undefined,
    },
  );
  return { asked, log, runtime: context.runtime };
}

async function expectRefusal(asked: Promise<string | ToolRefusal>): Promise<ToolRefusal> {
  const refusal = await asked;
  if (typeof refusal === 'string') throw new Error('it answered');
  return refusal;
}

describe('runTool', () => {
  test('returns the token, and remembers it as a secret', async () => {
    const { asked, log, runtime } = ask('echo the-token');
    expect(await asked).toBe('the-token');
    expect(runtime.secrets).toContain('the-token');
    expect(log).toEqual([
      { step: 'program', outcome: 'answered', source: 'azure-cli', durationMs: expect.any(Number) },
    ]);
  });

  test('returns no token when the tool fails, whatever it wrote', async () => {
    const { asked, log } = ask('echo the-token; echo sorry >&2; exit 2');
    expect(await expectRefusal(asked)).toMatchObject({ exitCode: 2, timedOut: false, text: 'sorry\n' });
    expect(log).toMatchObject([{ step: 'program', outcome: 'failed' }]);
  });

  test('redacts a secret in the error text before it cuts anything off', async () => {
    const secret = 'very-secret-value';
    const line = `${'x '.repeat(145)}${secret}`;
    const { asked } = ask(`printf '\\033[31m%s\\033[0m' '${line}' >&2; exit 1`, { AZURE_CLIENT_SECRET: secret });
    const refusal = await expectRefusal(asked);
    expect(refusal.text).toBe(`${'x '.repeat(145)}[redacted]`);
  });

  test('redacts a secret that is written in colours or in lines', async () => {
    const script = "printf 'is very-\\033[31msecret\\033[0m-value\\nor very-\\nsecret-value\\n' >&2; exit 1";
    const refusal = await expectRefusal(ask(script, { AZURE_CLIENT_SECRET: 'very-secret-value' }).asked);
    expect(refusal.text).toBe('is [redacted]\nor [redacted]\n');
  });

  test('looks only at the end of a long error text', async () => {
    const { asked } = ask(
      "head -c 900000 /dev/zero | tr '\\0' '\"'; echo; echo the end) >&2; exit 1".replace('head', '(head'),
    );
    expect((await expectRefusal(asked)).text).toBe('\nthe end\n');
  });

  test('kills a tool and its child processes in time for the exchange', async () => {
    const file = folder.path('pid');
    const { asked } = ask(`sleep 300 & echo $! >'${file}'; echo busy >&2; wait`, {}, EXCHANGE_MS + 400);
    const refusal = await expectRefusal(asked);
    expect(refusal).toMatchObject({ exitCode: undefined, timedOut: true, text: 'busy\n' });
    const processId = Number(readFileSync(file, 'utf8'));
    await expect.poll(() => isRunning(processId), { timeout: 5_000 }).toBe(false);
  });

  test('fails when the tool cannot be started', async () => {
    const { context } = toolsAnswering(answer(200, ''));
    const run = { source: 'azure-cli', file: folder.path('none'), args: [], check: 'tool version' } as const;
    const failure = await catchFailure(() => runTool(context, { ...run, readToken: () => 'token' }));
    expect(failure.code).toBe('IDENTITY_FAILED');
    expect(failure.message).toBe(`${folder.path('none')} cannot be run`);
    expect(failure.causes).toMatchObject([expect.stringMatching(/^it cannot be started \(.*ENOENT/)]);
    expect(failure.hint).toBe('tool version');
  });
});

describe('explainRefusal', () => {
  const STORY: RefusalReport = {
    name: 'tool',
    who: 'the account ada',
    tenant: undefined,
    needsSignIn: false,
    signIn: 'tool login',
    check: 'tool version',
  };
  const explain = (refusal: Partial<ToolRefusal>, story: Partial<RefusalReport> = {}) =>
    explainRefusal(
      { exitCode: 1, timedOut: false, timeoutMs: 18_000, text: '', quote: createQuote(makeRuntime()), ...refusal },
      { ...STORY, ...story },
    );

  const rows: readonly (readonly [
    what: string,
    refusal: Partial<ToolRefusal>,
    story: Partial<RefusalReport>,
    message: string,
    hint: string,
  ])[] = [
    ['a timeout', { timedOut: true, timeoutMs: 17_999.5 }, {}, 'tool did not finish within 18 s', 'tool version'],
    ['an exit code', { exitCode: 3 }, {}, 'tool failed with exit code 3 for the account ada', 'tool version'],
    ['a signal', { exitCode: undefined }, {}, 'tool failed without an exit code for the account ada', 'tool version'],
    ['a missing token', { exitCode: 0 }, {}, 'tool returned no token for the account ada', 'tool version'],
    ['an unknown account', { exitCode: 0 }, { who: undefined }, 'tool returned no token', 'tool version'],
    ['a required sign-in', {}, { needsSignIn: true }, 'the account ada has to sign in again', 'tool login'],
    [
      'an Entra code',
      { text: 'x AADSTS70043: y' },
      {},
      'the sign-in has expired for the account ada (AADSTS70043)',
      'tool login',
    ],
    [
      'an unknown code',
      { text: 'AADSTS1' },
      {},
      'Entra ID refused the sign-in for the account ada (AADSTS1)',
      'tool login',
    ],
  ];
  for (const [what, refusal, story, message, hint] of rows) {
    test(`says "${message}" for ${what}`, () => {
      const failure = explain(refusal, story);
      expect(failure.code).toBe('IDENTITY_FAILED');
      expect(failure.message).toBe(`${message}`);
      expect(failure.hint).toBe(hint);
    });
  }

  test.each(['500011', '50001', '650052', '650057'])('reports an unknown audience for AADSTS%s only', (code) => {
    expect(explain({ text: `AADSTS${code}: The resource principal was not found` }).code).toBe('AUDIENCE_UNKNOWN');
    expect(explain({ text: `AADSTS${code}9` }).code).toBe('IDENTITY_FAILED');
  });

  test('gives the last six lines as causes', () => {
    const text = Array.from({ length: 9 }, (_, index) => ` line ${index}\r\n\n`).join('');
    expect(explain({ text }).causes).toEqual([3, 4, 5, 6, 7, 8].map((index) => `tool: line ${index}`));
  });
});
