import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { viemChain, type Chain } from '@agentpay/evm';
import {
  createFacilitator,
  migrations as facilitatorMigrations,
  type RunningFacilitator,
} from '@agentpay/facilitator';
import { baseSepolia, systemClock, systemRandom } from '@agentpay/primitives';
import { AGREEMENT_OPERATOR, type FacilitatorRequest, type Hex } from '@agentpay/protocol';
import { scratchDb } from '@agentpay/storage';
import { privateKeyToAccount } from 'viem/accounts';

/** A facilitator in this process that settles over HTTP, and sends a transaction when so many wait for it and not before. */
export interface PatientFacilitator {
  readonly url: string;
  readonly chain: Chain;
  /** How many transactions it has sent. */
  sent(): Promise<number>;
  close(): Promise<void>;
}

/** Longer than any test waits. */
const NEVER_MS = 3_600_000;

export async function patientFacilitator(options: {
  readonly rpcUrl: string;
  readonly key: Hex;
  readonly together: number;
}): Promise<PatientFacilitator> {
  const chain = viemChain({ rpcUrl: options.rpcUrl });
  const account = privateKeyToAccount(options.key);
  const db = await scratchDb({
    server: process.env['DATABASE_URL'] as string,
    migrations: facilitatorMigrations,
  });
  const facilitator = await createFacilitator({
    chain,
    db,
    network: baseSepolia,
    accounts: [account],
    escrow: { operator: AGREEMENT_OPERATOR },
    clock: systemClock,
    random: systemRandom,
    maxValidBeforeSeconds: 3_600,
    maxBatch: options.together,
    batchWindowMs: NEVER_MS,
    settleTimeoutMs: 40_000,
  });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void says(facilitator, request.url ?? '', JSON.parse(Buffer.concat(chunks).toString())).then(
        (said) => response.setHeader('content-type', 'application/json').end(JSON.stringify(said)),
        // Too few have come in time, on a busy machine.
        () => response.writeHead(503).end(),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    chain,
    sent: () => chain.transactionCount(account.address, 'latest'),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await facilitator.close();
      await db.close();
    },
  };
}

const says = (facilitator: RunningFacilitator, path: string, request: FacilitatorRequest) =>
  path === '/verify' ? facilitator.verify(request) : facilitator.settle(request);
