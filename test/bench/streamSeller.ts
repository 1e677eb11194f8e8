/**
 * A seller of a long stream: `node streamSeller.js NAME`, configured by PORT. The money is imaginary: a facilitator in this process says
 * yes to everything.
 */
import { baseSepolia } from '@agentpay/primitives';
import { paywall } from '@agentpay/paywall';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import express, { type RequestHandler } from 'express';
import { bytesOf } from './bytesOf.js';

const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';

const yes = {
  verify: async () => ({ isValid: true }),
  settle: async () => ({ success: true, transaction: `0x${'0'.repeat(64)}`, network: baseSepolia.id }),
};

const middlewares: Record<string, () => RequestHandler> = {
  bare: () => (_req, _res, next) => next(),
  agentpay() {
    const facilitator = { ...yes, supported: async () => ({ kinds: [], extensions: [], signers: {} }) };
    return paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator,
      routes: { 'GET /stream': { price: '$0.01', settle: 'before' } },
    });
  },
  'x402-express'() {
    const kinds = [{ x402Version: 2, scheme: 'exact', network: baseSepolia.id }];
    const client = { ...yes, getSupported: async () => ({ kinds, extensions: [], signers: {} }) };
    const server = new x402ResourceServer(client as never).register(baseSepolia.id, new ExactEvmScheme());
    const accepts = { scheme: 'exact', network: baseSepolia.id, payTo: PAY_TO, price: '$0.01' };
    return paymentMiddleware(
      { 'GET /stream': { accepts, description: 'Stream', mimeType: 'application/octet-stream' } },
      server,
    );
  },
};

const app = express();
app.use(middlewares[process.argv[2] ?? '']?.() ?? (() => process.exit(2)));
app.get(
  '/stream',
  (req, res) => void bytesOf(Number(req.query['bytes'])).pipe(res.type('application/octet-stream')),
);
app.listen(Number(process.env['PORT']), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
