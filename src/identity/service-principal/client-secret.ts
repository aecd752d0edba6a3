/** Signs in a service principal with a client secret. */

import { findAuthority } from '../../entra/authority.ts';
import { CredentialError } from '../../errors.ts';
import { path, text, type Values, variable } from '../../field.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { readVariable } from '../../system/runtime.ts';
import { CLIENT_FIELDS, findClient } from '../client.ts';
import { defineSource, type Identity, type IdentityRequest } from '../identity.ts';
import { identifySecretFile, readSecretFile } from '../secret-file.ts';

const SECRET_VARIABLE = 'AZURE_CLIENT_SECRET';

const FIELDS = {
  ...CLIENT_FIELDS,
  clientSecretFile: path('Absolute path of a file that holds the client secret.'),
  clientSecretEnv: variable('Variable that holds the client secret.'),
  clientSecretKeychain: text(
    'Server URL of the keychain entry that holds the client secret.',
    'the server URL of a keychain entry',
  ),
};

type Request = IdentityRequest<Values<typeof FIELDS>>;

/**
 * The source for a service principal with a client secret.
 * @see https://learn.microsoft.com/javascript/api/@azure/identity/environmentcredential
 */
export const CLIENT_SECRET = defineSource({
  name: 'client-secret',
  aliases: ['EnvironmentCredential'],
  group: 'prod',
  summary: 'AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET',
  fields: FIELDS,
  find: findClientSecret,
});

function findClientSecret(request: Request): Identity | NotSetUp {
  const { runtime, parameters, foreignFile } = request;
  const secretVariable = parameters.clientSecretEnv ?? SECRET_VARIABLE;
  const places = [foreignFile?.secret, parameters.clientSecretFile, parameters.clientSecretKeychain];
  const isElsewhere = places.some((place) => place !== undefined);
  if (!isElsewhere && readVariable(runtime, secretVariable) === undefined) {
    return { notSetUp: `${secretVariable} is not set` };
  }
  const client = findClient(request);
  if (typeof client === 'string') return { notSetUp: `${secretVariable} is set, but ${client} is not` };
  const { clientId, tenant } = client;
  const authority = findAuthority(request);
  return {
    source: CLIENT_SECRET.name,
    description: `${CLIENT_SECRET.name} ${authority.url}/${tenant} ${clientId}`,
    get origins() {
      return [new URL(authority.url).origin]; // computed on access: a cached token does not need it
    },
    readSecret: () => identifySecret(request, secretVariable),
    getToken: async (context) => {
      const { requestToken } = await import('../../entra/token-endpoint.ts');
      return requestToken(context, {
        authority,
        tenant,
        clientId,
        credential: { client_secret: await readClientSecret(request, secretVariable) },
        actor: `the client secret of ${clientId}`,
      });
    },
  };
}

/** Starts no program for a secret in the keychain: the entry's name stands for it. */
function identifySecret({ runtime, parameters, foreignFile }: Request, secretVariable: string): string {
  if (foreignFile?.secret !== undefined) return foreignFile.secret;
  const { clientSecretFile: file, clientSecretKeychain: entry } = parameters;
  return file === undefined ? (entry ?? readVariable(runtime, secretVariable) ?? '') : identifySecretFile(file);
}

/** @throws IDENTITY_INVALID when the file or the keychain does not have the secret. */
async function readClientSecret(request: Request, secretVariable: string): Promise<string> {
  const { runtime, parameters, foreignFile } = request;
  if (foreignFile?.secret !== undefined) return foreignFile.secret;
  const { clientSecretFile: file, clientSecretKeychain: entry } = parameters;
  if (file === undefined && entry !== undefined) {
    const { findKeychainSecret } = await import('./keychain-secret.ts');
    const found = await findKeychainSecret(runtime, entry);
    if ('secret' in found) return found.secret;
    throw new CredentialError('IDENTITY_INVALID', `the keychain has no client secret for ${entry} (${found.reason})`, {
      hint: 'store it in the keychain under that server URL, or use "clientSecretFile"',
    });
  }
  const secret =
    file === undefined ? (readVariable(runtime, secretVariable) ?? '') : readSecretFile(file, 'client secret').trim();
  runtime.secrets.add(secret);
  return secret;
}
