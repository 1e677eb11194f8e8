// An Express API that charges for its routes in x402 v2, x402 v1, MPP and AgentPay payment tokens.
import { setTimeout as wait } from 'node:timers/promises';
import express, { type ErrorRequestHandler } from 'express';
import { meteredCalls, paywall } from '@agentpay/paywall';
import { connectRedis, redisStore } from '@agentpay/tracker';

const { PORT = '3101', HOST = '127.0.0.1', PRICE = '$0.01', NETWORK = 'base-sepolia' } = process.env;
const {
  FACILITATOR_URL = 'http://127.0.0.1:3102',
  AGENTPAY_API_URL,
  AGENTPAY_API_KEY,
  AGENTPAY_SERVICE_ID,
} = process.env;
const { PAY_TO, MPP_SECRET, REDIS_URL } = process.env;
if (!PAY_TO) {
  console.error('Set PAY_TO to the address that receives the money.');
  process.exit(1);
}

const redis = REDIS_URL ? await connectRedis(REDIS_URL, { log: console.error }) : undefined;
const service = AGENTPAY_SERVICE_ID ? { service: AGENTPAY_SERVICE_ID } : {};
const pay = paywall({
  payTo: PAY_TO,
  network: NETWORK,
  facilitator: FACILITATOR_URL,
  ...(MPP_SECRET && { mppSecret: MPP_SECRET }),
  ...(redis && { store: redisStore(redis, { prefix: 'paid-api:' }) }),
  ...(AGENTPAY_API_URL &&
    AGENTPAY_API_KEY && { token: { url: AGENTPAY_API_URL, key: AGENTPAY_API_KEY, ...service } }),
});

const metered =
  AGENTPAY_API_URL && AGENTPAY_SERVICE_ID
    ? meteredCalls({ url: AGENTPAY_API_URL, service: AGENTPAY_SERVICE_ID })
    : async () => undefined;

const app = express().disable('x-powered-by');
const served = { paid: 0, post: 0, stream: 0, fail: 0, slow: 0, agent: 0, metered: 0 };

app.get('/health', (_req, res) => void res.json({ status: 'ok' }));
// Calls under a usage agreement are counted and settled by AgentPay: they pass the paywall by.
app.use('/paid', async (req, res, next) => {
  const usage = await metered(req);
  if (!usage) return next();
  res.json({ served: ++served.metered, agreement: usage.agreement, method: req.method, path: req.path });
});
app.get(
  '/paid',
  pay.charge({ price: PRICE, description: 'A number that grows' }),
  (_req, res) => void res.json({ served: ++served.paid }),
);
app.post(
  '/post',
  pay.charge(PRICE),
  express.json(),
  (req, res) => void res.json({ served: ++served.post, received: req.body as unknown }),
);
// An agent of the marketplace: gateways pay for its calls at AgentPay, so it asks for nothing here.
app.post('/agent', express.json({ limit: '200kb' }), (req, res) => {
  const { method = null, input = null } = (req.body ?? {}) as { method?: unknown; input?: unknown };
  res.json({ served: ++served.agent, method, received: input });
});
app.get(
  '/fail',
  pay.charge(PRICE),
  (_req, res) => void res.status(500).json({ code: 'example_failure', served: ++served.fail }),
);
app.get('/slow', pay.charge(PRICE), async (_req, res) => {
  const count = ++served.slow;
  await wait(1000);
  res.json({ served: count });
});
// A stream is paid for before it begins, because nothing of it is held back.
app.get('/stream', pay.charge({ price: PRICE, settle: 'before' }), async (_req, res) => {
  res.type('json').write(`{"served":${++served.stream},"chunks":[0`);
  for (const chunk of [1, 2, 3]) {
    await wait(100);
    res.write(`,${chunk}`);
  }
  res.end(']}');
});

app.use((_req, res) => void res.status(404).json({ code: 'not_found' }));
const onError: ErrorRequestHandler = (
  { status = 500, type = 'bad_request' }: { status?: number; type?: string },
  _req,
  res,
  _next,
) => {
  res.status(status).json({ code: status < 500 ? type.replaceAll('.', '_') : 'internal_error' });
};
app.use(onError);

// Express tells of a port that cannot be used by the same callback.
const server = app.listen(Number(PORT), HOST, (error?: NodeJS.ErrnoException) => {
  if (error) {
    const why = error.code === 'EADDRINUSE' ? 'it is taken; give another one in PORT' : error.message;
    console.error(`Port ${PORT} cannot be used: ${why}.`);
    process.exit(1);
  }
  console.log(`Paid API at http://${HOST}:${PORT}, ${PRICE} a call to ${PAY_TO}`);
});
server.on('clientError', (error: { code?: string }, socket) => {
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const head = `HTTP/1.1 ${tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\nConnection: close`;
  if (socket.writable)
    socket.end(`${head}\r\n\r\n{"code":"${tooLarge ? 'headers_too_large' : 'bad_request'}"}`);
});
process.once('SIGTERM', () => server.close(() => redis?.disconnect()));
