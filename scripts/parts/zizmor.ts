/** zizmor, which finds weaknesses in workflows of GitHub, in its own virtual environment. */
import { findPythonProgram, type PythonPackage } from './python-package.ts';

export const ZIZMOR: PythonPackage = { part: 'zizmor', name: 'zizmor', version: '1.32.0', program: 'zizmor' };

/** The program, once it is installed. */
export const ZIZMOR_PROGRAM = findPythonProgram(ZIZMOR, 'zizmor');
