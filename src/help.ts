/** The text of `--help`. */

import { SOURCES } from './identity/sources.ts';
import type { Runtime } from './system/runtime.ts';
import { VERSION } from './version.ts';

/** Formats the help, with the program's name and its identity sources. */
export function formatHelp({ programName }: Runtime): string {
  const width = Math.max(...SOURCES.map(({ name }) => name.length));
  const identities = SOURCES.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `docker-credential-acr ${VERSION}: signs docker, podman, helm and others in to Azure Container Registry.

Usage: ${programName} <get|store|erase|list|version>

Clients call it. Name it once per registry in ~/.docker/config.json:
  { "credHelpers": { "myregistry.azurecr.io": "acr" } }

Verbs of the Docker credential-helper protocol:
  get      read a registry from stdin, write {"ServerURL","Username","Secret"}
  store    store a login in the system's keychain, and an ACR token until it expires
  erase    erase everything stored for the registry on stdin
  list     list the registries that Docker's configuration sends here, and the stored logins
  version  print the name and the version

Identities, in the order in which they are tried:
${identities.join('\n')}

Environment:
  DOCKER_CREDENTIAL_ACR_CONFIG     the configuration file
  DOCKER_CREDENTIAL_ACR_CACHE_DIR  the folder of the token cache
  DOCKER_CREDENTIAL_ACR_DATA_DIR   the folder of logins, where no keychain works
  DOCKER_CREDENTIAL_ACR_LOG        a file, or stderr: log each step, never a secret
  DOCKER_CREDENTIAL_ACR_AUDIENCE, DOCKER_CREDENTIAL_ACR_REGISTRY
                                   set for the program of a "command" identity
  AZURE_TOKEN_CREDENTIALS          which identities may be tried: dev, prod or one by name
  AZURE_AUTHORITY_HOST, AZURE_CONFIG_DIR, HTTPS_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS,
  SSL_CERT_FILE, SSL_CERT_DIR      as in other tools

Try it:
  echo myregistry.azurecr.io | ${programName} get
`;
}
