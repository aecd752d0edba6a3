/** The interface that every source of an Azure identity implements. */

import type { Cache } from '../cache/cache.ts';
import { TENANT_PATTERN } from '../entra/authority.ts';
import { audience, type Fields, httpsUrl, text, type Values } from '../field.ts';
import type { Log } from '../log.ts';
import type { DirectConnection } from '../network/direct-connections.ts';
import type { HttpClient } from '../network/http.ts';
import type { NotSetUp } from '../not-set-up.ts';
import type { Registry } from '../registry.ts';
import type { Runtime } from '../system/runtime.ts';

/** What an identity needs to get a token. */
export interface TokenContext {
  readonly runtime: Runtime;
  /** Sends requests to Azure, through the proxy that the environment names. */
  readonly http: HttpClient;
  /** Opens a client for a server on this machine or in this cluster. It uses no proxy, and closes with the sign-in. */
  readonly openDirect: (connection: DirectConnection) => HttpClient;
  /** Where the source may store what it learned about this machine. */
  readonly cache: Cache | undefined;
  /** The audience of the Entra token, without `/.default`. */
  readonly audience: string;
  /** When the program must be done, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/** An identity of this machine. It is found without using the network, starting a program or reading a secret. */
export interface Identity {
  /** The name of the source. */
  readonly source: string;
  /**
   * Who signs in. It is stable and holds no secret; as part of the cache key, it keeps the tokens of accounts apart.
   */
  readonly description: string;
  /**
   * The servers that it signs in to, such as `https://login.microsoftonline.com`. Connections to them and to the
   * registry are opened in advance. A source that may turn out not to exist leaves this out.
   */
  readonly origins?: readonly string[];
  /**
   * Reads the secret that it signs in with. Processes with different secrets do not share a failed sign-in: two
   * containers with one cache may have different files at one path. It is never cached.
   */
  readonly readSecret?: () => string;
  /**
   * Gets an Entra access token for `context.audience`.
   * @returns `NotSetUp` when the source turns out not to exist on this machine.
   * @throws CredentialError when the sign-in fails; AUDIENCE_UNKNOWN when another audience may work.
   */
  readonly getToken: (context: TokenContext) => Promise<string | NotSetUp>;
}

/** A file of another program that describes an identity. What it leaves out does not come from the environment. */
export interface ForeignIdentityFile {
  /** The secret that it holds: a client secret, or the password of a certificate. */
  readonly secret: string | undefined;
  /** Returns the key that stands for a parameter in this file, for messages. */
  readonly keyOf: (parameter: string) => string;
}

/** The request to find an identity. */
export interface IdentityRequest<P = object> {
  readonly runtime: Runtime;
  readonly registry: Registry;
  /** The values from the configuration; what it leaves out comes from the machine. */
  readonly parameters: P & CommonParameters;
  /** Whether the user chose this source. Then it counts as set up even if the machine gives only a hint of it. */
  readonly isChosen: boolean;
  /** Where the parameters come from, if not from the configuration. */
  readonly foreignFile?: ForeignIdentityFile | undefined;
}

/** The keys of the configuration that every identity has. */
export const COMMON_FIELDS = {
  tenantId: text('The tenant to sign in to, by id or domain.', 'the id or domain of a tenant', TENANT_PATTERN),
  authorityHost: httpsUrl('Base URL of Entra ID.'),
  audience: audience('The audience of the Entra token.', 'a URL such as "https://containerregistry.azure.net"'),
} satisfies Fields;
/** The values of `COMMON_FIELDS`. */
export type CommonParameters = Values<typeof COMMON_FIELDS>;

/** The single description of a source. The configuration's keys, the JSON Schema and `--help` all come from here. */
export interface SourceDescription<F extends Fields> {
  /** The name that the configuration uses. */
  readonly name: string;
  /** Its names in `AZURE_TOKEN_CREDENTIALS`, as in Azure's SDKs. */
  readonly aliases: readonly string[];
  /** Its group in `AZURE_TOKEN_CREDENTIALS`. A source without a group is used only if the configuration names it. */
  readonly group: 'dev' | 'prod' | undefined;
  /** What sets it up: a line of `--help`. */
  readonly summary: string;
  /** Its keys in the configuration, in addition to `COMMON_FIELDS`. */
  readonly fields: F;
  /** The keys that the configuration must set. */
  readonly required?: readonly (keyof F & string)[];
  /**
   * Looks for the identity on this machine.
   * @throws IDENTITY_INVALID when it is set up in a way that cannot work.
   */
  readonly find: (request: IdentityRequest<Values<F>>) => Identity | NotSetUp;
  /** Looks again when no other source has an identity: finds what only a request over the network can confirm. */
  readonly findLast?: (request: IdentityRequest<Values<F>>) => Identity | NotSetUp;
}

/** Reads the values of fields from the configuration. @throws CONFIG_INVALID when a value is invalid. */
export type ReadFields = <F extends Fields>(fields: F) => Values<F>;

/** The request to a source that already has its parameters. */
export interface SourceRequest extends Omit<IdentityRequest, 'parameters'> {
  /** The tenant to sign in to instead of that of the parameters. */
  readonly tenantId: string | undefined;
}

/** A source with its parameters from the configuration, if there are any. */
export interface ConfiguredSource {
  /** The name of the source. */
  readonly source: string;
  readonly tenantId: string | undefined;
  readonly audience: string | undefined;
  /** All values from the configuration, by key. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly find: (request: SourceRequest) => Identity | NotSetUp;
  readonly findLast: ((request: SourceRequest) => Identity | NotSetUp) | undefined;
}

/** A source as the rest of the program sees it: the type of its parameters is hidden. */
export interface IdentitySource extends Omit<SourceDescription<Fields>, 'find' | 'findLast'> {
  readonly required: readonly string[];
  /** Sets the parameters. @param read reads them from the configuration; left out if nothing is configured. */
  readonly configure: (read?: ReadFields) => ConfiguredSource;
}

/**
 * Joins what another program's files say about an account to one line, as a part of `Identity.description`. The lines of
 * two accounts differ, even where a name contains spaces.
 */
export function joinNames(...names: readonly string[]): string {
  return names
    .map((name) => name.replace(/[\s%]/g, (one) => encodeURIComponent(one)))
    .join(' ')
    .trimEnd();
}

/** Makes a source from its description. */
export function defineSource<F extends Fields>(description: SourceDescription<F>): IdentitySource {
  const { name, aliases, group, summary, fields, required = [], find, findLast } = description;
  return {
    ...{ name, aliases, group, summary, fields, required },
    configure: (read) => {
      const own: Values<F> = read === undefined ? {} : read(fields);
      const common: CommonParameters = read === undefined ? {} : read(COMMON_FIELDS);
      const complete = ({ tenantId, ...request }: SourceRequest): IdentityRequest<Values<F>> => ({
        ...request,
        parameters: { ...own, ...common, tenantId: tenantId ?? common.tenantId },
      });
      return {
        source: name,
        tenantId: common.tenantId,
        audience: common.audience,
        parameters: { ...own, ...common },
        find: (request) => find(complete(request)),
        findLast: findLast && ((request) => findLast(complete(request))),
      };
    },
  };
}
