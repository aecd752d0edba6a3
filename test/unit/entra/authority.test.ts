/** Where an identity signs in. */
import { describe, expect, test } from 'vitest';
import { CLOUDS } from '../../../src/clouds.ts';
import { checkTenant, findAuthority } from '../../../src/entra/authority.ts';
import { catchFailure } from '../failure.ts';
import { requestFor } from '../identity/request.ts';

const find = (named: string | undefined, serverUrl = 'myregistry.azurecr.io', authorityHost?: string) =>
  findAuthority(
    requestFor(
      named === undefined ? {} : { AZURE_AUTHORITY_HOST: named },
      authorityHost === undefined ? {} : { authorityHost },
      serverUrl,
    ),
  );

describe('findAuthority', () => {
  const rows: readonly (readonly [serverUrl: string, url: string])[] = [
    ['myregistry.azurecr.io', 'https://login.microsoftonline.com'],
    ['myregistry.azurecr.us', 'https://login.microsoftonline.us'],
    ['myregistry.azurecr.cn', 'https://login.partner.microsoftonline.cn'],
    ['myregistry.azurecr.de', 'https://login.microsoftonline.de'],
    ['myregistry.azurecr.sovcloud-azure.fr', 'https://login.sovcloud-identity.fr'],
    ['myregistry.azurecr.sovcloud-azure.de', 'https://login.sovcloud-identity.de'],
  ];
  for (const [serverUrl, url] of rows) {
    test(`returns ${url} for ${serverUrl}`, () => {
      expect(find(undefined, serverUrl)).toEqual({ url, contradiction: undefined });
      expect(find('', serverUrl)).toEqual({ url, contradiction: undefined });
    });
  }

  for (const serverUrl of ['myregistry.azurecr.eaglex.ic.gov', 'myregistry.azurecr.microsoft.scloud']) {
    test(`rejects ${serverUrl} without AZURE_AUTHORITY_HOST, which the hint names`, async () => {
      const failure = await catchFailure(() => find(undefined, serverUrl));
      expect(failure.code).toBe('IDENTITY_INVALID');
      expect(failure.hint).toContain('AZURE_AUTHORITY_HOST');
      expect(find('https://login.example.com', serverUrl).url).toBe('https://login.example.com');
    });
  }
});

describe('findAuthority with AZURE_AUTHORITY_HOST', () => {
  const rows: readonly (readonly [named: string, url: string | undefined])[] = [
    ['https://login.example.com', 'https://login.example.com'],
    ['https://login.example.com/', 'https://login.example.com'],
    ['https://login.example.com///', 'https://login.example.com'],
    ['https://login.example.com/adfs/', 'https://login.example.com/adfs'],
    ['https://login.example.com:8443', 'https://login.example.com:8443'],
    ['https://login.example.com:443', 'https://login.example.com'],
    ['HTTPS://Login.Example.Com', 'https://login.example.com'],
    ['http://login.example.com', undefined],
    ['login.example.com', undefined],
    ['//login.example.com', undefined],
    ['https://', undefined],
    ['https://user@login.example.com', undefined],
    ['https://user:hidden@login.example.com', undefined],
    ['https://login.microsoftonline.com@evil.com', undefined],
    ['https://login.example.com?hidden', undefined],
    ['https://login.example.com/#hidden', undefined],
    ['ftp://login.example.com', undefined],
    ['javascript:hidden', undefined],
    ['file:///etc/passwd', undefined],
    [' ', undefined],
    ['https://exa mple.com', undefined],
  ];
  for (const [named, url] of rows) {
    test(`${url === undefined ? 'rejects' : 'accepts'} ${named}`, async () => {
      if (url !== undefined) {
        expect(find(named).url).toBe(url);
        return;
      }
      const failure = await catchFailure(() => find(named));
      expect(failure.code).toBe('IDENTITY_INVALID');
      expect(failure.message).toContain('AZURE_AUTHORITY_HOST is not an https URL');
      expect(failure.hint).toBe('set AZURE_AUTHORITY_HOST=https://login.microsoftonline.com');
      expect(failure.message).not.toContain('hidden');
    });
  }

  test('returns a contradiction when the authority belongs to another cloud than the registry', () => {
    const { url, contradiction } = find('https://login.microsoftonline.us', 'myregistry.azurecr.cn');
    expect(url).toBe('https://login.microsoftonline.us');
    expect(contradiction).toMatch(/US Government cloud, but myregistry\.azurecr\.cn belongs to the China cloud/);
  });

  test('returns no contradiction for an authority of the same cloud or of no known cloud', () => {
    for (const { authority, registrySuffix } of CLOUDS) {
      if (authority !== undefined)
        expect(find(authority, `myregistry.${registrySuffix}`).contradiction).toBeUndefined();
      expect(find('https://login.example.com', `myregistry.${registrySuffix}`).contradiction).toBeUndefined();
    }
  });

  test('prefers the authority in the configuration', () => {
    expect(find('http://broken', 'myregistry.azurecr.io', 'https://login.example.com')).toEqual({
      url: 'https://login.example.com',
      contradiction: undefined,
    });
  });
});

describe('checkTenant', () => {
  const rows: readonly (readonly [tenant: string, isOne: boolean])[] = [
    ['72f988bf-86f1-41af-91ab-2d7cd011db47', true],
    ['contoso.onmicrosoft.com', true],
    ['common', true],
    ['', false],
    [' ', false],
    ['a/b', false],
    ['a?b', false],
    ['a#b', false],
    ['a\\b', false],
    ['a%2fb', false],
    ['a@b', false],
    ['a\n', false],
    ['a\0', false],
    ['é', false],
    ['--tenant x', false],
  ];
  for (const [tenant, isOne] of rows) {
    test(`${isOne ? 'accepts' : 'rejects'} ${JSON.stringify(tenant)}`, async () => {
      const check = () => checkTenant(tenant, 'AZURE_TENANT_ID');
      if (isOne) expect(check()).toBe(tenant);
      else {
        const failure = await catchFailure(check);
        expect(failure.message).toBe('AZURE_TENANT_ID is not a tenant id or domain');
        expect(failure.hint).toContain('set AZURE_TENANT_ID');
      }
    });
  }
});
