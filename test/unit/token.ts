/** Tokens as the registry and Entra ID issue them, except for the signature, which a client cannot check. */

/** @returns a JSON Web Token with these claims. */
export function makeToken(claims: Readonly<Record<string, unknown>>): string {
  return [{ alg: 'RS256', typ: 'JWT' }, claims].map(encodePart).concat('c2lnbmF0dXJl').join('.');
}

function encodePart(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
