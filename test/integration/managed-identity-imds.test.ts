/** `get` by the metadata service, which is looked for last and must not be mistaken. */

import { describe, expect, test } from 'vitest';
import { PATHS } from '../emulator/managed-identity.ts';
import { TRAP, useManagedIdentityWorld } from './managed-identity-world.ts';

const host = useManagedIdentityWorld('imds');

describe('IMDS at the place that a variable names', () => {
  test('is asked at once, without looking first whether it is there', async () => {
    await host().get(host().environment('imds'));
    expect(host().server.requests.map(({ headers }) => headers['metadata'])).toEqual(['true']);
  });

  test.each(['', '/', '/base', '/base/'])('may have the path %j', async (path) => {
    host().server.answerNext({ status: 400, body: '{"error":"invalid_request"}' });
    await host().expectNotFound({
      ...host().environment('imds'),
      AZURE_POD_IDENTITY_AUTHORITY_HOST: `${host().server.url}${path}`,
    });
    expect(host().server.requests[0]?.path).toBe(`${path.replace(/\/$/, '')}${PATHS.imds}`);
  });

  test.each([
    ['nobody', undefined, 'there is no metadata service (IMDS)'],
    ['a gateway', TRAP, 'something else answers in place of IMDS'],
    [
      'a captive portal',
      { status: 302, headers: { Location: 'http://example.com/' } },
      'there is no metadata service (IMDS)',
    ],
    ['a web server', { status: 200, body: '<html>Welcome</html>' }, 'something else answers in place of IMDS'],
    [
      'a machine without an identity',
      { status: 400, body: '{"error":"invalid_request"}' },
      'this machine has no managed identity',
    ],
  ])('with %s is passed over, so that anonymous pull works', async (_name, answer, reason) => {
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

  test('without the identity of AZURE_CLIENT_ID is a failure', async () => {
    const stderr = await host().fail({
      ...host().environment('imds'),
      AZURE_CLIENT_ID: 'eeeeeeee-2222-4333-8444-555555555555',
    });
    expect(stderr).toContain('the identity of AZURE_CLIENT_ID is not assigned to this machine');
    expect(stderr).toContain('cause: HTTP 400 invalid_request: Identity not found\n');
  });

  test('that was chosen has to be there and to have an identity', async () => {
    host().choose();
    host().server.state.systemAssigned = undefined;
    expect(await host().fail(host().environment('imds'))).toContain('no identity is assigned to this machine');
    host().server.answerAlways(TRAP);
    expect(await host().fail(host().environment('imds'))).toContain('cause: HTTP 403: Host not in allowlist\n');
    const unreachable = { ...host().environment('imds'), AZURE_POD_IDENTITY_AUTHORITY_HOST: host().server.secureUrl };
    expect(await host().fail(unreachable)).toContain('the metadata service (IMDS) cannot be reached at 127.0.0.1:');
  });
});
