import type { Called } from '@agentpay/http/commands';
import { resolve } from 'node:path';
import { jsonText } from '../print.js';
import { addUp, earnedText } from './PaymentBook.js';

/** `agentpay earnings`. @returns the exit code */
export async function earnings({ flags, around: { folder, print } }: Called): Promise<number> {
  const { payments, amount, byRoute } = await addUp(
    resolve(folder, String(flags['data'] ?? '.agentpay/sell')),
  );
  const routes = [...byRoute].map(([route, sum]) => ({ route, ...sum }));
  if (flags['json']) print(jsonText({ ok: true, payments, amount, routes }));
  else {
    for (const { route, ...sum } of routes) print(`${route}: ${earnedText(sum)}`);
    print(`In all: ${earnedText({ payments, amount })}.`);
  }
  return 0;
}
