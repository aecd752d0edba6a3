/** `get` in a Service Fabric cluster, whose server is identified by its certificate alone. */

import { describe, expect, test } from 'vitest';
import { useManagedIdentityWorld } from './managed-identity-world.ts';

const host = useManagedIdentityWorld('service-fabric');

describe('Service Fabric', () => {
  const spellings: readonly (readonly [name: string, spell: (thumbprint: string) => string])[] = [
    ['lower case', (thumbprint) => thumbprint.toLowerCase()],
    ['pairs with colons', (thumbprint) => thumbprint.replace(/..(?!$)/g, '$&:')],
    ['pairs with blanks', (thumbprint) => ` ${thumbprint.replace(/..(?!$)/g, '$& ')} `],
  ];
  for (const [name, spell] of spellings) {
    test(`is recognized by a thumbprint in ${name}`, async () => {
      await host().get({
        ...host().environment('service fabric'),
        IDENTITY_SERVER_THUMBPRINT: spell(host().server.thumbprint),
      });
    });
  }

  test('gets no request, not even one without the secret, when it has another certificate', async () => {
    const IDENTITY_SERVER_THUMBPRINT = host().server.thumbprint.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    const stderr = await host().fail({ ...host().environment('service fabric'), IDENTITY_SERVER_THUMBPRINT });
    expect(stderr).toContain('does not match IDENTITY_SERVER_THUMBPRINT');
    expect(stderr).toContain('cause: nothing was sent to it\n');
    expect(stderr).toMatch(/hint: openssl s_client -connect 127\.0\.0\.1:\d+ /);
    expect(host().server.secureConnections).toBe(1); // it was there
    expect(host().server.requests).toEqual([]);
  });

  test.each(['', 'nonsense', 'AA'.repeat(32), `${'AA'.repeat(19)}G0`])(
    'is not asked when the thumbprint is %j',
    async (thumbprint) => {
      const variables = { ...host().environment('service fabric'), IDENTITY_SERVER_THUMBPRINT: thumbprint || ' ' };
      expect(await host().fail(variables)).toContain('IDENTITY_SERVER_THUMBPRINT is not a SHA-1 thumbprint');
      expect(host().server.secureConnections).toBe(0);
    },
  );
});
