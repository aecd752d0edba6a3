/** What the check of the dependencies reads from npm's output, and when it only skips. */
import { describe, expect, it } from 'vitest';
import { readAudit, readSignatures } from '../../../scripts/check/npm-report.ts';

const ADVISORY = {
  source: 1,
  title: 'Prototype pollution',
  url: 'https://github.com/advisories/GHSA-1',
  severity: 'high',
};
const vulnerability = (severity: string, via: readonly unknown[] = [ADVISORY]) => ({
  name: 'x',
  severity,
  via,
  range: '<2',
});
const audit = (vulnerabilities: object) => JSON.stringify({ auditReportVersion: 2, vulnerabilities, metadata: {} });

/** npm's own errors, as it prints them with `--json`. */
const UNREACHABLE: readonly (readonly [what: string, error: object])[] = [
  [
    'a mirror without advisories',
    { message: '405 Method Not Allowed - POST https://r/bulk', statusCode: 405, error: { summary: '' } },
  ],
  ['a mirror that knows no such path', { message: '404 Not Found - POST https://r/bulk', statusCode: 404 }],
  ['a server that fails', { message: '503 Service Unavailable', statusCode: 503, error: { summary: '', detail: '' } }],
  ['a refused connection', { message: 'request to http://r/bulk failed, reason: connect ECONNREFUSED 127.0.0.1:9' }],
  [
    'a name that nobody knows',
    { error: { code: 'ENOTFOUND', summary: 'request to https://r failed, reason: getaddrinfo ENOTFOUND r' } },
  ],
  ['a server that is silent', { error: { code: 'ETIMEDOUT', summary: 'network timeout at: https://r' } }],
  ['a mirror without keys', { error: { code: 'E404', summary: '404 Not Found - GET https://r/-/npm/v1/keys' } }],
];

const BROKEN: readonly (readonly [what: string, output: string, problem: string])[] = [
  ['nothing', '', 'printed no JSON'],
  ['a text', 'audited 300 packages', 'printed no JSON'],
  ['a list', '[]', 'printed no JSON'],
  ['an empty object', '{}', 'failed: an unknown error'],
  [
    'a lock file that is out of step',
    '{"error":{"code":"ELSPROBLEMS","summary":"invalid: x@1"}}',
    'failed: invalid: x@1',
  ],
  [
    'a missing lock file',
    '{"error":{"code":"ENOLOCK","summary":"needs a lockfile","detail":""}}',
    'failed: needs a lockfile',
  ],
  [
    'a forbidden request',
    '{"message":"403 Forbidden - POST https://r/bulk","statusCode":403}',
    'failed: 403 Forbidden',
  ],
];

describe.each([
  ['advisories', readAudit],
  ['signatures', readSignatures],
] as const)('%s', (_name, read) => {
  it.each(UNREACHABLE)('are skipped for %s', (_what, error) => {
    expect(read(JSON.stringify(error))).toEqual({
      skipped: expect.stringMatching(/^the registry does not answer \(.+\)$/),
    });
  });

  it.each(BROKEN)('fail for %s', (_what, output, problem) => {
    expect(read(output)).toEqual({ problems: [expect.stringContaining(problem)] });
  });
});

describe('advisories', () => {
  it('are good without a vulnerability', () => {
    expect(readAudit(audit({}))).toEqual({ problems: [] });
  });

  it.each(['moderate', 'high', 'critical'])('fail for a severity that is %s, and name the advisory', (severity) => {
    expect(readAudit(audit({ left: vulnerability(severity) }))).toEqual({
      problems: [`left is vulnerable (${severity}): Prototype pollution https://github.com/advisories/GHSA-1`],
    });
  });

  it.each(['low', 'info'])('are good for a severity that is %s', (severity) => {
    expect(readAudit(audit({ left: vulnerability(severity) }))).toEqual({ problems: [] });
  });

  it('name the package through which another one is vulnerable', () => {
    const vulnerabilities = { left: vulnerability('high'), right: vulnerability('high', ['left']) };
    expect(readAudit(audit(vulnerabilities))).toEqual({
      problems: [expect.stringContaining('left is vulnerable'), 'right is vulnerable (high): by left'],
    });
  });

  it('fail without a list', () => {
    expect(readAudit('{"auditReportVersion":2}')).toEqual({
      problems: ['npm audit printed no list of vulnerabilities'],
    });
  });
});

describe('signatures', () => {
  it('are good when none is missing or invalid', () => {
    expect(readSignatures('{"invalid":[],"missing":[]}')).toEqual({ problems: [] });
  });

  it('fail for each package with an invalid or no signature', () => {
    const output = JSON.stringify({
      invalid: [{ name: 'left', version: '1.0.0', code: 'EINTEGRITYSIGNATURE' }],
      missing: [{ name: '@a/right', version: '2.0.0' }],
    });
    expect(readSignatures(output)).toEqual({
      problems: ['left@1.0.0 has an invalid signature', '@a/right@2.0.0 has no signature'],
    });
  });

  it('fail when one of the two lists is not there', () => {
    expect(readSignatures('{"invalid":[]}')).toEqual({ problems: ['npm audit signatures failed: an unknown error'] });
  });
});
