import { serve } from '@hono/node-server';
import { paywall } from '@agentpay/paywall';
import { paidHandler } from '@agentpay/paywall/fetch';

const { PAY_TO = '', FACILITATOR_URL = 'http://127.0.0.1:3102', PORT = '3000' } = process.env;
const pay = paywall({ payTo: PAY_TO, network: 'base-sepolia', facilitator: FACILITATOR_URL });

/** A handler in the style of fetch, as Next.js and others take it. */
const weather = paidHandler(pay.charge('$0.01'), () => Response.json({ sky: 'blue' }));
serve({ fetch: weather, port: Number(PORT) }, ({ port }) => {
  console.log(`Selling at http://127.0.0.1:${port}/weather`);
});
