/** The emulated metadata service finds the identity that a request names. */
import { expect, test } from 'vitest';
import { answerManagedIdentity, PATHS } from './managed-identity.ts';
import { createRequest } from './message.ts';

const KUBELET = { clientId: 'Client-1', objectId: 'Object-1', resourceId: '/Subscriptions/s/kubelet' };
const OTHER = { clientId: 'client-2', objectId: 'object-2', resourceId: '/subscriptions/s/other' };

function ask(parameters: Readonly<Record<string, string>>) {
  const query = new URLSearchParams({ 'api-version': '2018-02-01', resource: 'https://a', ...parameters });
  const request = createRequest({ url: `http://127.0.0.1${PATHS.imds}?${query}`, headers: { metadata: 'true' } });
  const { status, body } = answerManagedIdentity(request, {
    systemAssigned: undefined,
    userAssigned: [OTHER, KUBELET],
    secret: '',
    refusedAudiences: new Set(),
    writeEnd: undefined,
    arcKey: '',
    arcChallenge: '',
    isArcAgentNew: true,
    issue: (_, { clientId }) => `token of ${clientId}`,
    nowSeconds: () => 0,
  });
  return [status, /token of [\w-]+/.exec(String(body))?.[0]];
}

test.each([[{ client_id: 'client-1' }], [{ object_id: 'OBJECT-1' }], [{ msi_res_id: '/subscriptions/S/kubelet' }]])(
  '%j finds the identity on a host that has none of its own',
  (parameters) => {
    expect(ask(parameters)).toEqual([200, 'token of Client-1']);
  },
);

test.each([[{}], [{ client_id: 'client-3' }]])('%j finds none there', (parameters) => {
  expect(ask(parameters)).toEqual([400, undefined]);
});
