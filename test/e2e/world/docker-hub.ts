/** As much of Docker Hub as a login needs, under its own names on the emulated network. */
import { parseBasic } from '../../emulator/acr-oauth.ts';
import { jsonResponse } from '../../emulator/message.ts';
import type { Cloud } from './cloud.ts';

export const HUB_USER = 'hub-user';
export const HUB_PASSWORD = 'dckr_pat_Hub+pass/word=1';
/** What the Docker client calls it. */
export const HUB = 'https://index.docker.io/v1/';

/** Adds it to the network of a cloud, with one user. */
export function installDockerHub({ emulator: { state } }: Cloud): void {
  state.issuedSecrets.add(HUB_PASSWORD);
  for (const host of ['index.docker.io', 'registry-1.docker.io']) {
    state.extraHosts.set(host, {
      kind: 'other',
      answer: (request) => {
        const given = parseBasic(request.headers['authorization'] ?? '');
        if (given?.user === HUB_USER && given.password === HUB_PASSWORD) return jsonResponse(200, {});
        const message = 'incorrect username or password';
        return jsonResponse(
          401,
          { errors: [{ code: 'UNAUTHORIZED', message }] },
          { 'WWW-Authenticate': 'Basic realm="hub"', 'Docker-Distribution-Api-Version': 'registry/2.0' },
        );
      },
    });
  }
}
