import Koa from 'koa';
import { paywall } from '@agentpay/paywall';
import { koaPaywall } from '@agentpay/paywall/koa';

const { PAY_TO = '', FACILITATOR_URL = 'http://127.0.0.1:3102', PORT = '3000' } = process.env;
const pay = paywall({
  payTo: PAY_TO,
  network: 'base-sepolia',
  facilitator: FACILITATOR_URL,
  routes: { 'GET /weather': '$0.01' },
});

const app = new Koa();
app.use(koaPaywall(pay));
app.use((context) => void (context.body = { sky: 'blue' }));
const server = app.listen(Number(PORT), () => {
  const { port } = server.address() as { port: number };
  console.log(`Selling at http://127.0.0.1:${port}/weather`);
});
