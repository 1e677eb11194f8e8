import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '@agentpay/cli';
import { runCommands } from '@agentpay/http/commands';
import { spawned, type Spawned } from '@agentpay/testing';

const root = fileURLToPath(new URL('../../..', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly said: string;
}

/** Carries out what `agentpay dev` prints to be pasted, word for word, each where its reader has it. */
export async function paste(
  said: string,
): Promise<Record<'program' | 'buyer' | 'price' | 'balance', Outcome>> {
  const program = /^ {2}import \{ createClient \}(?:.*\n {2})+.*$/m.exec(said)?.[0] ?? '';
  const [buyer = ''] = /^ {2}SELLER_URL=.*$/m.exec(said) ?? [];
  const [price = '', balance = ''] = [...said.matchAll(/^ {2}(curl .*)$/gm)].map(
    ([, line]) => line as string,
  );
  // `test` has the SDK among what is installed, as the project of a reader has.
  const sdk = spawned(process.execPath, ['--input-type=module', '-e', program], { cwd: join(root, 'test') });
  return {
    program: await outcomeOf(sdk),
    buyer: await outcomeOf(spawned('bash', ['-c', buyer], { cwd: root })),
    price: await outcomeOf(spawned('bash', ['-c', price])),
    balance: await outcomeOf(spawned('bash', ['-c', balance])),
  };
}

async function outcomeOf(run: Spawned): Promise<Outcome> {
  const { code } = await run.ended;
  return { code, said: run.output() };
}

/** `agentpay trigger` in the folder in which the stack was started. */
export async function triggered(folder: string, event: string): Promise<{ code: number; ok: boolean }> {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const around = { print, note: print, write: async () => undefined, env: {}, folder };
  const code = await runCommands(table, ['trigger', event, '--json'], around);
  return { code, ok: (JSON.parse(lines.join('\n')) as { ok: boolean }).ok };
}
