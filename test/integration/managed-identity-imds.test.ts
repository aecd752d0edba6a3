/** `get` with the metadata service (IMDS), which comes last and must not be confused with another server. */

import { describe, expect, test } from 'vitest';
import { PATHS } from '../emulator/managed-identity.ts';
import { TRAP, useManagedIdentityWorld } from './managed-identity-world.ts';

const host = useManagedIdentityWorld('imds');

describe('IMDS at the address in a variable', () => {
  test('is asked at once, without a probe', async () => {
    await host().get(host().environment('imds'));
    expect(host().server.requests.map(({ headers }) => headers['metadata'])).toEqual(['true']);
  });

  test.each(['', '/', '/base', '/base/'])('is asked under the path %j of that address', async (path) => {
    host().server.answerNext({ status: 400, body: '{"error":"invalid_request"}' });
    await host().expectNotFound({
      ...host().environment('imds'),
      AZURE_POD_IDENTITY_AUTHORITY_HOST: `${host().server.url}${path}`,
    });
    expect(host().server.requests[0]?.path).toBe(`${path.replace(/\/$/, '')}${PATHS.imds}`);
  });

  test.each([
    ['nobody answers', undefined, 'there is no metadata service (IMDS)'],
    ['a gateway answers', TRAP, 'another server responds in place of IMDS'],
    [
      'a captive portal answers',
      { status: 302, headers: { Location: 'http://example.com/' } },
      'there is no metadata service (IMDS)',
    ],
    ['a web server answers', { status: 200, body: '<html>Welcome</html>' }, 'another server responds in place of IMDS'],
    [
      'the machine has no identity',
      { status: 400, body: '{"error":"invalid_request"}' },
      'this machine has no managed identity',
    ],
  ])('is skipped when %s, so that anonymous pull works', async (_name, answer, reason) => {
    if (answer !== undefined) host().server.answerAlways(answer);
    const place = answer === undefined ? 'http://127.0.0.1:9' : host().server.url;
    const stderr = await host().expectNotFound({
      ...host().environment('imds'),
      AZURE_POD_IDENTITY_AUTHORITY_HOST: place,
    });
    expect(stderr).toContain(`  managed-identity: ${reason}\n`);
    expect(host().server.requests.length).toBe(answer === undefined ? 0 : 1);
    expect(host().world.seen()).toEqual([]);
  });

  test('fails the sign-in when it does not have the identity of AZURE_CLIENT_ID', async () => {
    const stderr = await host().fail({
      ...host().environment('imds'),
      AZURE_CLIENT_ID: 'eeeeeeee-2222-4333-8444-555555555555',
    });
    expect(stderr).toContain('the identity that AZURE_CLIENT_ID names is not assigned to this machine');
    expect(stderr).toContain('cause: HTTP 400 invalid_request: Identity not found\n');
  });

  test('fails the sign-in when it was chosen and is missing or has no identity', async () => {
    host().choose();
    host().server.state.systemAssigned = undefined;
    expect(await host().fail(host().environment('imds'))).toContain('no identity is assigned to this machine');
    host().server.answerAlways(TRAP);
    expect(await host().fail(host().environment('imds'))).toContain('cause: HTTP 403: Host not in allowlist\n');
    const unreachable = { ...host().environment('imds'), AZURE_POD_IDENTITY_AUTHORITY_HOST: host().server.secureUrl };
    expect(await host().fail(unreachable)).toContain('the metadata service (IMDS) cannot be reached at 127.0.0.1:');
  });
});
