/** The service account of a pod: which annotations count, who it is to the cache, and what errors say. */
import { describe, expect, test } from 'vitest';
import type { Identity } from '../../../src/identity/identity.ts';
import type { JsonObject } from '../../../src/json.ts';
import {
  ANNOTATIONS,
  findServiceAccountIdentity,
  nameId,
  type ServiceAccountDefaults,
  type ServiceAccountRoute,
} from '../../../src/kubelet/service-account.ts';
import type { Runtime } from '../../../src/system/runtime.ts';
import { catchFailure } from '../failure.ts';
import { expectIdentity } from '../identity/request.ts';
import { registryNamed } from '../registry-named.ts';
import { makeRuntime } from '../runtime.ts';
import { answer, toolsAnswering } from '../token-context.ts';

const CLIENT = '11111111-2222-4333-8444-555555555555';
const OTHER = '66666666-2222-4333-8444-555555555555';
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const [OWN_CLIENT = '', OWN_TENANT = '', PEER_CLIENT = '', PEER_TENANT = ''] = ANNOTATIONS;
const BOTH = { [PEER_CLIENT]: CLIENT, [PEER_TENANT]: TENANT };
const CLAIMS = {
  iss: 'https://oidc.test/cluster/',
  sub: 'system:serviceaccount:default:puller',
  aud: ['api://AzureADTokenExchange'],
};
const NO_DEFAULTS = { clientId: undefined, tenantId: undefined };
const ROUTE: ServiceAccountRoute = {
  description: 'https://abc.ests.aks.example',
  find: async ({ http }) => ({ http, tokenEndpoint: 'https://abc.ests.aks.example/', hint: 'check the route' }),
};

