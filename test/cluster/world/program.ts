/** The program's own commands, whose output the cluster is set up with. */
import { PROGRAM } from '../../e2e/world/parts.ts';
import { runProcess } from '../../e2e/world/process.ts';
import { type JsonRecord, parseJsonRecord } from '../../emulator/json.ts';

/** Runs a command of the program that prints an object of JSON. */
export async function runProgram(args: readonly string[]): Promise<JsonRecord> {
  const environment = { PATH: '/usr/bin:/bin', HOME: '/nonexistent' };
  const { stdout, stderr } = await runProcess(PROGRAM, args, { environment });
  const printed = parseJsonRecord(stdout);
  if (printed === undefined) throw new Error(`Cannot read what ${args.join(' ')} prints: ${stdout}${stderr}`);
  return printed;
}
