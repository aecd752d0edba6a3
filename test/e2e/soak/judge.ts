/** Judges what the helpers answered: by what the emulator issued, not by what the program says. */
import { isDeepStrictEqual } from 'node:util';
import { parseJsonRecord, parseString } from '../../emulator/json.ts';
import type { EmulatorState } from '../../emulator/state.ts';
import { decodeToken } from '../../emulator/tokens.ts';
import { type Actor, SCOPED_SERVER } from './actors.ts';
import type { HelperRun } from './helper-run.ts';

const MAX_ANSWER_MS = 30_000;
/** Between the decision of the program and its end, on a busy machine. */
const EXIT_MS = 1_500;
const NULL_USER = '00000000-0000-0000-0000-000000000000';
const SCOPED_ACCESS = [{ type: 'repository', name: 'team/app', actions: ['pull'] }];
const FAILURE = /^docker-credential-acr: error: [^\n]+\n(?:cause: [^\n]+\n)*(?:hint: [^\n]+\n)?$/;
const NOT_FOUND = /^docker-credential-acr: hint: [^\n]+\n(?: {2}[\w-]+: [^\n]+\n)*$/;
const WARNING = /^docker-credential-acr: warning: [^\n]+\n$/;

/** @returns what is wrong with the form of an answer; nothing is known of a process that was killed. */
export function judgeForm({ verb, exitCode, stdout, stderr, startedMs, endedMs }: HelperRun): readonly string[] {
  const problems: string[] = [];
  if (endedMs - startedMs > MAX_ANSWER_MS) problems.push(`took ${endedMs - startedMs} ms`);
  if (exitCode === undefined) return problems;
  if (exitCode !== 0 && exitCode !== 1) problems.push(`exit code ${exitCode}`);
  const isSilent = exitCode === 0 && (verb === 'store' || verb === 'erase');
  if (isSilent ? stdout !== '' : !/^[^\n]+\n$/.test(stdout)) problems.push(`stdout is not one line: ${stdout}`);
  if (!isStory(verb, exitCode, stdout, stderr)) problems.push(`stdout: ${stdout}stderr: ${stderr}`);
  if (`${stdout}${stderr}`.includes('internal error')) problems.push(`an internal error: ${stdout}`);
  return problems;
}

function isStory(verb: string, exitCode: number, stdout: string, stderr: string): boolean {
  if (exitCode === 0) return stderr === '' || (verb === 'store' && WARNING.test(stderr));
  const isNotFound = stdout === 'credentials not found in native keychain\n';
  return isNotFound ? stderr === '' || NOT_FOUND.test(stderr) : FAILURE.test(stderr);
}

/** @returns what is wrong with the token of an answer to `get`. */
export function judgeToken(state: EmulatorState, run: HelperRun, { owner }: Actor): readonly string[] {
  if (run.exitCode !== 0) return [];
  const answer = parseJsonRecord(run.stdout) ?? {};
  const secret = parseString(answer['Secret']) ?? '';
  const claims = decodeToken(secret)?.claims ?? {};
  const isScoped = run.server === SCOPED_SERVER;
  const expiresAtMs = Number(claims['exp']) * 1000;
  const checks: readonly (readonly [isGood: boolean, problem: string])[] = [
    [answer['ServerURL'] === run.server, `names ${answer['ServerURL']}`],
    [answer['Username'] === NULL_USER, `is for the user ${answer['Username']}`],
    [state.issuedSecrets.has(secret), 'was never issued'],
    [owner !== undefined, 'should not exist'],
    [claims['aud'] === run.server, `is for ${claims['aud']}`],
    [owner === undefined || claims['sub'] === owner.subject, `belongs to ${claims['sub']}`],
    [isScoped || owner === undefined || claims['tenant'] === owner.tenant, `is of the tenant ${claims['tenant']}`],
    [claims['grant_type'] === (isScoped ? 'access_token' : 'refresh_token'), `is of the kind ${claims['grant_type']}`],
    [!isScoped || isDeepStrictEqual(claims['access'], SCOPED_ACCESS), `allows ${JSON.stringify(claims['access'])}`],
    [expiresAtMs > run.endedMs - EXIT_MS, `expired ${run.endedMs - expiresAtMs} ms before the answer`],
  ];
  return checks.flatMap(([isGood, problem]) => (isGood ? [] : [`the token ${problem}`]));
}
