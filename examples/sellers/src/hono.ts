import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { paywall } from '@agentpay/paywall';
import { honoPaywall } from '@agentpay/paywall/hono';

const { PAY_TO = '', FACILITATOR_URL = 'http://127.0.0.1:3102', PORT = '3000' } = process.env;
const pay = paywall({ payTo: PAY_TO, network: 'base-sepolia', facilitator: FACILITATOR_URL });

const app = new Hono();
app.get('/weather', honoPaywall(pay.charge('$0.01')), (context) => context.json({ sky: 'blue' }));
serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => {
  console.log(`Selling at http://127.0.0.1:${port}/weather`);
});
