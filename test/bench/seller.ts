/**
 * A seller with a priced and a free route behind a table of prices, by one middleware, the other, or none: `node seller.js NAME`,
 * configured by PORT, PAY_TO, FACILITATOR_URL.
 */
import { baseSepolia } from '@agentpay/primitives';
import { paywall } from '@agentpay/paywall';
import { HTTPFacilitatorClient } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import express, { type RequestHandler } from 'express';

const { PORT, PAY_TO = '', FACILITATOR_URL = '' } = process.env;
const about = { description: 'Weather', mimeType: 'application/json' };

function official(): RequestHandler {
  const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: FACILITATOR_URL })).register(
    baseSepolia.id,
    new ExactEvmScheme(),
  );
  const accepts = { scheme: 'exact', network: baseSepolia.id, payTo: PAY_TO, price: '$0.01' };
  return paymentMiddleware({ 'GET /weather': { accepts, ...about } }, server);
}

function own(): RequestHandler {
  return paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator: FACILITATOR_URL,
    routes: { 'GET /weather': { price: '$0.01', ...about } },
  });
}

const middlewares: Record<string, (() => RequestHandler) | undefined> = {
  agentpay: own,
  'x402-express': official,
};
const middleware = middlewares[process.argv[2] ?? '']?.();

const app = express();
if (middleware) app.use(middleware);
app.get('/weather', (_req, res) => void res.json({ weather: 'sunny' }));
app.get('/free', (_req, res) => void res.json({ weather: 'sunny' }));
app.listen(Number(PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
