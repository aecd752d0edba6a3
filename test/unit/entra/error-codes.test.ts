/** What Entra's error codes mean, and what fixes them. */
import { describe, expect, test } from 'vitest';
import { findEntraAdvice } from '../../../src/entra/error-codes.ts';

const SUBJECT = { clientId: 'the-client', tenant: 'the-tenant' };
const LOGIN = 'az login --tenant the-tenant --scope https://containerregistry.azure.net/.default';
const RESET = 'az ad app credential reset --id the-client';

describe('findEntraAdvice', () => {
  const rows: readonly (readonly [codes: readonly number[], meaning: RegExp, fix: RegExp | string])[] = [
    [
      [7000215, 70002],
      /client secret is wrong/,
      /the value of the secret, not its id.* az ad app credential reset --id the-client$/,
    ],
    [[7000222], /secret has expired/, `make a new one: ${RESET}`],
    [[700016, 700011], /application is not in this tenant/, /AZURE_CLIENT_ID.*AZURE_TENANT_ID \(the-tenant was used\)/],
    [[7000112, 70001], /application is disabled/, /az ad sp update --id the-client/],
    [[90002, 900023], /no such tenant/, /AZURE_TENANT_ID.*AZURE_AUTHORITY_HOST/],
    [[90038, 900382, 900432], /another cloud/, /AZURE_AUTHORITY_HOST/],
    [[500011, 50001, 650052, 650057], /does not know Azure Container Registry/, /az acr show/],
    [[700027, 50012], /certificate does not belong/, 'az ad sp show --id the-client'],
    [[700030], /certificate/, 'az ad sp show --id the-client'],
    [[700024, 500133, 50013], /outside its validity period/, /clock/],
    [[70021, 700211, 700212, 700213, 7002137, 7002138], /federated credential/, /federated-credential list --id the-/],
    [[700229], /cannot be used as a federated credential/, /managed identity/],
    [[7000218], /needs a secret/, /AZURE_CLIENT_SECRET/],
    [[700025], /does not accept a secret/, /unset AZURE_CLIENT_SECRET/],
    [[7002104], /secrets are disabled/, /certificate/],
    [[50034, 50020, 51004, 16000, 90072], /not in this tenant/, LOGIN],
    [[50076, 50079, 50074, 50072, 50078, 50158], /multi-factor/, LOGIN],
    [[53003, 53000, 53001, 53002, 530032, 530035, 50131], /Conditional Access/, /administrator/],
    [[65001, 65004, 90094, 90008, 650056], /consent/, 'az ad app permission admin-consent --id the-client'],
    [[65002], /is not allowed to request a token/, /application of your own/],
    [[70008, 700082, 70043, 50089, 50173, 50132, 50133], /sign-in has expired/, LOGIN],
    [[50057, 50055, 50053, 50126], /disabled, locked/, LOGIN],
    [[50105], /not assigned/, 'az ad sp show --id the-client'],
    [[50194, 9001023, 9002332], /its own tenant/, /AZURE_TENANT_ID/],
    [[70011, 1002012], /scope is invalid/, /correlation id/],
    [[50196, 90055], /too many/, /wait/],
    [[90033, 90006, 90024, 50033, 90012], /temporary problem/, /wait/],
    [[100007], /regional/, /AZURE_REGIONAL_AUTHORITY_NAME/],
  ];
  for (const [codes, meaning, fix] of rows) {
    for (const code of codes) {
      test(`explains AADSTS${code}`, () => {
        const advice = findEntraAdvice(String(code), SUBJECT);
        expect(advice.meaning).toMatch(meaning);
        if (typeof fix === 'string') expect(advice.fix).toBe(fix);
        else expect(advice.fix).toMatch(fix);
      });
    }
  }
});

