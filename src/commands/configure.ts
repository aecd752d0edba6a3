/** `configure`: names this program in the configuration of docker, podman and helm. */

import type { Command } from '@commander-js/extra-typings';
import { defineCommand, GROUPS } from './command.ts';

const DETAILS = `Adds the registry to "credHelpers" in Docker's configuration, shows what changes, and asks. Everything else in the file stays as it is.

podman and helm read Docker's file too, but a file of their own first. So theirs is changed as well, if it exists. helm also gets one where it would otherwise ask a keychain first. --docker, --podman and --helm choose the files.

Without a registry, it offers those that your account can see in Azure.`;

/** The command `configure`. */
export const CONFIGURE = defineCommand({
  name: 'configure',
  group: GROUPS.setUp,
  summary: 'let docker, podman and helm use this program for a registry',
  details: DETAILS,
  examples: [
    ['configure myregistry.azurecr.io', 'show what changes, and ask'],
    ['configure', 'choose from the registries that your account can see'],
    ['configure --all --yes', 'all of them, without a question'],
    ['configure myregistry.azurecr.io --dry-run', 'show what would change, and write nothing'],
    ['configure myregistry.azurecr.io --clear-auths', 'also remove passwords that clients would use first'],
  ],
  define: (command: Command) =>
    command
      .argument('[hosts...]', 'login servers, such as myregistry.azurecr.io')
      .option('--all', 'all registries that your account can see')
      .option('--docker', "Docker's config.json")
      .option('--podman', "podman's auth.json, also for skopeo and buildah")
      .option('--helm', "helm's registry/config.json")
      .option('--clear-auths', 'also remove its passwords from "auths", for good')
      .option('--force', 'replace another helper; accept any host')
      .option('--dry-run', 'show the difference, and write nothing')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print what was changed as JSON'),
  run: async (context, options, hosts) => {
    const { configureClients } = await import('./clients/configure.ts');
    return await configureClients(context, options, hosts);
  },
});
