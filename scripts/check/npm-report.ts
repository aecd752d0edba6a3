/** Reads what `npm audit` and `npm audit signatures` print with `--json`. */

import { asJsonObject, type JsonObject, parseJsonObject } from '../../src/json.ts';

/** What npm found, or why it could not look. */
export type NpmReport = { readonly problems: readonly string[] } | { readonly skipped: string };

/** A vulnerability below these does not fail the check. */
const FAILING_SEVERITIES = ['moderate', 'high', 'critical'];
/** How npm and Node name a server that does not answer, or does not offer an audit. */
const UNREACHABLE =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|E?40[45]|E?5\d\d|ERR_SOCKET_TIMEOUT|FETCH_ERROR)\b/;

/** Reads the known vulnerabilities from the output of `npm audit --json`. */
export function readAudit(output: string): NpmReport {
  const report = parseJsonObject(output);
  if (report === undefined) return { problems: ['npm audit printed no JSON'] };
  if (report['auditReportVersion'] === undefined) return explainError('npm audit', report);
  const vulnerabilities = asJsonObject(report['vulnerabilities']);
  if (vulnerabilities === undefined) return { problems: ['npm audit printed no list of vulnerabilities'] };
  const found = Object.entries(vulnerabilities).map(([name, value]) => {
    const { severity, via } = asJsonObject(value) ?? {};
    return { name, severity, via };
  });
  const failing = found.filter(({ severity }) => FAILING_SEVERITIES.includes(String(severity)));
  return {
    problems: failing.map(({ name, severity, via }) => `${name} is vulnerable (${severity}): ${nameCauses(via)}`),
  };
}

/** Reads missing and invalid signatures from the output of `npm audit signatures --json`. */
export function readSignatures(output: string): NpmReport {
  const report = parseJsonObject(output);
  if (report === undefined) return { problems: ['npm audit signatures printed no JSON'] };
  const { missing, invalid } = report;
  if (!Array.isArray(missing) || !Array.isArray(invalid)) return explainError('npm audit signatures', report);
  const describe = (what: string) => (one: unknown) => {
    const { name, version } = asJsonObject(one) ?? {};
    return `${name}@${version} has ${what} signature`;
  };
  return { problems: [...invalid.map(describe('an invalid')), ...missing.map(describe('no'))] };
}

/** npm's own errors: a server that does not answer is no reason to fail, and everything else is. */
function explainError(command: string, report: JsonObject): NpmReport {
  const { code, summary } = asJsonObject(report['error']) ?? {};
  const { message, statusCode } = report;
  const [reason = 'an unknown error'] = [summary, message, code].filter((one) => typeof one === 'string' && one !== '');
  const isUnreachable = [code, statusCode, summary, message].some((one) => UNREACHABLE.test(String(one ?? '')));
  return isUnreachable
    ? { skipped: `the registry does not answer (${reason})` }
    : { problems: [`${command} failed: ${reason}`] };
}

/** Each cause is an advisory, or the name of another vulnerable package. */
function nameCauses(via: unknown): string {
  const causes: readonly unknown[] = Array.isArray(via) ? via : [];
  return causes
    .map((cause) => {
      const advisory = asJsonObject(cause);
      return advisory === undefined ? `by ${cause}` : `${advisory['title']} ${advisory['url']}`;
    })
    .join('; ');
}
