/** What the program is asked in the fault tests: the state before, the request, and what is right afterwards. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJsonRecord, parseNumber, parseString } from '../../emulator/json.ts';
import { NULL_GUID } from '../../emulator/state.ts';
import { decodeToken } from '../../emulator/tokens.ts';
import { LOGIN_SERVER } from './cloud.ts';
import type { Machine } from './machine.ts';
import { createPlace, listFiles, listTokens, type Place, readPasswords } from './place.ts';
import type { RunResult } from './process.ts';

export interface Flow {
  readonly name: string;
  readonly verb: string;
  readonly input: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The state before, from which each run starts. */
  readonly template: Place;
  /** Whether a failure of a call on the cache must leave the answer as it is: the cache saves time only. */
  readonly isCacheOptional: boolean;
  /** Whether it starts a process in the background, in which the same call of that name fails too. */
  readonly hasChild: boolean;
  /** Finds what is wrong after a run that may have failed with a clear error. */
  readonly judge: (result: RunResult, place: Place) => readonly string[];
  /** Whether a result is the one without any fault. */
  readonly isRight: (result: RunResult) => boolean;
}

export const FLOW_NAMES = [
  'get without a cached token',
  'get with a cached token',
  'get that starts a renewal',
  'a renewal',
  'store of a password',
  'store of a token',
  'erase',
  'list',
  'get with a wrong secret',
] as const;
export type FlowName = (typeof FLOW_NAMES)[number];

const OTHER_SERVER = 'registry.example.com';
export const OLD_PASSWORD = 'Old+pass/word=1%';
export const NEW_PASSWORD = 'New+pass/word=2%';
export const OTHER_PASSWORD = 'Other+pass/word=3%';

/** Prepares the state before a flow, with runs of the program itself. */
export async function prepareFlow(name: FlowName, machine: Machine): Promise<Flow> {
  const template = createPlace(machine);
  const flow = await describeFlow(name, template);
  return {
    name,
    environment: {},
    isCacheOptional: true,
    hasChild: false,
    isRight: ({ exitCode }) => exitCode === 0,
    ...flow,
    template,
  };
}

type Description = Pick<Flow, 'verb' | 'input' | 'judge'> & Partial<Flow>;

async function describeFlow(name: FlowName, template: Place): Promise<Description> {
  switch (name) {
    case 'get without a cached token':
      return { verb: 'get', input: LOGIN_SERVER, judge: judgeAnswer };
    case 'get with a cached token':
      await expectSuccess(template, 'get', LOGIN_SERVER);
      return { verb: 'get', input: LOGIN_SERVER, judge: judgeAnswer };
    case 'get that starts a renewal':
      await cacheAgedToken(template);
      return { verb: 'get', input: LOGIN_SERVER, hasChild: true, judge: judgeAnswer };
    case 'a renewal':
      await cacheAgedToken(template);
      return {
        verb: 'renew',
        input: '',
        environment: { DOCKER_CREDENTIAL_RENEW: LOGIN_SERVER },
        judge: (result) => (isSilent(result) ? [] : [describeResult(result)]),
      };
    case 'store of a password':
      await expectSuccess(template, 'store', login(OTHER_SERVER, 'somebody', OTHER_PASSWORD));
      await expectSuccess(template, 'store', login(LOGIN_SERVER, 'admin', OLD_PASSWORD));
      return {
        verb: 'store',
        input: login(LOGIN_SERVER, 'admin', NEW_PASSWORD),
        isCacheOptional: false,
        judge: judgeStoredPassword,
      };
    case 'store of a token': {
      await expectSuccess(template, 'get', LOGIN_SERVER);
      const [token = ''] = listTokens(template, LOGIN_SERVER);
      await expectSuccess(template, 'store', login(OTHER_SERVER, 'somebody', OTHER_PASSWORD));
      await expectSuccess(template, 'store', login(LOGIN_SERVER, 'admin', OLD_PASSWORD));
      return {
        verb: 'store',
        input: login(LOGIN_SERVER, NULL_GUID, token),
        isCacheOptional: false,
        judge: (result, place) => judgeStoredToken(result, place, token),
      };
    }
    case 'erase':
      await expectSuccess(template, 'get', LOGIN_SERVER);
      await storePasswordBesideTokens(template);
      return { verb: 'erase', input: LOGIN_SERVER, isCacheOptional: false, judge: judgeErased };
    case 'list':
      await expectSuccess(template, 'get', LOGIN_SERVER);
      await expectSuccess(template, 'store', login(OTHER_SERVER, 'somebody', OTHER_PASSWORD));
      return { verb: 'list', input: '', isCacheOptional: false, judge: judgeList };
    case 'get with a wrong secret':
      return {
        verb: 'get',
        input: LOGIN_SERVER,
        environment: { AZURE_CLIENT_SECRET: 'wrong-secret-Q~x' },
        judge: (result) => (isClearFailure(result) ? [] : [describeResult(result)]),
        isRight: isRefusal,
      };
  }
}

