/** The start of the npm package's program: what the executable has as options of Node, as far as a script can have it. */

import { writeSync } from 'node:fs';
import { keepCompiledCode } from './system/compile-cache.ts';

// Its types say that every Node has it.
const { getBuiltinModule }: { getBuiltinModule?: unknown } = process;
if (getBuiltinModule === undefined) {
  writeSync(1, `Cannot run on Node ${process.versions.node}: docker-credential-acr needs Node 20.16, 22.3 or later\n`);
  process.exit(1);
}

// A warning of Node on stderr would look like ours.
process.removeAllListeners('warning');

keepCompiledCode({
  env: process.env,
  platform: process.platform,
  programName: 'docker-credential-acr',
  now: Date.now,
  secrets: new Set(),
  secretVariables: new Set(),
});

void import('./main.ts');