/** A token with these claims, which nobody has signed. */
function makeToken(claims: JsonObject): string {
  return ['{}', JSON.stringify(claims), 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.');
}

interface Account {
  readonly token?: string | undefined;
  readonly annotations?: JsonObject;
  readonly defaults?: ServiceAccountDefaults;
  readonly route?: ServiceAccountRoute | undefined;
  readonly runtime?: Runtime;
}

function find({ annotations = BOTH, defaults = NO_DEFAULTS, route, runtime = makeRuntime(), ...rest }: Account) {
  const token = 'token' in rest ? rest.token : makeToken(CLAIMS);
  const request = { apiVersion: '', image: '', serviceAccountToken: token, annotations };
  return findServiceAccountIdentity(runtime, request, defaults, route);
}

function identify(account: Account, serverUrl = 'myregistry.azurecr.io', runtime = makeRuntime()): Identity {
  const registry = registryNamed(serverUrl);
  const found = find(account)?.find({ runtime, registry, tenantId: undefined, isChosen: true });
  if (found === undefined) throw new Error('the pull is the node’s');
  return expectIdentity(found);
}

describe('the annotations', () => {
  test('are our own and those of AKS', () => {
    expect(ANNOTATIONS).toEqual([
      'docker-credential-acr/client-id',
      'docker-credential-acr/tenant-id',
      'kubernetes.azure.com/acr-client-id',
      'kubernetes.azure.com/acr-tenant-id',
    ]);
  });

  const defaults = { clientId: nameId(OTHER, '--ib-default-client-id'), tenantId: nameId('node-tenant', 'azure.json') };
  const rows: readonly (readonly [
    what: string,
    account: Account,
    client: string | undefined,
    tenant: string | undefined,
  ])[] = [
    ['those of AKS', {}, CLIENT, TENANT],
    ['our own', { annotations: { [OWN_CLIENT]: CLIENT, [OWN_TENANT]: TENANT } }, CLIENT, TENANT],
    [
      'our own before those of AKS',
      { annotations: { ...BOTH, [OWN_CLIENT]: OTHER, [OWN_TENANT]: 'own' } },
      OTHER,
      'own',
    ],
    ['one of each', { annotations: { [OWN_CLIENT]: CLIENT, [PEER_TENANT]: TENANT } }, CLIENT, TENANT],
    [
      'those of AKS where our own are blank',
      { annotations: { ...BOTH, [OWN_CLIENT]: ' ', [OWN_TENANT]: '' } },
      CLIENT,
      TENANT,
    ],
    [
      'ids with spaces around them',
      { annotations: { [PEER_CLIENT]: ` ${CLIENT}\n`, [PEER_TENANT]: `\t${TENANT}` } },
      CLIENT,
      TENANT,
    ],
    ['an id in upper case', { annotations: { ...BOTH, [PEER_CLIENT]: CLIENT.toUpperCase() } }, CLIENT, TENANT],
    ['a domain as the tenant', { annotations: { ...BOTH, [PEER_TENANT]: 'contoso.com' } }, CLIENT, 'contoso.com'],
    ['before the defaults', { defaults }, CLIENT, TENANT],
    ['with the default tenant', { annotations: { [PEER_CLIENT]: CLIENT }, defaults }, CLIENT, 'node-tenant'],
    ['with the default client', { annotations: { [PEER_TENANT]: TENANT }, defaults }, OTHER, TENANT],
    ['not at all, with defaults', { annotations: {}, defaults }, OTHER, 'node-tenant'],
    // Then the pull is the node's.
    ['not at all', { annotations: {} }, undefined, undefined],
    ['not as a number', { annotations: { [PEER_CLIENT]: 5 } }, undefined, undefined],
    ['not as a list', { annotations: { [PEER_CLIENT]: [CLIENT], [PEER_TENANT]: null } }, undefined, undefined],
    ['not under another name', { annotations: { 'azure.workload.identity/client-id': CLIENT } }, undefined, undefined],
    [
      'not with a tenant of the node alone',
      { annotations: {}, defaults: { ...defaults, clientId: undefined } },
      undefined,
      undefined,
    ],
    ['not without a token', { token: undefined }, undefined, undefined],
  ];
  test.each(rows)('count: %s', (_what, account, client, tenant) => {
    const chosen = find(account);
    expect(chosen?.tenantId).toBe(tenant);
    if (client === undefined) expect(chosen).toBeUndefined();
    else expect(identify(account).description).toContain(`https://login.microsoftonline.com/${tenant} ${client} `);
  });

  const mistakes: readonly (readonly [annotations: JsonObject, message: string, hint: string])[] = [
    [
      { [PEER_CLIENT]: CLIENT },
      'system:serviceaccount:default:puller has a client id but no tenant id',
      'kubectl annotate serviceaccount -n default puller --overwrite docker-credential-acr/tenant-id=TENANT_ID',
    ],
    [
      { [OWN_TENANT]: TENANT, [OWN_CLIENT]: ' ' },
      'system:serviceaccount:default:puller has a tenant id but no client id',
      'kubectl annotate serviceaccount -n default puller --overwrite docker-credential-acr/client-id=CLIENT_ID',
    ],
    [
      { ...BOTH, [PEER_CLIENT]: 'my-identity' },
      'kubernetes.azure.com/acr-client-id of system:serviceaccount:default:puller is not the id of',
      'kubectl annotate serviceaccount -n default puller --overwrite kubernetes.azure.com/acr-client-id=CLIENT_ID',
    ],
    [
      { ...BOTH, [PEER_TENANT]: '../common' },
      'kubernetes.azure.com/acr-tenant-id is not a tenant id or domain',
      'set kubernetes.azure.com/acr-tenant-id to',
    ],
  ];
  test.each(mistakes)('are rejected: %j', async (annotations, message, hint) => {
    const failure = await catchFailure(() => identify({ annotations }));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toContain(message);
    expect(failure.hint).toContain(hint);
  });
});

describe('the token', () => {
  test.each([
    ['no token', 'no-token'],
    ['no JSON', 'a.b.c'],
    ['a list', makeToken({ iss: ['x'], sub: 'y' })],
    ['no issuer', makeToken({ sub: 'y' })],
    ['no subject', makeToken({ iss: 'x', sub: '' })],
    ['five parts', `${makeToken(CLAIMS)}.x.y`],
  ])('is rejected, and not quoted, if it is %s', async (_what, token) => {
    const runtime = makeRuntime();
    const failure = await catchFailure(() => identify({ token, runtime }));
    expect(failure.message).toBe("the service account's token has no issuer and subject");
    expect([...runtime.secrets]).toEqual([token]);
  });

  test('is not looked at where the pull is the node’s', () => {
    expect(find({ token: 'no-token', annotations: {} })).toBeUndefined();
  });

  test('is a secret from the beginning', () => {
    const runtime = makeRuntime();
    find({ runtime });
    expect([...runtime.secrets]).toEqual([makeToken(CLAIMS)]);
  });
});

describe('the key of the cache', () => {
  const describeAccount = (account: Account = {}, serverUrl?: string) => identify(account, serverUrl).description;
  const withClaims = (claims: JsonObject): Account => ({ token: makeToken({ ...CLAIMS, ...claims }) });
  const base = describeAccount();

  test('holds the client, the tenant, the issuer and the subject', () => {
    expect(base).toBe(
      `service-account https://login.microsoftonline.com/${TENANT} ${CLIENT} https://oidc.test/cluster/ system:serviceaccount:default:puller`,
    );
  });

  test('stays the same for the next token of the account', () => {
    expect(describeAccount(withClaims({ exp: 2, jti: 'x', 'kubernetes.io': { pod: { name: 'other' } } }))).toBe(base);
  });

  const others: readonly (readonly [what: string, account: Account])[] = [
    ['another account', withClaims({ sub: 'system:serviceaccount:default:other' })],
    ['an account of another namespace', withClaims({ sub: 'system:serviceaccount:other:puller' })],
    ['another cluster', withClaims({ iss: 'https://oidc.test/other/' })],
    ['another client', { annotations: { ...BOTH, [PEER_CLIENT]: OTHER } }],
    ['another tenant', { annotations: { ...BOTH, [PEER_TENANT]: 'contoso.com' } }],
    ['an identity binding', { route: ROUTE }],
    ['another identity binding', { route: { ...ROUTE, description: 'https://def.ests.aks.example' } }],
  ];
  test.each(others)('differs for %s', (_what, account) => {
    expect(describeAccount(account)).not.toBe(base);
  });

  test('differs for each two of them', () => {
    const all = [base, ...others.map(([, account]) => describeAccount(account))];
    expect(new Set(all).size).toBe(all.length);
  });

  test('cannot be forged by spaces in a name', () => {
    const one = describeAccount(withClaims({ iss: 'https://a b', sub: 'c' }));
    expect(one).not.toBe(describeAccount(withClaims({ iss: 'https://a', sub: 'b c' })));
    expect(one).not.toContain('https://a b');
  });

  test('is for the authority of the cloud', () => {
    expect(describeAccount({}, 'myregistry.azurecr.us')).toContain(` https://login.microsoftonline.us/${TENANT} `);
  });
});

describe('a sign-in', () => {
  const refuse = (code: number) =>
    toolsAnswering(answer(401, { error: 'invalid_client', error_description: `AADSTS${code}: no.` }));

  async function failWith(code: number, account: Account = {}, serverUrl?: string) {
    const { context } = refuse(code);
    return await catchFailure(() => identify(account, serverUrl).getToken(context));
  }

  test('says how Entra comes to trust the account, in a complete command', async () => {
    const { message, hint } = await failWith(700213);
    expect(message).toContain('no federated credential matches');
    expect(hint).toBe(
      'az identity federated-credential create --name default-puller ' +
        `--identity-name NAME_OF_${CLIENT} --resource-group GROUP --issuer https://oidc.test/cluster/ ` +
        '--subject system:serviceaccount:default:puller --audiences api://AzureADTokenExchange',
    );
  });

  test('asks for the audience of a sovereign cloud', async () => {
    const { hint } = await failWith(700212, {}, 'myregistry.azurecr.us');
    expect(hint).toMatch(
      /^set "serviceAccountTokenAudience" of the kubelet's configuration to api:\/\/AzureADTokenExchangeUSGov, and: az .* --audiences api:\/\/AzureADTokenExchangeUSGov$/,
    );
    const token = makeToken({ ...CLAIMS, aud: 'api://AzureADTokenExchangeUSGov' });
    expect((await failWith(700213, { token }, 'myregistry.azurecr.us')).hint).toMatch(/^az identity /);
  });

  test('quotes a hostile issuer and subject in the command', async () => {
    const token = makeToken({ ...CLAIMS, iss: 'https://x/$(pwned)', sub: "system:serviceaccount:a;b:'c" });
    const { hint } = await failWith(700213, { token });
    expect(hint).toContain("--issuer 'https://x/$(pwned)'");
    expect(hint).toContain('--name a-b--c ');
    expect(hint).toContain("--subject 'system:serviceaccount:a;b:?c' ");
  });

  test('names the annotations, not variables', async () => {
    for (const code of [700016, 90002, 500011, 50194]) {
      const { hint } = await failWith(code, { annotations: { [OWN_CLIENT]: CLIENT, [PEER_TENANT]: TENANT } });
      expect(hint).not.toMatch(/AZURE_(?:CLIENT|TENANT)_ID/);
      expect(hint).toContain('kubernetes.azure.com/acr-tenant-id');
    }
  });

  test('sends a token of identity bindings nowhere but to the proxy, and no other token there', async () => {
    const bound = makeToken({ ...CLAIMS, aud: 'api://AKSIdentityBinding' });
    const direct = toolsAnswering(answer(200, {}));
    const failure = await catchFailure(() => identify({ token: bound }).getToken(direct.context));
    expect(failure.message).toContain('has the audience api://AKSIdentityBinding, which is not for Entra ID itself');
    expect(failure.hint).toContain('--ib-sni-name');
    const { message, hint } = await catchFailure(() => identify({ route: ROUTE }).getToken(direct.context));
    expect(message).toContain('has the audience api://AzureADTokenExchange, which is not for identity bindings');
    expect(hint).toContain('to api://AKSIdentityBinding');
    const nobody = await catchFailure(() =>
      identify({ token: makeToken({ ...CLAIMS, aud: {} }), route: ROUTE }).getToken(direct.context),
    );
    expect(nobody.message).toContain('has no audience');
    expect(direct.requests).toEqual([]);
  });

  test('goes by the route of an identity binding', async () => {
    const { context, requests } = toolsAnswering(answer(200, { access_token: 'the-token' }));
    const token = makeToken({ ...CLAIMS, aud: 'api://AKSIdentityBinding' });
    expect(await identify({ token, route: ROUTE }).getToken(context)).toBe('the-token');
    expect(requests.map(({ url }) => url)).toEqual(['https://abc.ests.aks.example/']);
    expect(identify({ token, route: ROUTE }).origins).toEqual([]);
  });

  test('does not go by a token proxy of the environment', async () => {
    const env = { AZURE_KUBERNETES_TOKEN_PROXY: 'https://proxy.test' };
    const { context, requests } = toolsAnswering(answer(200, { access_token: 'the-token' }), env);
    await identify({}).getToken(context);
    expect(requests.map(({ url }) => new URL(url).host)).toEqual(['login.microsoftonline.com']);
  });

  test('says how to bind an identity when the proxy refuses', async () => {
    const token = makeToken({ ...CLAIMS, aud: 'api://AKSIdentityBinding' });
    const { hint } = await failWith(700212, { token, route: ROUTE });
    expect(hint).toContain('az aks identity-binding create ');
    expect(hint).toContain('system:serviceaccount:default:puller to use-managed-identity');
  });

  test('shares a failure with the other pods of the account', () => {
    const read = (claims: JsonObject) => identify({ token: makeToken({ ...CLAIMS, ...claims }) }).readSecret?.();
    expect(read({ jti: 'one' })).toBe(read({ jti: 'two' }));
    expect(read({ aud: 'api://other' })).not.toBe(read({}));
  });
});
