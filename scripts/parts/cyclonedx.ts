/** CycloneDX's own library for Python, with the schemas of its formats, in its own virtual environment. */
import { findPythonProgram, type PythonPackage } from './python-package.ts';

export const CYCLONEDX: PythonPackage = {
  part: 'cyclonedx',
  name: 'cyclonedx-python-lib[validation]',
  version: '11.12.0',
  program: 'python',
};

/** The Python interpreter that can import the library. */
export const CYCLONEDX_PYTHON = findPythonProgram(CYCLONEDX, 'python');
