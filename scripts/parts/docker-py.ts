/** Docker's client library for Python, in its own virtual environment. */
import { findPythonProgram, type PythonPackage } from './python-package.ts';

export const DOCKER_PY: PythonPackage = { part: 'docker-py', name: 'docker', version: '7.2.0', program: 'python' };

/** The Python interpreter that can import the library. */
export const DOCKER_PY_PYTHON = findPythonProgram(DOCKER_PY, 'python');
