/** Named pipes, which Node cannot make by itself. */
import { execFileSync } from 'node:child_process';

export function makeNamedPipe(file: string): void {
  execFileSync('mkfifo', [file]);
}
