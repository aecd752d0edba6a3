/** LIEF, a reader of executables: a second opinion on those that no machine here can run. */
import type { PythonPackage } from './python-package.ts';

export const LIEF: PythonPackage = { part: 'lief', name: 'lief', version: '1.0.0', program: 'python' };
