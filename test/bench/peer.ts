/**
 * One peer in a process of its own: `node peer.js NAME`, configured by PORT, RPC_URL, KEY, PAY_TO, FACILITATOR_URL. Each is assembled as
 * its own documentation does.
 */
import { once } from 'node:events';
import type { Hex } from 'viem';
import type express from 'express';
import { mppxExpress, officialFacilitator, x402Express, x402ExpressV1 } from '../interop/peerServers.js';

const { PORT, RPC_URL = '', KEY, PAY_TO, FACILITATOR_URL = '' } = process.env;
const setup = {
  rpcUrl: RPC_URL,
  facilitatorKey: KEY as Hex,
  payTo: PAY_TO as Hex,
  async serve(app: express.Express) {
    await once(app.listen(Number(PORT), '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${PORT}`;
  },
};

const peers: Record<string, () => Promise<unknown>> = {
  'x402-express': () => x402Express(setup, FACILITATOR_URL),
  'x402-express-v1': () => x402ExpressV1(setup, FACILITATOR_URL as `http://${string}`),
  'mppx-express': () => mppxExpress(setup, FACILITATOR_URL),
  'x402-facilitator': () => officialFacilitator(setup),
  'x402-facilitator-nonces': () => officialFacilitator(setup, { pollingInterval: undefined }),
  'x402-facilitator-example': () =>
    officialFacilitator(setup, { pollingInterval: undefined, nonceManager: undefined }),
};

process.on('SIGTERM', () => process.exit(0));
await peers[process.argv[2] ?? '']?.();
