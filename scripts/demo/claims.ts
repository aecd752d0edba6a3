/** What is inside a token, told without giving the token away. */

/** @returns one line a claim, shortened; none of a text that is not a JWT */
export function describeClaims(token: string): readonly string[] {
  return Object.entries(decodeClaims(token)).map(([name, value]) => `${name.padEnd(12)}${describeValue(name, value)}`);
}

function decodeClaims(token: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? { ...claims } : {};
  } catch {
    return {};
  }
}

function describeValue(name: string, value: unknown): string {
  if (typeof value === 'number' && ['exp', 'iat', 'nbf'].includes(name)) return describeTime(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 70 ? `${text.slice(0, 69)}…` : text;
}

function describeTime(seconds: number): string {
  const minutes = Math.round(seconds - Date.now() / 1000) / 60;
  const distance = Math.abs(minutes) < 1 ? 'now' : `${minutes < 0 ? '-' : 'in '}${describeMinutes(Math.abs(minutes))}`;
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z (${distance})`;
}

function describeMinutes(minutes: number): string {
  const whole = Math.round(minutes);
  return whole < 60 ? `${whole} min` : `${Math.floor(whole / 60)} h ${whole % 60} min`;
}
