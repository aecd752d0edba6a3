/** A token that Kubernetes, GitLab or another issuer wrote for this workload. */

import { CredentialError, describeCause } from '../../errors.ts';
import type { SignInTools } from '../../sign-in/sign-in.ts';
import { readForeignFile } from '../../system/files.ts';
import { readVariable } from '../../system/runtime.ts';
import type { Identity, IdentityRequest, NotSetUp } from '../identity.ts';
import { createFederatedIdentity, findFederatedClient, isToken, type VariableFamily } from './federated-identity.ts';

const LARGEST_TOKEN_BYTES = 256 * 1024;

/** Where the token is: in a file, or in a variable. */
interface TokenPlace {
  readonly file?: string;
  readonly variable: string;
  readonly families: readonly VariableFamily[];
}

/**
 * Takes `AZURE_FEDERATED_TOKEN_FILE` or `AZURE_FEDERATED_TOKEN` with `AZURE_CLIENT_ID` and `AZURE_TENANT_ID`, or what
 * the configuration names instead; and Terraform's names where there are no others.
 * @see https://azure.github.io/azure-workload-identity/docs/concepts.html
 */
export function findWorkloadIdentity(request: IdentityRequest): Identity | NotSetUp {
  const { machine } = request;
  const place = findPlace(request);
  if (place === undefined) return { notSetUp: 'AZURE_FEDERATED_TOKEN_FILE is not set' };
  const { file, variable } = place;
  if (file === undefined && readVariable(machine, variable) === undefined)
    return { notSetUp: `${variable} is not set` };
  const client = findFederatedClient(request, place.families);
  if (typeof client === 'string') return { notSetUp: `${variable} is set, ${client} is not` };
  return createFederatedIdentity(request, {
    source: 'workload-identity',
    client,
    actor: `the token in ${file ?? variable}`,
    readSecret: () => file ?? readVariable(machine, variable) ?? '',
    isBound: readVariable(machine, 'AZURE_KUBERNETES_TOKEN_PROXY') !== undefined,
    getAssertion: async (tools) => readAssertion(tools, place),
  });
}

function findPlace({ machine, parameters }: IdentityRequest): TokenPlace | undefined {
  const { tokenFile, tokenEnv } = parameters;
  if (tokenFile !== undefined) return { file: tokenFile, variable: '"tokenFile"', families: ['AZURE'] };
  if (tokenEnv !== undefined) return { variable: tokenEnv, families: ['AZURE'] };
  const places: readonly (readonly [variable: string, isFile: boolean, families: readonly VariableFamily[]])[] = [
    // First, as for docker-credential-acr-env: a person sets it, where a cluster sets the file in every pod.
    ['AZURE_FEDERATED_TOKEN', false, ['AZURE']],
    ['AZURE_FEDERATED_TOKEN_FILE', true, ['AZURE']],
    ['ARM_OIDC_TOKEN_FILE_PATH', true, ['ARM', 'AZURE']],
    ['ARM_OIDC_TOKEN', false, ['ARM', 'AZURE']],
  ];
  for (const [variable, isFile, families] of places) {
    const value = readVariable(machine, variable);
    if (value !== undefined) return isFile ? { file: value, variable, families } : { variable, families };
  }
  return undefined;
}

/** @throws IDENTITY_INVALID when there is no token where it should be. */
function readAssertion({ machine, purpose }: SignInTools, { file, variable }: TokenPlace): string {
  const fail = (what: string) =>
    new CredentialError('IDENTITY_INVALID', `${purpose}: ${what}`, {
      hint: file === undefined ? `check what sets ${variable}` : `ls -l ${file}`,
    });
  let text: string | undefined;
  try {
    text = file === undefined ? readVariable(machine, variable) : readForeignFile(file, LARGEST_TOKEN_BYTES);
  } catch (cause) {
    throw fail(`the token in ${file} cannot be read (${describeCause(cause)})`);
  }
  const place = file ?? variable;
  if (text === undefined) throw fail(`there is no file ${place}, which ${variable} names`);
  const token = text.trim();
  if (token === '') throw fail(`there is no token in ${place}`);
  machine.secrets.add(token);
  if (!isToken(token)) throw fail(`what is in ${place} is not a signed token (JWT)`);
  return token;
}
