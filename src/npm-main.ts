/** The start of the npm package's program: what the executable has as options of Node, as far as a script can have it. */

import { keepCompiledCode } from './system/compile-cache.ts';

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
