import { describe, expect, test } from 'vitest';
import { findAccountCloud } from '../../../../src/commands/registries/account-cloud.ts';
import { catchFailure } from '../../failure.ts';
import { makeRuntime } from '../../runtime.ts';

describe('findAccountCloud', () => {
  test.each([
    [undefined, 'https://management.azure.com'],
    ['', 'https://management.azure.com'],
    ['https://login.microsoftonline.com', 'https://management.azure.com'],
    ['https://login.microsoftonline.com/', 'https://management.azure.com'],
    ['https://LOGIN.WINDOWS.NET', 'https://management.azure.com'],
    ['https://login.microsoftonline.us', 'https://management.usgovcloudapi.net'],
    ['https://login.usgovcloudapi.net/', 'https://management.usgovcloudapi.net'],
    ['https://login.partner.microsoftonline.cn', 'https://management.chinacloudapi.cn'],
    ['https://login.chinacloudapi.cn', 'https://management.chinacloudapi.cn'],
    ['https://login.microsoftonline.de', 'https://management.microsoftazure.de'],
  ])('AZURE_AUTHORITY_HOST=%s names the cloud of %s', (authority, armUrl) => {
    expect(findAccountCloud(makeRuntime({ AZURE_AUTHORITY_HOST: authority })).armUrl).toBe(armUrl);
  });

  test.each([
    ['https://login.sovcloud-identity.fr', 'the resource manager of the Bleu cloud is not public'],
    ['https://login.example.com', 'AZURE_AUTHORITY_HOST does not name a cloud that is known here'],
    ['https://login.microsoftonline.com.example.com', 'AZURE_AUTHORITY_HOST does not name a cloud that is known here'],
    ['https://user@login.microsoftonline.com', 'AZURE_AUTHORITY_HOST does not name a cloud that is known here'],
    ['https://login.microsoftonline.com:8443', 'AZURE_AUTHORITY_HOST does not name a cloud that is known here'],
  ])('AZURE_AUTHORITY_HOST=%s is an error', async (authority, message) => {
    const failure = await catchFailure(() => findAccountCloud(makeRuntime({ AZURE_AUTHORITY_HOST: authority })));
    expect(failure).toMatchObject({ code: 'IDENTITY_INVALID', message, hint: expect.stringContaining('az acr list') });
  });
});
