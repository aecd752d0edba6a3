/** Signs in with a token that Kubernetes, GitLab or another issuer provides to this workload. */

import { CredentialError } from '../../errors.ts';
import { path, type Values, variable as variableName } from '../../field.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { shellWord } from '../../shell-word.ts';
import { checkAbsolutePath } from '../../system/path-variable.ts';
import { readVariable } from '../../system/runtime.ts';
import { CLIENT_FIELDS, findClient, type VariablePrefix } from '../client.ts';
import { defineSource, type Identity, type IdentityRequest, type TokenContext } from '../identity.ts';
import { identifySecretFile, readSecretFile } from '../secret-file.ts';
import { createFederatedIdentity, isJwt } from './federated-identity.ts';

const FIELDS = {
  ...CLIENT_FIELDS,
  tokenFile: path('Absolute path of a file that holds the federated token.'),
  tokenEnv: variableName("Variable that holds the federated token, as in GitLab's id_tokens."),
};

type Request = IdentityRequest<Values<typeof FIELDS>>;

/** Where the token is: in a file, or in a variable. */
interface TokenLocation {
  readonly file?: string;
  readonly variable: string;
  readonly prefixes: readonly VariablePrefix[];
}

/**
 * The source for a token in a file or a variable.
 * @see https://azure.github.io/azure-workload-identity/docs/concepts.html
 */
export const WORKLOAD_IDENTITY = defineSource({
  name: 'workload-identity',
  aliases: ['WorkloadIdentityCredential'],
  group: 'prod',
  summary: 'AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE or AZURE_FEDERATED_TOKEN',
  fields: FIELDS,
  find: findWorkloadIdentity,
});

function findWorkloadIdentity(request: Request): Identity | NotSetUp {
  const { runtime } = request;
  const location = findToken(request);
  if (location === undefined) return { notSetUp: 'AZURE_FEDERATED_TOKEN_FILE is not set' };
  const { file, variable } = location;
  if (file === undefined && readVariable(runtime, variable) === undefined) {
    return { notSetUp: `${variable} is not set` };
  }
  const client = findClient(request, location.prefixes);
  if (typeof client === 'string') return { notSetUp: `${variable} is set, but ${client} is not` };
  if (file !== undefined && request.parameters.tokenFile === undefined) {
    checkAbsolutePath(file, variable, 'IDENTITY_INVALID');
  }
  return createFederatedIdentity(request, {
    source: WORKLOAD_IDENTITY.name,
    client,
    actor: `the token in ${file ?? variable}`,
    readSecret: () => (file === undefined ? (readVariable(runtime, variable) ?? '') : identifySecretFile(file)),
    isBound: readVariable(runtime, 'AZURE_KUBERNETES_TOKEN_PROXY') !== undefined,
    getAssertion: async (context) => readAssertion(context, location),
  });
}

/** Finds the token that the configuration names, else Azure's variables, else Terraform's. */
function findToken({ runtime, parameters }: Request): TokenLocation | undefined {
  const { tokenFile, tokenEnv } = parameters;
  if (tokenFile !== undefined) return { file: tokenFile, variable: '"tokenFile"', prefixes: ['AZURE'] };
  if (tokenEnv !== undefined) return { variable: tokenEnv, prefixes: ['AZURE'] };
  const places: readonly (readonly [variable: string, isFile: boolean, prefixes: readonly VariablePrefix[]])[] = [
    // First, as in docker-credential-acr-env: a user sets this one, but a cluster sets the file in every pod.
    ['AZURE_FEDERATED_TOKEN', false, ['AZURE']],
    ['AZURE_FEDERATED_TOKEN_FILE', true, ['AZURE']],
    ['ARM_OIDC_TOKEN_FILE_PATH', true, ['ARM', 'AZURE']],
    ['ARM_OIDC_TOKEN', false, ['ARM', 'AZURE']],
  ];
  for (const [variable, isFile, prefixes] of places) {
    const value = readVariable(runtime, variable);
    if (value !== undefined) return isFile ? { file: value, variable, prefixes } : { variable, prefixes };
  }
  return undefined;
}

/** @throws IDENTITY_INVALID when the file or the variable does not contain a JWT. */
function readAssertion({ runtime }: TokenContext, { file, variable }: TokenLocation): string {
  const text = file === undefined ? (readVariable(runtime, variable) ?? '') : readSecretFile(file, 'token');
  const token = text.trim();
  runtime.secrets.add(token);
  if (isJwt(token)) return token;
  const hint = file === undefined ? `check what sets ${variable}` : `ls -l ${shellWord(file)}`;
  const problem =
    token === '' ? `there is no token in ${variable}` : `${file ?? variable} does not contain a signed token (JWT)`;
  throw new CredentialError('IDENTITY_INVALID', problem, { hint });
}
