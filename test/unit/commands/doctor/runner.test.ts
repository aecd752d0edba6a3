/** Checks that run side by side, fail or hang. */
import { expect, test } from 'vitest';
import type { Check, DoctorContext, Finding } from '../../../../src/commands/doctor/check.ts';
import { createPrivateNames } from '../../../../src/commands/doctor/private-names.ts';
import { startChecks } from '../../../../src/commands/doctor/runner.ts';
import { CredentialError } from '../../../../src/errors.ts';
import { readClockMs } from '../../../../src/system/clock.ts';
import { makeRuntime } from '../../runtime.ts';

const runtime = makeRuntime();
const CONTEXT: DoctorContext = {
  ...{ runtime, log: undefined, target: undefined, visit: undefined, programFile: undefined },
  names: createPrivateNames(runtime),
};

const check = (name: Check['name'], run: Check['run']): Check => ({ name, title: name, needsRegistry: false, run });
const OK: Finding = { status: 'ok', what: 'fine' };
const runAll = (checks: readonly Check[], patienceMs = 5_000) =>
  Promise.all(startChecks(checks, CONTEXT, readClockMs() + patienceMs).map(({ results }) => results));

test('starts every check before it waits for one', async () => {
  const started: string[] = [];
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const waiting = check('host', async () => {
    started.push('host');
    await gate;
    return [OK];
  });
  const opening = check('clock', async () => {
    started.push('clock');
    open();
    return [OK];
  });
  expect(await runAll([waiting, opening])).toEqual([[{ check: 'host', ...OK }], [{ check: 'clock', ...OK }]]);
  expect(started).toEqual(['host', 'clock']);
});

test('goes on without a check that hangs', async () => {
  const startedMs = readClockMs();
  const [hanging, healthy] = await runAll(
    [check('keychain', () => new Promise(() => {})), check('cache', async () => [OK])],
    50,
  );
  expect(readClockMs() - startedMs).toBeLessThan(2_000);
  expect(hanging).toEqual([
    expect.objectContaining({
      check: 'keychain',
      status: 'problem',
      what: expect.stringMatching(/^not done after 0 s/),
    }),
  ]);
  expect(healthy).toEqual([{ check: 'cache', ...OK }]);
});

test('reports a check that fails, with its hint', async () => {
  const failure = new CredentialError('CONFIG_INVALID', 'Cannot use it', { causes: ['why'], hint: 'do this' });
  const results = await runAll([
    check('cache', () => Promise.reject(failure)),
    check('clock', () => Promise.reject(new TypeError('a mistake of ours'))),
  ]);
  expect(results).toEqual([
    [{ check: 'cache', status: 'problem', what: 'Cannot use it', causes: ['why'], fix: 'do this' }],
    [expect.objectContaining({ status: 'problem', what: expect.stringContaining('internal error') })],
  ]);
});
