/** A token that Kubernetes, GitLab or another issuer wrote for this workload. */

import { CredentialError, describeCause } from '../../errors.ts';
import type { TokenContext } from '../../sign-in/sign-in.ts';
import { readForeignFile } from '../../system/files.ts';
import { readVariable } from '../../system/runtime.ts';
import type { Identity, IdentityRequest, NotSetUp } from '../identity.ts';
import { createFederatedIdentity, findFederatedClient, isToken, type VariablePrefix } from './federated-identity.ts';

const MAX_TOKEN_BYTES = 256 * 1024;

/** Where the token is: in a file, or in a variable. */
interface TokenLocation {
  readonly file?: string;
  readonly variable: string;
  readonly prefixes: readonly VariablePrefix[];
}

/**
 * Takes `AZURE_FEDERATED_TOKEN_FILE` or `AZURE_FEDERATED_TOKEN` with `AZURE_CLIENT_ID` and `AZURE_TENANT_ID`, or what
 * the configuration names instead; and Terraform's names where there are no others.
 * @see https://azure.github.io/azure-workload-identity/docs/concepts.html
 */
export function findWorkloadIdentity(request: IdentityRequest): Identity | NotSetUp {
  const { runtime } = request;
  const place = findPlace(request);
  if (place === undefined) return { notSetUp: 'AZURE_FEDERATED_TOKEN_FILE is not set' };
  const { file, variable } = place;
  if (file === undefined && readVariable(runtime, variable) === undefined)
    return { notSetUp: `${variable} is not set` };
  const client = findFederatedClient(request, place.prefixes);
  if (typeof client === 'string') return { notSetUp: `${variable} is set, ${client} is not` };
  return createFederatedIdentity(request, {
    source: 'workload-identity',
    client,
    actor: `the token in ${file ?? variable}`,
    readSecret: () => file ?? readVariable(runtime, variable) ?? '',
    isBound: readVariable(runtime, 'AZURE_KUBERNETES_TOKEN_PROXY') !== undefined,
    getAssertion: async (context) => readAssertion(context, place),
  });
}

function findPlace({ runtime, parameters }: IdentityRequest): TokenLocation | undefined {
  const { tokenFile, tokenEnv } = parameters;
  if (tokenFile !== undefined) return { file: tokenFile, variable: '"tokenFile"', prefixes: ['AZURE'] };
  if (tokenEnv !== undefined) return { variable: tokenEnv, prefixes: ['AZURE'] };
  const places: readonly (readonly [variable: string, isFile: boolean, prefixes: readonly VariablePrefix[]])[] = [
    // First, as for docker-credential-acr-env: a person sets it, where a cluster sets the file in every pod.
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

/** @throws IDENTITY_INVALID when there is no token where it should be. */
function readAssertion({ runtime, purpose }: TokenContext, { file, variable }: TokenLocation): string {
  const fail = (what: string) =>
    new CredentialError('IDENTITY_INVALID', `${purpose}: ${what}`, {
      hint: file === undefined ? `check what sets ${variable}` : `ls -l ${file}`,
    });
  let text: string | undefined;
  try {
    text = file === undefined ? readVariable(runtime, variable) : readForeignFile(file, MAX_TOKEN_BYTES);
  } catch (cause) {
    throw fail(`the token in ${file} cannot be read (${describeCause(cause)})`);
  }
  const place = file ?? variable;
  if (text === undefined) throw fail(`there is no file ${place}, which ${variable} names`);
  const token = text.trim();
  if (token === '') throw fail(`there is no token in ${place}`);
  runtime.secrets.add(token);
  if (!isToken(token)) throw fail(`what is in ${place} is not a signed token (JWT)`);
  return token;
}
