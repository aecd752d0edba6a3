/** The list of all sources of an identity. */

import { COMMAND } from './command/command.ts';
import { AZURE_CLI } from './developer-tools/azure-cli.ts';
import { AZURE_DEVELOPER_CLI } from './developer-tools/azure-developer-cli.ts';
import { AZURE_POWERSHELL } from './developer-tools/azure-powershell.ts';
import { AZURE_PIPELINES } from './federated/azure-pipelines.ts';
import { GITHUB_ACTIONS } from './federated/github-actions.ts';
import { WORKLOAD_IDENTITY } from './federated/workload-identity.ts';
import type { IdentitySource } from './identity.ts';
import { LOGIN } from './login/login.ts';
import { MANAGED_IDENTITY } from './managed-identity/managed-identity.ts';
import { CLIENT_CERTIFICATE } from './service-principal/client-certificate.ts';
import { CLIENT_SECRET } from './service-principal/client-secret.ts';

/**
 * Every source, in the order of the search. What the environment sets on purpose comes before an account that a user
 * signed in with at some time.
 */
export const SOURCES: readonly IdentitySource[] = [
  CLIENT_SECRET,
  CLIENT_CERTIFICATE,
  WORKLOAD_IDENTITY,
  GITHUB_ACTIONS,
  AZURE_PIPELINES,
  MANAGED_IDENTITY,
  LOGIN,
  AZURE_CLI,
  AZURE_DEVELOPER_CLI,
  AZURE_POWERSHELL,
  COMMAND,
];
