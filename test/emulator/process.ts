/** Runs the emulator as a process: it prints how to reach it as one JSON line, and exits with stdin or on SIGTERM. */
import { parseArgs } from 'node:util';
import { CLIENT_ID, CLIENT_SECRET, startEmulator, TENANT_ID } from './emulator.ts';

const { values } = parseArgs({
  options: { registry: { type: 'string' }, 'round-trip-ms': { type: 'string' } },
});

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

process.stdout.write(
  `${JSON.stringify({
    proxyUrl: emulator.proxyUrl,
    caFile: emulator.caFile,
    environment: emulator.environment(),
    tenantId: TENANT_ID,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
  })}\n`,
);
