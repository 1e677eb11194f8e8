import express from 'express';
import { paywall } from '@agentpay/paywall';

const { PAY_TO = '', FACILITATOR_URL = 'http://127.0.0.1:3102', PORT = '3000' } = process.env;
const pay = paywall({ payTo: PAY_TO, network: 'base-sepolia', facilitator: FACILITATOR_URL });

const app = express();
app.get('/weather', pay.charge('$0.01'), (_request, response) => void response.json({ sky: 'blue' }));
const server = app.listen(Number(PORT), () => {
  const { port } = server.address() as { port: number };
  console.log(`Selling at http://127.0.0.1:${port}/weather`);
});