/** Whether a failure is one clear line for the client, and the error, its causes and a hint for the person. */
export function isClearFailure({ exitCode, stdout, stderr }: RunResult): boolean {
  const isClear = /^Cannot [^\n`]+\n$/.test(stdout) && !/internal error/.test(stdout);
  const story = /^docker-credential-acr: error: Cannot [^\n]+\n(cause: [^\n]+\n)*(hint: [^\n]+\n)?$/;
  return exitCode === 1 && isClear && story.test(stderr);
}

export function describeResult({ exitCode, stdout, stderr }: RunResult): string {
  const hide = (text: string) => text.replaceAll(/eyJ[\w.-]+/g, '<token>').slice(0, 300);
  return `exit code ${exitCode}, stdout ${JSON.stringify(hide(stdout))}, stderr ${JSON.stringify(hide(stderr))}`;
}

const isSilent = ({ exitCode, stdout, stderr }: RunResult) => exitCode === 0 && stdout === '' && stderr === '';
const isRefusal = (result: RunResult) => isClearFailure(result) && result.stdout.includes('AADSTS7000215');

function judgeAnswer(result: RunResult): readonly string[] {
  if (isClearFailure(result)) return [];
  const answer = parseJsonRecord(result.stdout);
  const claims = decodeToken(parseString(answer?.['Secret']) ?? '')?.claims;
  const isRight =
    result.exitCode === 0 &&
    result.stderr === '' &&
    answer?.['Username'] === NULL_GUID &&
    claims?.['aud'] === LOGIN_SERVER;
  return isRight ? [] : [describeResult(result)];
}

function judgeStoredPassword(result: RunResult, place: Place): readonly string[] {
  const passwords = readPasswords(place);
  const isStored = passwords?.[LOGIN_SERVER] === NEW_PASSWORD;
  return [
    ...(isSilent(result) || isClearFailure(result) ? [] : [describeResult(result)]),
    ...(isSilent(result) && !isStored ? ['the login that it stored is not there'] : []),
    ...(isSilent(result) && listTokens(place, LOGIN_SERVER).length > 0 ? ['a token of before is still cached'] : []),
    ...(isStored || passwords?.[LOGIN_SERVER] === OLD_PASSWORD ? [] : ['neither the old nor the new login is there']),
    ...judgeOther(place),
  ];
}

function judgeStoredToken(result: RunResult, place: Place, token: string): readonly string[] {
  const isStored = listTokens(place, LOGIN_SERVER).includes(token);
  // A stored password takes precedence over a token.
  const isHidden = readPasswords(place)?.[LOGIN_SERVER] !== undefined;
  return [
    ...(isSilent(result) || isClearFailure(result) ? [] : [describeResult(result)]),
    ...(isSilent(result) && !isStored ? ['the token that it stored is not there'] : []),
    ...(isSilent(result) && isHidden ? ['the password of before still takes precedence over the stored token'] : []),
    ...judgeOther(place),
  ];
}

function judgeErased(result: RunResult, place: Place): readonly string[] {
  const left = [
    ...(readPasswords(place)?.[LOGIN_SERVER] === undefined ? [] : ['the login']),
    ...listTokens(place, LOGIN_SERVER).map(() => 'a token'),
  ];
  // A client takes the exit code 1 of an erasure for a credential that it does not know.
  const isTold = /^docker-credential-acr: warning: cannot erase [^\n]+; it is still there\n$/.test(result.stderr);
  return [
    ...(isSilent(result) || (result.exitCode === 0 && isTold) ? [] : [describeResult(result)]),
    ...(isSilent(result) ? left.map((what) => `said that it is erased, but ${what} is still there`) : []),
    ...judgeOther(place),
  ];
}

function judgeOther(place: Place): readonly string[] {
  const passwords = readPasswords(place);
  if (passwords === undefined) return ['the index of the logins is damaged'];
  return passwords[OTHER_SERVER] === OTHER_PASSWORD ? [] : ['the login of another server is lost'];
}

function judgeList(result: RunResult): readonly string[] {
  if (isClearFailure(result)) return [];
  const users = parseJsonRecord(result.stdout);
  const known: Readonly<Record<string, string>> = { [LOGIN_SERVER]: NULL_GUID, [OTHER_SERVER]: 'somebody' };
  const isRight = result.exitCode === 0 && result.stderr === '' && users !== undefined;
  const isKnown = Object.entries(users ?? {}).every(([server, user]) => known[server] === user);
  return isRight && isKnown ? [] : [describeResult(result)];
}

/** Finds what of a registry is left after a logout. */
export function findAfterLogout(place: Place): readonly string[] {
  return [
    ...listTokens(place, LOGIN_SERVER).map(() => 'a token of the registry is left after a logout'),
    ...listFiles(place)
      .filter(({ text }) => [OLD_PASSWORD, NEW_PASSWORD].some((password) => text.includes(password)))
      .map(({ path }) => `${path} holds the password after a logout`),
  ];
}

function login(ServerURL: string, Username: string, Secret: string): string {
  return JSON.stringify({ ServerURL, Username, Secret });
}

async function expectSuccess(place: Place, verb: string, input: string): Promise<void> {
  const result = await place.run(verb, input);
  if (result.exitCode !== 0) throw new Error(`Cannot prepare the flow: ${describeResult(result)}`);
}

/** Caches a token with half an hour of its three hours left, whose renewal is due. */
async function cacheAgedToken(place: Place): Promise<void> {
  await expectSuccess(place, 'get', LOGIN_SERVER);
  const now = Math.floor(Date.now() / 1000);
  for (const { path, text } of listFiles(place)) {
    const entry = parseJsonRecord(text);
    if (entry?.['service'] !== LOGIN_SERVER || parseNumber(entry['savedAtSeconds']) === undefined) continue;
    const aged = { ...entry, savedAtSeconds: now - 9000, expiresAtSeconds: now + 1800 };
    writeFileSync(join(place.folder, path), JSON.stringify(aged));
  }
}

/** Stores a password, and puts back the cached tokens that this has erased. */
async function storePasswordBesideTokens(place: Place): Promise<void> {
  const tokens = listFiles(place).filter(({ path }) => path.startsWith('cache/tokens/'));
  const texts = tokens.map(({ path }) => [path, readFileSync(join(place.folder, path))] as const);
  await expectSuccess(place, 'store', login(OTHER_SERVER, 'somebody', OTHER_PASSWORD));
  await expectSuccess(place, 'store', login(LOGIN_SERVER, 'admin', OLD_PASSWORD));
  for (const [path, text] of texts) writeFileSync(join(place.folder, path), text, { mode: 0o600 });
}
