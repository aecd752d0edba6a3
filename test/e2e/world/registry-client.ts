/** What the tests of registry clients expect alike: one sign-in, and the reason when it fails. */
import { expect } from 'vitest';
import { LOGIN_SERVER } from './cloud.ts';
import type { RunResult } from './process.ts';
import type { TestCloud } from './test-cloud.ts';

/** The one line that clients read on stdout when the secret of the machine is wrong. */
export const WRONG_SECRET = `Cannot sign in for ${LOGIN_SERVER}: the client secret is wrong (AADSTS7000215); hint: `;
/** The first line on stderr, which a client may pass on. */
export const WRONG_SECRET_STORY = `docker-credential-acr: error: ${WRONG_SECRET.replace('; hint: ', '\n')}`;

/** Expects that a client did its work without a word from the program. */
export function expectDone(result: RunResult): RunResult {
  expect(result).toMatchObject({ exitCode: 0 });
  expect(result.stderr).not.toContain('docker-credential-acr:');
  return result;
}

/** The requests for a token without any credential, as their statuses. */
export function listAnonymousTokenRequests({ emulator }: TestCloud): readonly number[] {
  return emulator.requests
    .filter(({ path, headers }) => path === '/oauth2/token' && headers['authorization'] === undefined)
    .map(({ status }) => status);
}

/** The repositories and tags of the manifests that were pushed, such as `team/app:1`. */
export function listPushed(cloud: TestCloud): readonly string[] {
  const manifest = /^\/v2\/(.+)\/manifests\/(.+)$/;
  return cloud.transfers('PUT').flatMap(({ path }) => {
    const [, repository, reference] = manifest.exec(path) ?? [];
    return repository === undefined ? [] : [`${repository}:${reference}`];
  });
}
