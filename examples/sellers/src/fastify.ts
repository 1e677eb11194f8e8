import Fastify from 'fastify';
import { paywall } from '@agentpay/paywall';
import { fastifyPaywall } from '@agentpay/paywall/fastify';

const { PAY_TO = '', FACILITATOR_URL = 'http://127.0.0.1:3102', PORT = '3000' } = process.env;
const pay = paywall({ payTo: PAY_TO, network: 'base-sepolia', facilitator: FACILITATOR_URL });

const app = Fastify();
app.get('/weather', { onRequest: fastifyPaywall(pay.charge('$0.01')) }, async () => ({ sky: 'blue' }));
console.log(`Selling at ${await app.listen({ port: Number(PORT), host: '127.0.0.1' })}/weather`);
