/** What the emulated Entra knows about users: who signs in, with what outcome, and the outstanding codes and tokens. */

/** How Entra refuses: the fields of its error that depend on why. */
export interface EntraError {
  /** The OAuth error, such as `invalid_client`. */
  readonly error: string;
  /** The number behind `AADSTS`. */
  readonly code: number;
  readonly text: string;
  /** 400 unless the client itself was refused. */
  readonly status?: number;
  readonly suberror?: string;
  readonly claims?: string;
}

export const USER_NAME = 'ada@contoso.onmicrosoft.com';
export const USER_OBJECT_ID = '12121212-3434-4565-8787-909090909090';

export interface User {
  readonly name: string;
  readonly displayName: string;
  readonly objectId: string;
}

export interface DeviceCode {
  readonly clientId: string;
  readonly scope: string;
  readonly expiresAtSeconds: number;
  /** What the request asked the sign-in to prove. */
  readonly claims: string | undefined;
  polls: number;
}

export interface AuthorizationCode {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly scope: string;
  readonly nonce: string | undefined;
  readonly expiresAtSeconds: number;
  /** What the request asked the sign-in to prove. */
  readonly claims: string | undefined;
}

export interface UserRefreshToken {
  readonly clientId: string;
  readonly objectId: string;
  readonly tenantId: string;
  readonly user: User;
  /** What the sign-in has proved. */
  readonly claims: string | undefined;
  expiresAtSeconds: number;
  isRevoked: boolean;
}

export interface SignIn {
  /** The person at the keyboard. */
  user: User;
  /** The tenant behind `common` and `organizations`. */
  tenantId: string;
  /** How many polls of a device code find it pending. */
  pendingPolls: number;
  /** What a device code names as its polling interval. */
  intervalSeconds: number;
  /** Whether the user declines. */
  declines: boolean;
  /** The answer to every grant of a user, such as a demand for a second factor. */
  refusal: EntraError | undefined;
  /** What a sign-in must have proved, before its refresh token is accepted. */
  demandedClaims: string | undefined;
  /** Whether a refresh token is revoked by its use; the real service keeps it. */
  revokesUsedTokens: boolean;
  readonly deviceCodes: Map<string, DeviceCode>;
  readonly authorizationCodes: Map<string, AuthorizationCode>;
  readonly refreshTokens: Map<string, UserRefreshToken>;
}

export function createSignIn(tenantId: string): SignIn {
  return {
    user: { name: USER_NAME, displayName: 'Ada Lovelace', objectId: USER_OBJECT_ID },
    tenantId,
    pendingPolls: 0,
    intervalSeconds: 5,
    declines: false,
    refusal: undefined,
    demandedClaims: undefined,
    revokesUsedTokens: false,
    deviceCodes: new Map(),
    authorizationCodes: new Map(),
    refreshTokens: new Map(),
  };
}
