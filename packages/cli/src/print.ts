/** How this command line is called by whoever runs it: npx tells of itself in the environment. */
export function programIn(env: Readonly<Record<string, string | undefined>>): string {
  return env['npm_command'] === 'exec' ? 'npx @agentpay/cli' : 'agentpay';
}

/** JSON for programs; amounts as decimal digits. */
export function jsonText(value: object): string {
  return JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? String(member) : member), 2);
}
