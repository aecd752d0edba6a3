/** Asking the Azure CLI for a token; a shell script takes its place. */

import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type CliTokenRequest, requestCliToken } from '../../../../src/identity/developer-tools/azure-cli-token.ts';
import { readClockMs } from '../../../../src/system/clock.ts';
import { catchFailure } from '../../failure.ts';
import { isRunning } from '../../running-process.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { answer, toolsAnswering } from '../../token-context.ts';

const folder = useTemporaryFolder();

/** Asks this shell script in place of `az`. */
function ask(script: string, tenant?: string, deadlineMs?: number, who: Partial<CliTokenRequest> = {}) {
  writeFileSync(folder.path('az'), `#!/bin/sh\n${script}\n`);
  chmodSync(folder.path('az'), 0o700);
  const { context } = toolsAnswering(answer(200, ''), { PATH: `${folder.path()}:/usr/bin:/bin` });
  const request = { account: 'someone@example.com', tenant, subscription: undefined, configFolder: undefined, ...who };
  return requestCliToken(deadlineMs === undefined ? context : { ...context, deadlineMs }, request);
}

test('requestCliToken passes the audience and the tenant to az, and returns its token', async () => {
  const script = `printf '%s ' "$@" > '${folder.path('args')}'; echo '{"accessToken":"the-token","tenant":"x"}'`;
  expect(await ask(script)).toBe('the-token');
  const args = 'account get-access-token --output json --resource https://containerregistry.azure.net ';
  expect(readFileSync(folder.path('args'), 'utf8')).toBe(args);
  expect(await ask(script, 'the-tenant')).toBe('the-token');
  expect(readFileSync(folder.path('args'), 'utf8')).toBe(`${args}--tenant the-tenant `);
});

test('requestCliToken reports "not set up" when az is not on PATH', async () => {
  const { context } = toolsAnswering(answer(200, ''), { PATH: folder.path() });
  const found = await requestCliToken(context, {
    account: 'someone',
    tenant: undefined,
    subscription: undefined,
    configFolder: undefined,
  });
  expect(found).toMatchObject({ notSetUp: expect.stringContaining('az is not on PATH') });
});

describe('the error for a failure of az', () => {
  const rows: readonly (readonly [script: string, message: RegExp, hint: RegExp])[] = [
    [
      "echo 'ERROR: Please run az login to setup account.' >&2; exit 1",
      /someone@example\.com has to sign in again/,
      /^az login$/,
    ],
    [
      'echo \'AADSTS700082: expired\' >&2; echo \'az login --tenant "t" --scope "https://x/.default"\' >&2; exit 1',
      /sign-in has expired .*AADSTS700082/,
      /^az login --tenant "t" --scope "https:\/\/x\/\.default"$/,
    ],
    [
      "echo 'AADSTS50076: mfa' >&2; echo 'az login --tenant x --allow-no-subscriptions'>&2; exit 1",
      /AADSTS50076/,
      /^az login$/,
    ],
    ["echo 'AADSTS50076: mfa' >&2; echo 'az login; rm -rf x' >&2; exit 1", /multi-factor.*AADSTS50076/, /^az login$/],
    ['exit 2', /az failed with exit code 2/, /^az account get-access-token/],
    ['echo {}', /az returned no token/, /^az account get-access-token/],
    ['echo not json', /az returned no token/, /./],
    ['echo \'{"accessToken":7}\'', /az returned no token/, /./],
    ['kill -9 $$', /az failed without an exit code/, /./],
  ];
  for (const [script, message, hint] of rows) {
    test(`says what happened and what helps: ${script}`, async () => {
      const failure = await catchFailure(() => ask(script));
      expect(failure.code).toBe('IDENTITY_FAILED');
      expect(failure.message).toMatch(message);
      expect(failure.hint).toMatch(hint);
    });
  }

  test.each([
    ['robot-1', undefined, /^az login --service-principal --username robot-1 --tenant the-tenant \(/],
    ['robot-1', 'another', /^az login --service-principal --username robot-1 --tenant another \(/],
    ['$(reboot)', undefined, /^az login --service-principal --username '\$\(reboot\)' --tenant the-tenant \(/],
  ])('says how the service principal %s with the chosen tenant %s signs in again', async (account, tenant, hint) => {
    const script = "echo 'AADSTS7000222: expired' >&2; echo 'az login' >&2; exit 1";
    const failure = await catchFailure(() =>
      ask(script, tenant, undefined, { account, servicePrincipalTenant: 'the-tenant' }),
    );
    expect(failure.hint).toMatch(hint);
  });

  test('quotes the last six lines without control characters', async () => {
    const failure = await catchFailure(() =>
      ask("for n in 1 2 3 4 5 6 7 8; do printf '\\033[31mline %s\\n\\n' $n >&2; done; exit 1"),
    );
    expect(failure.causes.map((cause) => cause.replace('[31m', ''))).toEqual(
      ['3', '4', '5', '6', '7', '8'].map((n) => `az: line ${n}`),
    );
  });

  test('does not quote the standard output, which may hold a token', async () => {
    const failure = await catchFailure(() => ask('echo \'{"accessToken":"hidden"}\'; exit 1'));
    expect(JSON.stringify([failure.message, failure.causes, failure.hint])).not.toContain('hidden');
  });
});

test('requestCliToken fails with a hint when az does not answer within the budget, and ends az', async () => {
  const file = folder.path('processes');
  const script = `sleep 300 & echo "$$ $!" >'${file}'; wait`;
  const failure = await catchFailure(() => ask(script, undefined, readClockMs() + 3_400));
  expect(failure.message).toContain('az did not finish within');
  const processIds = readFileSync(file, 'utf8').trim().split(' ').map(Number);
  expect(processIds).toHaveLength(2);
  await expect.poll(() => processIds.filter(isRunning), { timeout: 5_000 }).toEqual([]);
  expect(failure.hint).toContain('az account get-access-token');
});
