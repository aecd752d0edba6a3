/** The real Azure CLI, in its own virtual environment. */
import type { PythonPackage } from './python-package.ts';

export const AZURE_CLI: PythonPackage = { part: 'azure-cli', name: 'azure-cli', version: '2.91.0', program: 'az' };
