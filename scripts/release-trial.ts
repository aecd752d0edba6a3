/** Makes the release that the tests install, in `dist/release-trial`: for this machine, elsewhere, and compressed little. */

import { join } from 'node:path';
import { findHostTarget } from './build/target.ts';
import { makeElsewhere } from './release/elsewhere.ts';

const root = join(import.meta.dirname, '..');
const target = findHostTarget();
if (target === undefined) throw new Error('There is no executable for this platform');
const args = ['--target', target.name, '--fast', '--output', join(root, 'dist/release-trial')];
process.stdout.write(await makeElsewhere({ root, args, npmPackages: 'link' }));
