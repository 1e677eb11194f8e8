import type { z } from 'zod';

/** The variables of a process. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The environment is wrong; each fault is one sentence that names the variable and never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
  }
}

/**
 * Reads the variables that the schema names. Empty ones count as absent.
 * @param aliases other names of a variable, `{ RPC_URLS: 'RPC_URL' }`; faults name the one that was given
 * @throws ConfigError with one fault for each variable that is wrong
 */
export function readEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  env: Env,
  aliases: Readonly<Record<string, string>> = {},
): z.output<Schema> {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  for (const [name, alias] of Object.entries(aliases)) given[name] ??= given[alias];
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const first = new Map<string, string>();
  for (const { path, message } of parsed.error.issues) {
    const name = String(path[0]);
    const alias = aliases[name];
    const written = alias !== undefined && !env[name] && env[alias] ? alias : name;
    if (!first.has(name)) first.set(name, `${written} ${message}.`);
  }
  throw new ConfigError([...first.values()]);
}
