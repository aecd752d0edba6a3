/** Gets a token for an account that a person signed in with, by redeeming its refresh token. */

import {
  findAccountFile,
  isSameAccount,
  listStoredAccounts,
  type StoredAccount,
} from '../../accounts/account-index.ts';
import { readRefreshToken } from '../../accounts/refresh-token-store.ts';
import { dropDeadToken, rememberChallenge, storeRotatedToken } from '../../accounts/rotation.ts';
import {
  isPersonNeeded,
  isRefreshTokenDead,
  type PersonTokens,
  redeemRefreshToken,
} from '../../entra/refresh-token.ts';
import type { GrantRefusal } from '../../entra/token-endpoint.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import type { TokenContext } from '../identity.ts';

/** The account to get a token for. */
export interface LoginTokenRequest {
  readonly account: StoredAccount;
  readonly tenant: string;
  /** The account's own client, or another one of its family. */
  readonly clientId: string;
  /** The registry's host, for the command that signs in again. */
  readonly host: string;
}

/** A redemption, with the refresh token that was sent. */
interface Redemption {
  readonly account: StoredAccount;
  readonly refreshToken: string;
  readonly answer: PersonTokens | GrantRefusal;
}

/**
 * Redeems the refresh token, and stores the one that takes its place.
 * @returns an access token.
 * @throws IDENTITY_FAILED when the refresh token is gone; ENTRA_REFUSED, AUDIENCE_UNKNOWN, KEYCHAIN_FAILED,
 * ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestLoginToken(context: TokenContext, request: LoginTokenRequest): Promise<string> {
  let redemption = await redeem(context, request, await readStored(context, request, request.account));
  if ('failure' in redemption.answer && isRefreshTokenDead(redemption.answer)) {
    // Another process may have stored a newer one since.
    const newer = await readNewer(context, request, redemption.refreshToken);
    if (newer !== undefined) redemption = await redeem(context, request, newer);
  }
  const { account, refreshToken, answer } = redemption;
  const rotation = { runtime: context.runtime, log: context.log, account };
  if ('failure' in answer) throw await explainRefusal(context, request, redemption, answer);
  // A client outside the family gets a refresh token that the account's own client cannot redeem.
  const isOurs = isOwnClient(request, account) || answer.familyId !== undefined;
  if (answer.refreshToken !== undefined && isOurs && answer.refreshToken !== refreshToken) {
    await storeRotatedToken(rotation, answer.refreshToken);
  }
  return answer.accessToken;
}

async function redeem(
  context: TokenContext,
  request: LoginTokenRequest,
  { account, refreshToken }: Omit<Redemption, 'answer'>,
): Promise<Redemption> {
  const answer = await redeemRefreshToken(context, {
    authority: { url: account.authority, contradiction: undefined },
    tenant: request.tenant,
    clientId: request.clientId,
    refreshToken,
    actor: `the account ${createQuote(context.runtime)(account.username, 100)}`,
    signInCommand: formatSignIn(request),
  });
  return { account, refreshToken, answer };
}

/** @throws IDENTITY_FAILED when it is gone, KEYCHAIN_FAILED when the keychain cannot be read. */
async function readStored(
  { runtime, log }: TokenContext,
  request: LoginTokenRequest,
  account: StoredAccount,
): Promise<Omit<Redemption, 'answer'>> {
  const who = createQuote(runtime)(account.username, 100);
  let refreshToken: string | undefined;
  if (account.state === 'active') {
    try {
      refreshToken = await readRefreshToken({ runtime, log, file: findAccountFile(runtime) ?? '' }, account);
    } catch (cause) {
      throw new CredentialError(
        'KEYCHAIN_FAILED',
        `the refresh token of ${who} cannot be read: ${describeCause(cause)}`,
        { hint: `unlock the keychain, or sign in again: ${formatSignIn(request)}` },
      );
    }
  }
  if (refreshToken !== undefined) return { account, refreshToken };
  const what = account.state === 'active' ? 'the refresh token is gone' : 'the sign-in has expired';
  throw new CredentialError('IDENTITY_FAILED', `${who} has to sign in again: ${what}`, { hint: formatSignIn(request) });
}

/** @returns the account's refresh token, if it is not the one that was refused. */
async function readNewer(
  context: TokenContext,
  request: LoginTokenRequest,
  refused: string,
): Promise<Omit<Redemption, 'answer'> | undefined> {
  const account = listStoredAccounts(context.runtime).find((one) => isSameAccount(one, request.account));
  if (account?.state !== 'active') return undefined;
  const stored = await readStored(context, request, account).catch(() => undefined);
  return stored?.refreshToken === refused ? undefined : stored;
}

/** Keeps what the refusal says about the account, and adds the command that helps. */
async function explainRefusal(
  { runtime, log }: TokenContext,
  request: LoginTokenRequest,
  { account, refreshToken }: Redemption,
  refusal: GrantRefusal,
): Promise<CredentialError> {
  const rotation = { runtime, log, account };
  const { failure, suberror, claims } = refusal;
  if (suberror === 'client_mismatch' && !isOwnClient(request, account)) {
    // Only the application's own refresh token works, which a sign-in with it brings.
    const client = shellWord(request.clientId);
    return failure.with({
      message: `the application ${request.clientId} is not of the family of ${account.clientId}, with which ${account.username} signed in`,
      causes: [failure.message, ...failure.causes],
      hint: `${formatSignIn(request)} --client-id ${client}`,
    });
  }
  if (claims !== undefined) await rememberChallenge(rotation, claims);
  if (isRefreshTokenDead(refusal)) await dropDeadToken(rotation, refreshToken);
  else if (!isPersonNeeded(refusal)) return failure;
  return failure.with({ hint: `sign in again: ${formatSignIn(request)}` });
}

function isOwnClient({ clientId }: LoginTokenRequest, account: StoredAccount): boolean {
  return clientId === account.clientId.toLowerCase();
}

function formatSignIn({ host, tenant, account }: LoginTokenRequest): string {
  const command = `docker-credential-acr login ${shellWord(host)} --tenant ${shellWord(tenant)}`;
  // Without a family it is an application of the person's own, which "login" does not choose by itself.
  return account.familyId === undefined ? `${command} --client-id ${shellWord(account.clientId)}` : command;
}
