/** Runs the emulator as a process: it prints how to reach it as one JSON line, and exits with stdin or on SIGTERM. */
import { parseArgs } from 'node:util';
import { FEDERATED_AUDIENCE, installCi } from './ci.ts';
import { CLIENT_ID, CLIENT_SECRET, type Emulator, startEmulator, TENANT_ID } from './emulator.ts';
import { findTenant } from './state.ts';

const { values } = parseArgs({
  options: {
    registry: { type: 'string' },
    'round-trip-ms': { type: 'string' },
    /** Prints the token of a service account that the application trusts, too. */
    'service-account': { type: 'boolean' },
  },
});
const CLUSTER_ISSUER = 'https://oidc.example.test/cluster/';
const SERVICE_ACCOUNT = 'system:serviceaccount:default:puller';
const TOKEN_SECONDS = 24 * 3600;

const emulator = await startEmulator({
  ...(values.registry === undefined ? {} : { registryUrl: values.registry }),
  roundTripMs: Number(values['round-trip-ms'] ?? 0),
});

const stop = () => {
  // A client may still be busy while the emulator closes; there is no need to wait for it.
  void emulator.close().finally(() => process.exit());
};
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
process.stdin.once('end', stop).once('error', stop).resume();

/** Lets the application trust a cluster. @returns a token for all of the day. */
async function issueServiceAccountToken({ state }: Emulator): Promise<string> {
  const ci = await installCi(state);
  const application = findTenant(state, TENANT_ID)?.applications.get(CLIENT_ID);
  if (application !== undefined) ci.trust(application, CLUSTER_ISSUER, SERVICE_ACCOUNT);
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: CLUSTER_ISSUER, sub: SERVICE_ACCOUNT, aud: [FEDERATED_AUDIENCE], exp: now + TOKEN_SECONDS };
  return ci.issue(claims, now);
}

const serviceAccountToken = values['service-account'] === true ? await issueServiceAccountToken(emulator) : undefined;

process.stdout.write(
  `${JSON.stringify({
    proxyUrl: emulator.proxyUrl,
    caFile: emulator.caFile,
    environment: emulator.environment(),
    tenantId: TENANT_ID,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    serviceAccountToken,
  })}\n`,
);
