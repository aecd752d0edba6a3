/** Makes the description of an identity, which is made for cache keys, readable for people. */

import { STORED_IDENTITY } from '../../cache/cache.ts';

/**
 * Formats the description of an identity (see `Identity.description`).
 * @returns such as `client-secret: application 1111 in tenant 2222`; the description itself if it has another form.
 */
export function formatIdentity(description: string): string {
  if (description === STORED_IDENTITY) return 'given by a client (docker login, az acr login)';
  const [source = '', ...parts] = description.split(' ');
  const words = formatParts(source, parts.map(decode));
  return words === undefined ? description : `${source}: ${words}`;
}

function formatParts(source: string, parts: readonly string[]): string | undefined {
  const [first = '', second = '', third = ''] = parts;
  switch (source) {
    case 'client-secret':
    case 'client-certificate':
    case 'workload-identity':
    case 'github-actions':
    case 'azure-pipelines': {
      const tenant = first.slice(first.lastIndexOf('/') + 1);
      return parts.length === 2 && tenant !== '' ? `application ${second} in tenant ${tenant}` : undefined;
    }
    case 'service-account':
    case 'identity-binding': {
      const tenant = first.slice(first.lastIndexOf('/') + 1);
      const [, , , subject = ''] = parts;
      return subject === '' ? undefined : `${subject} of ${third} as application ${second} in tenant ${tenant}`;
    }
    case 'login': {
      const tenant = first.slice(first.lastIndexOf('/') + 1);
      return parts.length === 3 && tenant !== '' ? `account ${third} in tenant ${tenant}` : undefined;
    }
    case 'managed-identity':
      return parts.length < 3 ? undefined : `${parts.slice(2).join(' ')} (${first} at ${second})`;
    case 'azure-cli':
    case 'azure-developer-cli':
    case 'azure-powershell':
      if (first === '') return undefined;
      return [`${first}${second === '' ? '' : ` in tenant ${second}`}`, ...(third === '' ? [] : [`(${third})`])].join(
        ' ',
      );
    case 'command':
      return first === '' ? undefined : first; // what follows is a hash of the arguments
    default:
      return undefined;
  }
}

/** Undoes `joinNames`. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
