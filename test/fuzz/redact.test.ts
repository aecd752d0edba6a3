/** No secret leaves through a text, whatever was done to it before. */

import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CredentialError } from '../../src/errors.ts';
import { explainRefusal, runTool } from '../../src/identity/developer-tools/developer-tool.ts';
import { openLog } from '../../src/log.ts';
import { describeResponse } from '../../src/network/http.ts';
import { createQuote, createRedactor } from '../../src/redact.ts';
import { formatFailure } from '../../src/report.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { useTemporaryFolder } from '../unit/temporary-folder.ts';
import { answer, toolsAnswering } from '../unit/token-context.ts';
import { RUN_OPTIONS } from './runs.ts';
import { applyAll, readEverything, squeeze, transformations } from './transformations.ts';

const folder = useTemporaryFolder();

/** A part of a secret that is as long as this must not be left. */
const PART_BYTES = 12;
/** A program takes longer to start than anything else here. */
const MAX_PROGRAMS = 500;

const secrets = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(...'abcXYZ0189~._-+/='), minLength: 14, maxLength: 60 }),
    fc.string({ unit: 'grapheme-ascii', minLength: 16, maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(...'aB3~é&<>"\\\'+ %日🐳'), minLength: 16, maxLength: 40 }),
    fc.base64String({ minLength: 40, maxLength: 800 }),
  )
  .filter((secret) => squeeze(Buffer.from(secret).toString('latin1')).length > PART_BYTES && !secret.startsWith('$('));
const words = fc
  .array(fc.constantFrom('the', 'server', 'says:', '"no"', '{', '}', '<p>', 'at', '10:00', 'é', '%', '&', '\n'), {
    maxLength: 12,
  })
  .map((parts) => parts.join(' '));

/** A secret, and a text with it in some shape between other words. */
const leaks = fc
  .record({ secret: secrets, changes: transformations, before: words, after: words })
  .map(({ secret, changes, before, after }) => ({
    secret,
    shape: changes.map(({ name }) => name),
    text: `${before} ${applyAll(secret, changes)} ${after}`,
  }));

function expectNoPart(secret: string, text: string): void {
  const bytes = squeeze(Buffer.from(secret).toString('latin1'));
  const readings = readEverything(text);
  for (let at = 0; at + PART_BYTES <= bytes.length; at += 1) {
    const part = bytes.slice(at, at + PART_BYTES);
    expect(
      readings.some((reading) => reading.includes(part)),
      `${JSON.stringify(part)} is left in ${text}`,
    ).toBe(false);
  }
}

describe('no part of a secret is left', () => {
  test('by the redactor', () => {
    fc.assert(
      fc.property(leaks, ({ secret, text }) => {
        expectNoPart(secret, createRedactor(makeRuntime({ AZURE_CLIENT_SECRET: secret }))(text));
      }),
      RUN_OPTIONS,
    );
  });

  test('by the redactor, when the text was cut', () => {
    fc.assert(
      fc.property(leaks, fc.nat(), fc.nat(), ({ secret, text }, start, length) => {
        const from = start % text.length;
        const cut = text.slice(from, from + 1 + (length % text.length));
        expectNoPart(secret, createRedactor(makeRuntime({ AZURE_CLIENT_SECRET: secret }))(cut));
      }),
      RUN_OPTIONS,
    );
  });

  test('by the description of a response and the report of a failure', () => {
    fc.assert(
      fc.property(leaks, fc.boolean(), ({ secret, text }, isMessage) => {
        const runtime = makeRuntime({}, { secrets: new Set([secret]) });
        const response = { status: 400, body: text, header: () => text, quote: createQuote(runtime) };
        const cause = describeResponse(response, isMessage ? { code: undefined, message: text } : undefined);
        expectNoPart(secret, cause);
        const { stdout, stderr } = formatFailure(runtime, new CredentialError('BUSY', text, { causes: [cause, text] }));
        for (const shown of [cause, stdout, stderr]) expectNoPart(secret, shown);
      }),
      RUN_OPTIONS,
    );
  });

  test('in the log', () => {
    fc.assert(
      fc.property(leaks, ({ secret, text }) => {
        const file = folder.path('log');
        rmSync(file, { force: true });
        const runtime = makeRuntime({}, { secrets: new Set([secret]) });
        openLog(runtime, file, createQuote(runtime))?.({ step: 'end', outcome: 'failed', reason: text, path: text });
        const line = readFileSync(file, 'utf8');
        expect(Object.keys(JSON.parse(line))).toEqual(['time', 'process', 'step', 'outcome', 'reason', 'path']);
        expectNoPart(secret, line);
      }),
      RUN_OPTIONS,
    );
  });

  test('in the error of a program that wrote it to stderr', async () => {
    const file = folder.path('tool');
    writeFileSync(file, `#!/bin/sh\ncat '${folder.path('text')}' >&2\nexit 1\n`);
    chmodSync(file, 0o700);
    await fc.assert(
      fc.asyncProperty(leaks, async ({ secret, text }) => {
        writeFileSync(folder.path('text'), text);
        const { context } = toolsAnswering(answer(200, ''), { PATH: '/usr/bin:/bin', AZURE_PASSWORD: secret });
        const run = { source: 'azure-cli', file, args: [], check: 'tool version', readToken: () => undefined } as const;
        const refusal = await runTool(context, run);
        if (typeof refusal === 'string') throw new Error('it answered');
        const story = { name: 'tool', who: undefined, tenant: undefined, needsSignIn: false, signIn: '', check: '' };
        for (const cause of explainRefusal(refusal, story).causes) expectNoPart(secret, cause);
      }),
      { ...RUN_OPTIONS, numRuns: Math.min(RUN_OPTIONS.numRuns, MAX_PROGRAMS) },
    );
  });
});

test('a text without a secret stays as it is', () => {
  const texts = fc.oneof(words, fc.string({ unit: 'grapheme', maxLength: 60 }), fc.lorem());
  const runtime = makeRuntime({ AZURE_CLIENT_SECRET: 'vX8~qTr.71_w-0ZyKpLmN3bC', MSI_SECRET: 'zq0x7w' });
  fc.assert(
    fc.property(texts, (text) => {
      fc.pre(!text.includes('//'));
      expect(createRedactor(runtime)(text)).toBe(text);
    }),
    RUN_OPTIONS,
  );
});
