import { describe, expect, test } from 'vitest';
import { parseAzureHost } from './hosts.ts';

describe('parseAzureHost', () => {
  test.each([
    ['login.microsoftonline.com', { kind: 'entra' }],
    ['login.microsoftonline.us', { kind: 'entra' }],
    ['login.partner.microsoftonline.cn', { kind: 'entra' }],
    ['login.chinacloudapi.cn', { kind: 'entra' }],
    ['login.sovcloud-identity.fr', { kind: 'entra' }],
    ['management.azure.com', { kind: 'arm' }],
    ['contoso.azurecr.io', { kind: 'acr', loginServer: 'contoso.azurecr.io' }],
    ['contoso.azurecr.us', { kind: 'acr', loginServer: 'contoso.azurecr.us' }],
    ['contoso.azurecr.cn', { kind: 'acr', loginServer: 'contoso.azurecr.cn' }],
    ['contoso.azurecr.sovcloud-azure.de', { kind: 'acr', loginServer: 'contoso.azurecr.sovcloud-azure.de' }],
    ['contoso-e7ggejfuhzhgedc8.azurecr.io', { kind: 'acr', loginServer: 'contoso-e7ggejfuhzhgedc8.azurecr.io' }],
    ['contoso.eastus2.geo.azurecr.io', { kind: 'acr', loginServer: 'contoso.azurecr.io' }],
    ['contoso-abc123.eastus2.geo.azurecr.io', { kind: 'acr', loginServer: 'contoso-abc123.azurecr.io' }],
    ['contoso.eastus2.data.azurecr.io', { kind: 'acr-data', loginServer: 'contoso.azurecr.io' }],
  ])('names the service behind %s', (host, expected) => {
    expect(parseAzureHost(host)).toEqual(expected);
  });

  test.each([
    'example.com',
    'contoso.azurecr.io.example.com',
    'evilazurecr.io',
    'azurecr.io',
    'four.azurecr.io',
    'contoso.azurecr.com',
    'contoso.privatelink.azurecr.io',
    'a.contoso.azurecr.io',
    'contoso.eastus2.evil.azurecr.io',
    '-contoso.azurecr.io',
    'contoso.azurecr.io.',
    'login.microsoftonline.com.example.com',
    'mcr.microsoft.com',
    '169.254.169.254',
    `contoso-${'a'.repeat(57)}.azurecr.io`,
    '',
  ])('returns undefined for %j', (host) => {
    expect(parseAzureHost(host)).toBeUndefined();
  });

  test('recognizes a host that a test added', () => {
    const extra = new Map([['images.contoso.com', { kind: 'acr', loginServer: 'contoso.azurecr.io' } as const]]);
    expect(parseAzureHost('images.contoso.com', extra)).toEqual({ kind: 'acr', loginServer: 'contoso.azurecr.io' });
  });
});
