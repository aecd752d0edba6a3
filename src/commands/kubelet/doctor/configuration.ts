/** The configuration: whether the kubelet starts with it, and whether its patterns match what they should. */

import { statSync } from 'node:fs';
import { CLOUDS } from '../../../clouds.ts';
import { createQuote, type Quote } from '../../../redact.ts';
import { type Finding, found } from '../../doctor/check.ts';
import { explainFutility, isUnreadable, parsePattern } from '../image-pattern.ts';
import type { NodeCheck, NodeContext } from './context.ts';
import type { KubeletNode } from './node.ts';
import type { PlacedPattern, Provider } from './provider-file.ts';

/** More lines than this help nobody. */
const MOST_MISTAKES = 20;

/** The check of the configuration. */
export const CONFIGURATION: NodeCheck = {
  name: 'configuration',
  title: 'Reading the configuration of the plug-ins',
  needsRegistry: false,
  run: checkConfiguration,
};

async function checkConfiguration({ runtime, node: loading }: NodeContext): Promise<readonly Finding[]> {
  const node = await loading;
  const { file, configPath } = node;
  if (file === undefined || configPath === undefined) return [found('skipped', 'it is not known where it is')];
  const quote = createQuote(runtime);
  const { mistakes, remarks, providers } = file;
  const problems = mistakes
    .slice(0, MOST_MISTAKES)
    .map(({ place, what, fix }) => found('problem', `${place}: ${what}`, { fix }));
  if (mistakes.length > MOST_MISTAKES) {
    problems.push(found('problem', `${configPath}: there are ${mistakes.length - MOST_MISTAKES} more mistakes`));
  }
  const details = { providers: providers.map(({ name }) => name), files: file.files };
  const names = providers.map(({ name }) => quote(name, 100)).join(', ');
  return [
    ...(problems.length === 0 ? [found('ok', `${configPath} is valid, and names ${names}`, { details })] : problems),
    ...remarks.map(({ place, what, fix }) => found('warning', `${place}: ${what}`, { fix })),
    ...providers.flatMap((provider) => judgePatterns(provider, quote)).slice(0, MOST_MISTAKES),
    ...judgeRestart(node),
  ];
}

/** Says which patterns never match, and which are missing beside others. */
function judgePatterns({ name, patterns, place }: Provider, quote: Quote): readonly Finding[] {
  // What the kubelet cannot read is a mistake already.
  const futile = patterns
    .filter(({ pattern }) => !isUnreadable(pattern))
    .flatMap(({ pattern, place: at }): readonly Finding[] => {
      const why = explainFutility(pattern) ?? explainBareSuffix(pattern);
      const quoted = `"${quote(pattern, 100)}"`;
      if (why !== undefined) {
        return [found('problem', `${at}: ${quoted} matches no image: ${why}`, { fix: suggestPattern(pattern) })];
      }
      if (parsePattern(pattern)?.port !== '443') return [];
      const what = `${at}: ${quoted} matches only images whose names have the port too`;
      return [found('warning', what, { fix: `- '${pattern.replace(':443', '')}'` })];
    });
  const missing = listMissingRegional(patterns).map((pattern) =>
    found(
      'warning',
      `${place}: ${quote(name, 100)} is not asked for images of regional endpoints, such as NAME.REGION.${pattern.slice(4)}`,
      {
        fix: `add to matchImages: - '${pattern}'`,
      },
    ),
  );
  return [...futile, ...missing];
}

/** `azurecr.io` without a name in front of it. */
function explainBareSuffix(pattern: string): string | undefined {
  const isSuffix = CLOUDS.some(({ registrySuffix }) => registrySuffix === pattern);
  return isSuffix ? 'the name of a registry stands before it' : undefined;
}

/** The pattern that was probably meant. @returns `undefined` when that is not clear. */
function suggestPattern(pattern: string): string | undefined {
  const plain = pattern.replace(/^[A-Za-z]{1,10}:\/\//, '');
  const slash = plain.indexOf('/');
  const host = slash < 0 ? plain : plain.slice(0, slash);
  const [path = ''] = slash < 0 ? [] : plain.slice(slash).toLowerCase().split(/[*:@]/);
  const isSuffix = CLOUDS.some(({ registrySuffix }) => registrySuffix === host);
  const better = `${isSuffix ? '*.' : ''}${host}${path.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '')}`;
  return better !== pattern && explainFutility(better) === undefined ? `- '${better}'` : undefined;
}

/** The patterns of regional endpoints for which a pattern of their cloud stands alone. */
function listMissingRegional(patterns: readonly PlacedPattern[]): readonly string[] {
  const all = patterns.map(({ pattern }) => pattern);
  return CLOUDS.flatMap(({ registrySuffix }) => {
    const regional = `*.*.geo.${registrySuffix}`;
    return all.includes(`*.${registrySuffix}`) && !all.includes(regional) ? [regional] : [];
  });
}

/** A kubelet goes on with what it read when it started. */
function judgeRestart({ kubelet, file, isNamed }: KubeletNode): readonly Finding[] {
  if (kubelet?.startedAtMs === undefined || isNamed) return [];
  const { startedAtMs, distribution } = kubelet;
  const newer = file?.files.find((one) => changedAtMs(one) > startedAtMs);
  if (newer === undefined) return [];
  const what = `${newer} was changed after the kubelet had started, and has no effect yet`;
  return [found('warning', what, { fix: `sudo systemctl restart ${distribution}` })];
}

function changedAtMs(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}
