/** The access tokens of Entra, with the claims that ACR, ARM and a person's diagnosis read. */
import { createHash } from 'node:crypto';
import type { Application, EmulatorState, Tenant } from './state.ts';
import type { User } from './state-sign-in.ts';
import { issueToken } from './tokens.ts';

/** Issues a version 1.0 access token of an application, which is what ACR and ARM get. */
export function issueApplicationToken(
  state: EmulatorState,
  of: {
    readonly tenant: Pick<Tenant, 'id'>;
    readonly application: Pick<Application, 'clientId' | 'objectId'>;
    readonly audience: string;
    readonly method: 'secret' | 'assertion';
    readonly seconds?: number;
  },
  now: number,
): string {
  const { tenant, application } = of;
  const issuer = `https://sts.windows.net/${tenant.id}/`;
  return issueToken(state, 'entra', {
    aud: of.audience,
    iss: issuer,
    iat: now,
    nbf: now,
    exp: now + (of.seconds ?? state.entraTokenSeconds),
    aio: createHash('sha256').update(`${application.objectId}${now}`).digest('base64'),
    appid: application.clientId,
    appidacr: of.method === 'secret' ? '1' : '2',
    idp: issuer,
    idtyp: 'app',
    oid: application.objectId,
    rh: '1.AAAA.',
    sub: application.objectId,
    tid: tenant.id,
    ver: '1.0',
  });
}

/** Issues a version 1.0 access token of a person. */
export function issueUserToken(
  state: EmulatorState,
  of: {
    readonly tenant: Pick<Tenant, 'id'>;
    readonly user: User;
    readonly clientId: string;
    readonly audience: string;
  },
  now: number,
): string {
  const { tenant, user } = of;
  return issueToken(state, 'entra', {
    aud: of.audience,
    iss: `https://sts.windows.net/${tenant.id}/`,
    iat: now,
    nbf: now,
    exp: now + state.entraTokenSeconds,
    acr: '1',
    amr: ['pwd', 'mfa'],
    appid: of.clientId,
    appidacr: '0',
    idtyp: 'user',
    name: user.displayName,
    oid: user.objectId,
    scp: 'user_impersonation',
    sub: createHash('sha256').update(user.objectId).digest('base64url'),
    tid: tenant.id,
    unique_name: user.name,
    upn: user.name,
    ver: '1.0',
  });
}

/** Issues the id token of a sign-in, from which a client reads who it was. */
export function issueIdToken(
  state: EmulatorState,
  of: {
    readonly tenant: Pick<Tenant, 'id'>;
    readonly user: User;
    readonly clientId: string;
    readonly nonce: string | undefined;
  },
  now: number,
): string {
  const { tenant, user } = of;
  return issueToken(state, 'entra', {
    aud: of.clientId,
    iss: `https://login.microsoftonline.com/${tenant.id}/v2.0`,
    iat: now,
    nbf: now,
    exp: now + 3600,
    name: user.displayName,
    ...(of.nonce === undefined ? {} : { nonce: of.nonce }),
    oid: user.objectId,
    preferred_username: user.name,
    sub: createHash('sha256').update(user.objectId).digest('base64url'),
    tid: tenant.id,
    ver: '2.0',
  });
}
