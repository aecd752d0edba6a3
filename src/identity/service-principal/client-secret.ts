/** A service principal with a client secret. */

import { findAuthority, findClient } from '../../entra/authority.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { readForeignFile } from '../../system/files.ts';
import { readVariable } from '../../system/runtime.ts';
import type { Identity, IdentityRequest, NotSetUp } from '../identity.ts';

const MAX_SECRET_BYTES = 64 * 1024;

/**
 * Takes `AZURE_CLIENT_ID`, `AZURE_TENANT_ID` and `AZURE_CLIENT_SECRET`, or what the configuration names instead.
 * @see https://learn.microsoft.com/javascript/api/@azure/identity/environmentcredential
 */
export function findClientSecret(request: IdentityRequest): Identity | NotSetUp {
  const { runtime, parameters } = request;
  const variable = parameters.clientSecretEnv ?? 'AZURE_CLIENT_SECRET';
  const isElsewhere = parameters.clientSecretFile !== undefined || parameters.clientSecretKeychain !== undefined;
  if (!isElsewhere && readVariable(runtime, variable) === undefined) return { notSetUp: `${variable} is not set` };
  const client = findClient(request);
  if (typeof client === 'string') return { notSetUp: `${variable} is set, ${client} is not` };
  const { clientId, tenant } = client;
  const authority = findAuthority(request);
  return {
    source: 'client-secret',
    description: `client-secret ${authority.url}/${tenant} ${clientId}`,
    get origins() {
      return [new URL(authority.url).origin]; // which a cached answer does not ask for
    },
    readSecret: () => readVariable(runtime, variable) ?? '',
    getToken: async (context) => {
      const { requestToken } = await import('../../entra/token-endpoint.ts');
      return requestToken(context, {
        authority,
        tenant,
        clientId,
        credential: { client_secret: await readClientSecret(request, variable) },
        actor: `the client secret of ${clientId}`,
      });
    },
  };
}

/** @throws IDENTITY_INVALID when it is not where the configuration says. */
async function readClientSecret({ runtime, registry, parameters }: IdentityRequest, variable: string): Promise<string> {
  const { clientSecretFile: file, clientSecretKeychain: entry } = parameters;
  const fail = (what: string, hint: string) =>
    new CredentialError('IDENTITY_INVALID', `Cannot sign in for ${registry.host}: ${what}`, { hint });
  if (file !== undefined) {
    let text: string | undefined;
    try {
      text = readForeignFile(file, MAX_SECRET_BYTES)?.trim();
    } catch (cause) {
      throw fail(`the client secret in ${file} cannot be read (${describeCause(cause)})`, `ls -l ${file}`);
    }
    if (text !== undefined) runtime.secrets.add(text);
    if (text === undefined || text === '') throw fail(`there is no client secret in ${file}`, `ls -l ${file}`);
    return text;
  }
  if (entry !== undefined) {
    const { findKeychainSecret } = await import('../../logins/keychain-secret.ts');
    const found = await findKeychainSecret(runtime, entry);
    if ('secret' in found) return found.secret;
    throw fail(
      `the client secret is not in the keychain as ${entry} (${found.reason})`,
      `put it there under that server URL, or use "clientSecretFile"`,
    );
  }
  const value = readVariable(runtime, variable) ?? '';
  runtime.secrets.add(value);
  return value;
}