describe('findEntraAdvice without a known code', () => {
  const rows: readonly (readonly [code: string | undefined, fix: string])[] = [
    [undefined, 'check AZURE_CLIENT_ID and AZURE_TENANT_ID'],
    ['1', 'see https://login.microsoftonline.com/error?code=1'],
    ['99999999', 'see https://login.microsoftonline.com/error?code=99999999'],
    ['70002150000000000000', 'see https://login.microsoftonline.com/error?code=70002150000000000000'],
  ];
  for (const [code, fix] of rows) {
    test(`advises "${fix}"`, () => {
      expect(findEntraAdvice(code, SUBJECT)).toEqual({ meaning: undefined, fix });
    });
  }
});

test('findEntraAdvice returns a fix of one line without backticks, which clients put around it', () => {
  for (const code of ['7000215', '700016', '65001', '53003', '700024', '90002', '70021', '100007']) {
    expect(findEntraAdvice(code, SUBJECT).fix).not.toMatch(/[`\r\n]/);
  }
});

describe("findEntraAdvice for a person's account", () => {
  const signInCommand = 'docker-credential-acr login HOST --tenant the-tenant';
  const advise = (code: string | undefined) => findEntraAdvice(code, { ...SUBJECT, signInCommand }).fix;

  test.each(['50034', '50076', '70008', '700082', '50173', '50057', '50194', undefined])(
    'is the command that signs in again for AADSTS%s',
    (code) => {
      expect(advise(code)).toBe(signInCommand);
    },
  );

  test.each([
    ['700016', /^check the application and the tenant \(the-tenant was used\), then: docker-credential-acr login/],
    ['90002', /^check the tenant, then: docker-credential-acr login/],
    ['500011', /^sign in to the registry's tenant: docker-credential-acr login/],
    ['7000218', /^let people sign in to it: az ad app update --id the-client --is-fallback-public-client true$/],
  ])('names no variable for AADSTS%s', (code, fix) => {
    expect(advise(code)).toMatch(fix);
  });
});

describe('findEntraAdvice for an assertion', () => {
  test.each([
    [undefined, /^check this machine's clock; get a new assertion$/],
    [0, /^get a new assertion: this machine's clock is right$/],
    [-59, /^get a new assertion/],
    [60, /^set this machine's clock: /],
    [-900, /^set this machine's clock: /],
  ])('with a clock that is %j seconds ahead advises %s', (clockAheadSeconds, fix) => {
    expect(findEntraAdvice('700024', { ...SUBJECT, clockAheadSeconds }).fix).toMatch(fix);
  });

  test.each(['70021', '700211', '700212'])(
    'names the token proxy for AADSTS%s only with the audience of identity bindings',
    (code) => {
      expect(findEntraAdvice(code, { ...SUBJECT, audience: 'api://AKSIdentityBinding' }).fix).toContain(
        'azure.workload.identity/use-identity-binding',
      );
      expect(findEntraAdvice(code, { ...SUBJECT, audience: 'api://AzureADTokenExchange' }).fix).toContain('list --id');
    },
  );
});

describe('findEntraAdvice for a client that no variable sets up', () => {
  const client = {
    clientSetting: 'the-annotation/client-id',
    tenantSetting: 'the-annotation/tenant-id',
    trust: 'trust it',
  };
  const advise = (code: string | undefined) => findEntraAdvice(code, { ...SUBJECT, client }).fix;

  test.each([
    ['700016', 'check the-annotation/client-id, the-annotation/tenant-id (the-tenant was used) and the cloud'],
    ['90002', 'check the-annotation/tenant-id; for a tenant in another cloud, set AZURE_AUTHORITY_HOST'],
    ['500011', "check that the-annotation/tenant-id is the registry's tenant: az acr show -n NAME --query id"],
    ['50194', 'set the-annotation/tenant-id to the id of the tenant'],
    [undefined, 'check the-annotation/client-id and the-annotation/tenant-id'],
    ['70021', 'trust it'],
    ['700213', 'trust it'],
  ])('names its settings for AADSTS%s', (code, fix) => {
    expect(advise(code)).toBe(fix);
  });

  test('lists its federated credentials if nothing else makes it trust a token', () => {
    const { fix } = findEntraAdvice('700213', { ...SUBJECT, client: { clientSetting: 'a', tenantSetting: 'b' } });
    expect(fix).toContain('az ad app federated-credential list');
  });
});
