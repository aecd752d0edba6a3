/** The contract of every source of an Azure identity. */

import type { Cache } from '../cache/cache.ts';
import { audience, type Fields, httpsUrl, text, type Values } from '../field.ts';
import type { Log } from '../log.ts';
import type { DirectConnection } from '../network/direct-connections.ts';
import type { HttpClient } from '../network/http.ts';
import type { NotSetUp } from '../not-set-up.ts';
import type { Registry } from '../registry.ts';
import type { Runtime } from '../system/runtime.ts';

/** What an identity gets a token with. */
export interface TokenContext {
  readonly runtime: Runtime;
  /** To Azure, through the proxy of the environment. */
  readonly http: HttpClient;
  /** To a server on this machine or in this cluster, past every proxy; closed with the sign-in. */
  readonly openDirect: (connection: DirectConnection) => HttpClient;
  /** Where the source may remember what it found out about this machine. */
  readonly cache: Cache | undefined;
  /** What the Entra token is for, without `/.default`. */
  readonly audience: string;
  /** When everything has to be over, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/** An identity that the machine has, found without network, without starting a program and without reading a secret. */
export interface Identity {
  /** The name of the source. */
  readonly source: string;
  /** Who signs in, stable and free of secrets: part of the cache key, so another account means another token. */
  readonly description: string;
  /**
   * Where it signs in, such as `https://login.microsoftonline.com`, so that the connections there and to the registry
   * are opened ahead; left out by a source that may turn out not to be there.
   */
  readonly origins?: readonly string[];
  /** What it signs in with, where that is a secret which others may have another value of; never kept. */
  readonly readSecret?: () => string;
  /**
   * Gets an Entra access token for `context.audience`.
   * @returns `NotSetUp` when it turns out that the source is not there after all.
   * @throws CredentialError when it is set up and fails; AUDIENCE_UNKNOWN when only the audience is at fault.
   */
  readonly getToken: (context: TokenContext) => Promise<string | NotSetUp>;
}

/** What a source is asked for. */
export interface IdentityRequest<P = object> {
  readonly runtime: Runtime;
  readonly registry: Registry;
  /** What the configuration says; what it leaves out is found on the machine. */
  readonly parameters: P & CommonParameters;
  /** Whether the person chose this source: then what the machine only hints at counts as set up. */
  readonly isChosen: boolean;
}

/** What the configuration can say of every identity. */
export const COMMON_FIELDS = {
  tenantId: text(
    'The tenant to sign in at, by id or domain.',
    'the id or the domain of a tenant',
    '^[0-9a-zA-Z][0-9a-zA-Z.-]*$',
  ),
  authorityHost: httpsUrl('Base URL of Entra ID.'),
  audience: audience('What the Entra token is asked for.', 'a URL such as "https://containerregistry.azure.net"'),
} satisfies Fields;
export type CommonParameters = Values<typeof COMMON_FIELDS>;

/** A source, described once: its keys in the configuration, the JSON Schema and `--help` all come from here. */
export interface SourceDescription<F extends Fields> {
  /** The name that the configuration uses. */
  readonly name: string;
  /** What Azure's SDKs call it in `AZURE_TOKEN_CREDENTIALS`. */
  readonly aliases: readonly string[];
  /** Which group of `AZURE_TOKEN_CREDENTIALS` it belongs to; a source of none is there only where it is configured. */
  readonly group: 'dev' | 'prod' | undefined;
  /** What the machine has when it is set up; a line of `--help`. */
  readonly summary: string;
  /** What the configuration can say of it, besides `COMMON_FIELDS`. */
  readonly fields: F;
  /** The keys that have to be there. */
  readonly required?: readonly (keyof F & string)[];
  /**
   * Looks for the identity on this machine.
   * @throws IDENTITY_INVALID when it is set up in a way that cannot work.
   */
  readonly find: (request: IdentityRequest<Values<F>>) => Identity | NotSetUp;
  /** Looks again when no other source has an identity, for what only a request over the network can tell. */
  readonly findLast?: (request: IdentityRequest<Values<F>>) => Identity | NotSetUp;
}

/** Reads the values of these fields; throws where one is wrong. */
export type ReadFields = <F extends Fields>(fields: F) => Values<F>;

/** What a source with its parameters is asked for. */
export interface SourceRequest extends Omit<IdentityRequest, 'parameters'> {
  /** Signs in at this tenant instead of the one of the parameters. */
  readonly tenantId: string | undefined;
}

/** A source with the parameters of the configuration, or with none. */
export interface ConfiguredSource {
  readonly source: string;
  readonly tenantId: string | undefined;
  readonly audience: string | undefined;
  readonly find: (request: SourceRequest) => Identity | NotSetUp;
  readonly findLast: ((request: SourceRequest) => Identity | NotSetUp) | undefined;
}

/** A source whose parameters only the source itself knows. */
export interface IdentitySource extends Omit<SourceDescription<Fields>, 'find' | 'findLast'> {
  readonly required: readonly string[];
  /** @param read reads the parameters; left out where nothing is configured. */
  readonly configure: (read?: ReadFields) => ConfiguredSource;
}

/** Makes a source of its description. */
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
        find: (request) => find(complete(request)),
        findLast: findLast && ((request) => findLast(complete(request))),
      };
    },
  };
}
