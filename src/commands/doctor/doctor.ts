/** Walks the whole way of a pull, and tells what it finds. */

import { loadConfig } from '../../config/config.ts';
import { BUDGET_MS } from '../../credential.ts';
import type { Log } from '../../log.ts';
import type { Registry } from '../../registry.ts';
import { readClockMs } from '../../system/clock.ts';
import type { Runtime } from '../../system/runtime.ts';
import { withProgress } from '../../terminal/progress.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { CheckResult } from './check.ts';
import { CHECKS } from './checks.ts';
import { createPrivateNames, type PrivateNames } from './private-names.ts';
import { cleanResult } from './result-text.ts';
import { startChecks } from './runner.ts';
import type { Target } from './target.ts';
import { Visit } from './visit.ts';

/** What `examine` works with. */
export interface Examination {
  readonly runtime: Runtime;
  readonly terminal: Terminal;
  readonly log: Log | undefined;
  /** `undefined` for this machine alone. */
  readonly target: Target | undefined;
  /** This program's own file; `undefined` when it runs from its sources. */
  readonly programFile: string | undefined;
  /** The Node that runs the program, if npm has installed it. */
  readonly nodeFile?: string | undefined;
  /** How long everything may take; as long as `get` by default. */
  readonly budgetMs?: number;
  /** Looks up a host; the system's resolver by default. */
  readonly lookUp?: ((host: string) => Promise<readonly string[]>) | undefined;
  /** Called with the results of each check, in their order, as soon as they and those before are there. */
  readonly show: (results: readonly CheckResult[]) => void;
}

/** What was found, and the names that it contains. */
export interface Diagnosis {
  readonly results: readonly CheckResult[];
  readonly names: PrivateNames;
}

/** After its last answer, a step has this long to come to its end. */
const LAST_WORDS_MS = 1_000;

/**
 * Runs every check that there is something for. Changes nothing: what it signs in for is not stored.
 * @returns the results in the order of the checks, with nothing in them that may not be shown.
 */
export async function examine(examination: Examination): Promise<Diagnosis> {
  const { runtime, terminal, log, target, programFile, nodeFile, budgetMs = BUDGET_MS, lookUp, show } = examination;
  const names = createPrivateNames(runtime);
  names.add('REGISTRY', target?.host);
  names.add('REPOSITORY', target?.repository);
  const deadlineMs = readClockMs() + budgetMs;
  const visit = target === undefined ? undefined : await makeVisit({ runtime, target, deadlineMs, log, lookUp });
  const checks = CHECKS.filter(({ needsRegistry }) => !needsRegistry || target !== undefined);
  const results: CheckResult[] = [];
  try {
    const context = { runtime, log, target, visit, programFile, nodeFile, names };
    for (const { check, results: found } of startChecks(checks, context, deadlineMs + LAST_WORDS_MS)) {
      const clean = (await withProgress(terminal, check.title, found)).map((result) => cleanResult(runtime, result));
      results.push(...clean);
      show(clean);
    }
  } finally {
    visit?.close();
  }
  return { results, names };
}

async function makeVisit({
  runtime,
  target,
  deadlineMs,
  log,
  lookUp,
}: {
  readonly runtime: Runtime;
  readonly target: Target;
  readonly deadlineMs: number;
  readonly log: Log | undefined;
  readonly lookUp: Examination['lookUp'];
}): Promise<Visit | undefined> {
  const config = await loadConfig(runtime);
  const { host: serverUrl, repository } = target;
  let registry: Registry | undefined;
  try {
    registry = config.findRegistry(serverUrl);
  } catch {
    return undefined; // the check of the configuration tells it
  }
  return registry === undefined
    ? undefined
    : new Visit({ runtime, config, registry, serverUrl, repository, deadlineMs, log, lookUp });
}
