/** Explains that a registry does not let somebody list something, and which role would. */

import { CredentialError } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import type { OpenRegistry } from './open-registry.ts';

/** What is listed, with the roles that allow it. */
const ROLES = {
  repositories: { abac: 'Container Registry Repository Catalog Lister', rbac: 'AcrPull' },
  tags: { abac: 'Container Registry Repository Reader', rbac: 'AcrPull' },
} as const;

/**
 * Explains a refusal.
 * @param causes what the registry said.
 * @returns a TOKEN_REFUSED error without "Cannot list …".
 */
export function explainDenied(
  { registry, caller }: OpenRegistry,
  what: keyof typeof ROLES,
  causes: readonly string[],
): CredentialError {
  const deny = (message: string, hint: string, more: readonly string[] = []) =>
    new CredentialError('TOKEN_REFUSED', message, { causes: [...causes, ...more], hint });
  const { host, service } = registry;
  switch (caller.kind) {
    case 'login':
      return deny(
        `${caller.what} does not allow it`,
        `to use an identity of Azure instead: docker logout ${shellWord(host)}`,
      );
    case 'nobody':
      return deny(
        'the registry does not allow it without a sign-in',
        caller.hint ?? 'remove "anonymous" from the registry\'s configuration',
        caller.causes,
      );
    case 'identity': {
      const role = ROLES[what][caller.isAbac ? 'abac' : 'rbac'];
      const [name = service] = service.split(/[-.]/);
      return deny(
        `${caller.subject ?? 'the identity'} needs the role "${role}"`,
        `az role assignment create --role ${shellWord(role)} --assignee ${shellWord(caller.subject ?? 'ID')} ` +
          `--scope $(az acr show -n ${shellWord(name)} --query id -o tsv) (a new role takes up to 10 minutes to apply)`,
      );
    }
  }
}
