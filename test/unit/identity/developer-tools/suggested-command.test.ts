/** The sign-in command of a tool's message: shown as it is, or not at all. */
import { describe, expect, test } from 'vitest';
import { findSuggestion, parseSuggestion } from '../../../../src/identity/developer-tools/suggested-command.ts';

const AZ = { starts: ['az login'], options: ['--tenant', '--scope'] };
const AZD = { starts: ['azd auth login', 'azd login'], options: ['--scope', '--tenant-id'] };
const SCOPE = 'https://containerregistry.azure.net/.default';

describe('parseSuggestion accepts', () => {
  test.each([
    'az login',
    'az login --tenant contoso.onmicrosoft.com',
    'az login --tenant "11111111-2222-4333-8444-555555555555" --scope "https://x/.default"',
    `az login --scope ${SCOPE}`,
    'az login --tenant=t --scope=s',
  ])('%s', (text) => {
    expect(parseSuggestion(text, AZ)).toBe(text);
  });
});

describe('parseSuggestion rejects', () => {
  test.each([
    '',
    'az',
    'az logout',
    'az loginx',
    ' az login',
    'az login ',
    'az login  --tenant x',
    'az login; touch pwned',
    'az login --tenant $(touch pwned)',
    'az login --tenant `touch`',
    'az login --tenant x;y',
    'az login --tenant x y',
    'az login --tenant',
    'az login --tenant --scope',
    'az login --tenant -x',
    'az login --tenant "x',
    'az login --tenant x"',
    "az login --tenant 'x'",
    'az login --tenant x\ntouch pwned',
    'az login --claims-challenge "eyJ"',
    'az login --username me --password secret',
    'az login --service-principal -u x',
    'az login --allow-no-subscriptions',
    'az login --debug x',
    'sudo az login',
    `az login --tenant ${'x'.repeat(1000)}`,
    `az login${' --tenant x'.repeat(100_000)}`,
  ])('%j', (text) => {
    expect(parseSuggestion(text, AZ)).toBeUndefined();
  });
});

describe('findSuggestion returns', () => {
  test.each([
    ['not logged in, run `azd auth login` to login', 'azd auth login'],
    ['ERROR: not logged in, run `azd login` to login', 'azd login'],
    [`run \`azd auth login --scope ${SCOPE}\` to acquire a new token.`, `azd auth login --scope ${SCOPE}`],
    [
      `Suggestion: run azd auth login --scope ${SCOPE} --tenant-id t. Then`,
      `azd auth login --scope ${SCOPE} --tenant-id t`,
    ],
    ['run azd auth login to acquire', 'azd auth login'],
    ['run azd auth login.', 'azd auth login'],
    ['one\nazd auth login --tenant-id t\nthree', 'azd auth login --tenant-id t'],
    ['azd auth login --scope $(touch pwned)', 'azd auth login'],
    ['azd auth login; touch pwned', 'azd auth login'],
    ['azd auth login --client-secret x --tenant-id t', 'azd auth login'],
    ['azd auth loginx', undefined],
    ['azd up', undefined],
    ['', undefined],
  ])('of %j: %s', (text, command) => {
    expect(findSuggestion(text, AZD)).toBe(command);
  });

  test('an answer in no time for a long text', () => {
    const startedMs = performance.now();
    for (const text of [
      'azd auth login '.repeat(20_000),
      `azd auth login${' --scope x'.repeat(20_000)}`,
      'a'.repeat(300_000),
    ]) {
      findSuggestion(text, AZD);
    }
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
