/** Reads the registries that a person names for a client's configuration. */

import type { Config } from '../../config/config.ts';
import type { Quote } from '../../redact.ts';
import { parseServerName } from '../../server-name.ts';
import { shellWord } from '../../shell-word.ts';
import { UsageError } from '../../terminal/failure.ts';

/** A key of `credHelpers`, and how the person wrote it. */
export interface TargetHost {
  /** In lower case, without a scheme or a path: clients compare the key letter by letter. */
  readonly host: string;
  readonly typed: string;
}

/** A host name or an IPv6 address, with an optional port. */
const HOST_AND_PORT = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;
const REGISTRY_NAME = /^[a-z0-9]{5,50}$/i;

/**
 * Reads the hosts to add.
 * @param isForced whether a host may be one that is not Azure's.
 * @throws UsageError, CONFIG_INVALID
 */
export function readTargetHosts(
  config: Config,
  words: readonly string[],
  isForced: boolean,
  quote: Quote,
): readonly TargetHost[] {
  return dropSame(
    words.map((word) => {
      const typed = word.trim();
      const registry = config.findRegistry(typed);
      if (registry !== undefined) return { host: registry.host, typed };
      const host = parseServerName(typed, undefined).replace(/^http:\/\//, '');
      if (!HOST_AND_PORT.test(host)) throw refuse(typed, quote);
      if (!isForced && !config.namesServer(host)) throw refuse(typed, quote, host);
      return { host, typed };
    }),
  );
}

/** Reads the hosts to remove, which may be any. */
export function readHostsToRemove(config: Config, words: readonly string[]): readonly TargetHost[] {
  return dropSame(
    words.map((word) => {
      const typed = word.trim();
      const host = config.findRegistry(typed)?.host ?? parseServerName(typed, undefined).replace(/^http:\/\//, '');
      return { host, typed };
    }),
  );
}

function dropSame(hosts: readonly TargetHost[]): readonly TargetHost[] {
  return [...new Map(hosts.toReversed().map((one) => [one.host, one])).values()].toReversed();
}

/** @param host a valid name of a server that is not known as a registry. */
function refuse(typed: string, quote: Quote, host?: string): UsageError {
  const message = `"${quote(typed, 100)}" is not a registry of Azure`;
  if (REGISTRY_NAME.test(typed))
    return new UsageError(message, { hint: `did you mean ${typed.toLowerCase()}.azurecr.io?` });
  if (host === undefined)
    return new UsageError(message, { hint: 'name a login server, such as myregistry.azurecr.io' });
  return new UsageError(message, {
    hint: `add --force if ${shellWord(host)} is one, such as a connected registry whose logins are stored here`,
  });
}
