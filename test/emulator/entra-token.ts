/** The access tokens of Entra, with the claims that ACR, ARM and a person's diagnosis read. */
import { createHash } from 'node:crypto';
import type { Application, EmulatorState, Tenant } from './state.ts';
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
