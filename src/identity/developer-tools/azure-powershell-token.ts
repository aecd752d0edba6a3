/**
 * Gets a token from Azure PowerShell.
 *
 * @see https://learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken
 */

import { asText, parseJsonObject } from '../../json.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { createQuote, cutBeginning } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import { findExecutable } from '../../system/child-process.ts';
import type { TokenContext } from '../identity.ts';
import { explainRefusal, runTool, splitLines } from './developer-tool.ts';

/** The account to get a token for. */
export interface PowerShellTokenRequest {
  /** The account's name, for error messages. */
  readonly account: string;
  /** A tenant other than the account's own. */
  readonly tenant: string | undefined;
}

const RESOURCE_VARIABLE = 'AZURE_IDENTITY_POWERSHELL_RESOURCE';
const TENANT_VARIABLE = 'AZURE_IDENTITY_POWERSHELL_TENANT_ID';
const MODULE_MISSING = 3;
/** How much of the end of its output is read. */
const MAX_TOKEN_CHARACTERS = 64 * 1024;

/** Turns off telemetry, the update check and colours. */
const QUIET = { POWERSHELL_TELEMETRY_OPTOUT: '1', POWERSHELL_UPDATECHECK: 'Off', NO_COLOR: '1' };

/**
 * The script reads the resource and the tenant from its environment, so that nothing has to be quoted. Before
 * Az.Accounts 5.0, the token is a plain string by default; since 5.0, it is a `SecureString`, which cannot be written
 * as JSON. Versions from 2.17 return a `SecureString` on request.
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
 * Runs `Get-AzAccessToken` in PowerShell. On Windows, it uses Windows PowerShell if `pwsh` is missing or has no
 * Az.Accounts module.
 * @returns `NotSetUp` when there is no PowerShell with that module.
 * @throws IDENTITY_FAILED with the error messages of Azure PowerShell; AUDIENCE_UNKNOWN when the tenant does not know
 * the audience.
 */
export async function requestPowerShellToken(
  context: TokenContext,
  { account, tenant }: PowerShellTokenRequest,
): Promise<string | NotSetUp> {
  const { runtime, audience } = context;
  const shells = runtime.platform === 'win32' ? ['pwsh', 'powershell'] : ['pwsh'];
  const withoutModule: string[] = [];
  for (const name of shells) {
    const file = findExecutable(runtime, name);
    if (file === undefined) continue;
    const result = await runTool(context, {
      source: 'azure-powershell',
      file,
      args: ['-NoProfile', '-NonInteractive', '-Command', SCRIPT],
      variables: { ...QUIET, [RESOURCE_VARIABLE]: audience, [TENANT_VARIABLE]: tenant ?? '' },
      check: `${name} -NoProfile -Command Get-AzContext`,
      readToken,
    });
    if (typeof result === 'string') return result;
    if (result.exitCode === MODULE_MISSING) {
      withoutModule.push(name);
      continue;
    }
    const signIn = `Connect-AzAccount${tenant === undefined ? '' : ` -Tenant ${plainWord(tenant, 'TENANT')}`}`;
    throw explainRefusal(result, {
      name,
      who: `the account ${createQuote(runtime)(account, 80)} of Azure PowerShell`,
      tenant,
      needsSignIn: /Connect-AzAccount/.test(result.text),
      signIn: `${name} -Command "${signIn}"`,
      check: `${name} -Command "Get-AzAccessToken -ResourceUrl ${plainWord(audience, 'AUDIENCE')} | Select-Object ExpiresOn"`,
    });
  }
  if (withoutModule.length === 0) return { notSetUp: 'Azure PowerShell has an account, but pwsh is not on PATH' };
  return {
    notSetUp: `${withoutModule.join(' and ')} cannot load Az.Accounts: Install-Module Az.Accounts -Scope CurrentUser`,
  };
}

/** A word within a quoted command, where it cannot be quoted again. */
function plainWord(text: string, otherwise: string): string {
  return shellWord(text) === text ? text : otherwise;
}

/** Reads the token from the last line in JSON, since a module may print other lines before it. */
function readToken(stdout: string): string | undefined {
  const lastJson = splitLines(cutBeginning(stdout, MAX_TOKEN_CHARACTERS)).findLast((line) => line.startsWith('{'));
  return lastJson === undefined ? undefined : asText(parseJsonObject(lastJson)?.['token']);
}
