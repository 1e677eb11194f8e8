import { readConfig, start } from '@agentpay/facilitator';
import { testDatabase } from '@agentpay/testing';
import { pino } from 'pino';
import type { InteropStack } from './stack.js';

/** AgentPay's facilitator as its own server, on PostgreSQL where there is one and else in memory; gives its URL. Ends with the stack. */
export async function agentpayFacilitator(
  stack: InteropStack,
  settings: Readonly<Record<string, string>> = {},
): Promise<string> {
  const database = process.env['DATABASE_URL'] ? await testDatabase() : undefined;
  const own = {
    PORT: '0',
    HOST: '127.0.0.1',
    RPC_URL: stack.rpcUrl,
    SIGNER_KEYS: stack.facilitatorKey,
    DATABASE_URL: database?.url,
    DISCOVERY_HOSTS: '127.0.0.1,localhost',
  };
  const server = await start(readConfig({ ...own, ...settings }), pino({ level: 'silent' }));
  stack.onClose(async () => {
    await server.close();
    await database?.drop();
  });
  return server.url;
}
