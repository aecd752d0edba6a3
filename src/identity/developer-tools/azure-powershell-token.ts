/**
 * Asks Azure PowerShell for a token.
 *
 * @see https://learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken
 */

import { asText, parseJsonObject } from '../../json.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { quoteForeignText } from '../../redact.ts';
import { findExecutable } from '../../system/child-process.ts';
import type { TokenContext } from '../identity.ts';
import { explainRefusal, runTool, splitLines } from './developer-tool.ts';

export interface PowerShellTokenRequest {
  /** The account's name, for people. */
  readonly account: string;
  /** Another tenant than the account's own. */
  readonly tenant: string | undefined;
}

const RESOURCE_VARIABLE = 'AZURE_IDENTITY_POWERSHELL_RESOURCE';
const TENANT_VARIABLE = 'AZURE_IDENTITY_POWERSHELL_TENANT_ID';
const MODULE_MISSING = 3;

/** Keeps PowerShell from asking home, from looking for a newer one, and from colours. */
const QUIET = { POWERSHELL_TELEMETRY_OPTOUT: '1', POWERSHELL_UPDATECHECK: 'Off', NO_COLOR: '1' };

/**
 * Nothing is put into the script, so that there is nothing to quote: it reads what to ask for from its environment. The
 * token is a text before 5.0 and a secure one, which no JSON shows, from then on; in between it is what was asked for.
 */
const SCRIPT = `
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
try {
  $module = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru | Select-Object -First 1
} catch {
  [Console]::Error.WriteLine($_.Exception.Message)
  exit ${MODULE_MISSING}
}
try {
  $parameters = @{ ResourceUrl = $env:${RESOURCE_VARIABLE} }
  if ($env:${TENANT_VARIABLE}) { $parameters['TenantId'] = $env:${TENANT_VARIABLE} }
  if ($module.Version -ge [version]'2.17.0' -and $module.Version -lt [version]'5.0.0') {
    $parameters['AsSecureString'] = $true
  }
  $token = (Get-AzAccessToken @parameters).Token
  if ($token -is [System.Security.SecureString]) {
    $pointer = [System.Runtime.InteropServices.Marshal]::SecureStringToBSTR($token)
    try {
      $token = [System.Runtime.InteropServices.Marshal]::PtrToStringBSTR($pointer)
    } finally {
      [System.Runtime.InteropServices.Marshal]::ZeroFreeBSTR($pointer)
    }
  }
  [Console]::Out.WriteLine((ConvertTo-Json @{ token = [string]$token } -Compress))
} catch {
  [Console]::Error.WriteLine($_.Exception.Message)
  exit 1
}
`;

/**
 * Runs `Get-AzAccessToken` in PowerShell, on Windows in the one that came with it where the newer one is not there or
 * has no Azure module.
 * @returns `NotSetUp` when there is no PowerShell with that module.
 * @throws IDENTITY_FAILED with what Azure PowerShell itself says, AUDIENCE_UNKNOWN
 */
export async function requestPowerShellToken(
  context: TokenContext,
  { account, tenant }: PowerShellTokenRequest,
): Promise<string | NotSetUp> {
  const { runtime, audience } = context;
  const shells = runtime.platform === 'win32' ? ['pwsh', 'powershell'] : ['pwsh'];
  const without: string[] = [];
  for (const name of shells) {
    const file = findExecutable(runtime, name);
    if (file === undefined) continue;
    const answer = await runTool(context, {
      source: 'azure-powershell',
      file,
      args: ['-NoProfile', '-NonInteractive', '-Command', SCRIPT],
      variables: { ...QUIET, [RESOURCE_VARIABLE]: audience, [TENANT_VARIABLE]: tenant ?? '' },
      check: `${name} -NoProfile -Command Get-AzContext`,
      readToken,
    });
    if (typeof answer === 'string') return answer;
    if (answer.exitCode === MODULE_MISSING) {
      without.push(name);
      continue;
    }
    const signIn = `Connect-AzAccount${tenant === undefined ? '' : ` -Tenant ${tenant}`}`;
    throw explainRefusal(answer, {
      name,
      who: `the account ${quoteForeignText(account, 80)} of Azure PowerShell`,
      tenant,
      needsSignIn: /Connect-AzAccount/.test(answer.text),
      signIn: `${name} -Command "${signIn}"`,
      check: `${name} -Command "Get-AzAccessToken -ResourceUrl ${audience} | Select-Object ExpiresOn"`,
    });
  }
  if (without.length === 0) return { notSetUp: 'Azure PowerShell has an account, but pwsh is not on PATH' };
  return {
    notSetUp: `${without.join(' and ')} cannot load Az.Accounts: Install-Module Az.Accounts -Scope CurrentUser`,
  };
}

/** A module may write what it likes before our line. */
function readToken(stdout: string): string | undefined {
  const answer = splitLines(stdout).findLast((line) => line.startsWith('{'));
  return answer === undefined ? undefined : asText(parseJsonObject(answer)?.['token']);
}
