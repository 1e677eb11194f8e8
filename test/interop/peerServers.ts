import { transferCall } from '@agentpay/evm';
import { baseSepolia } from '@agentpay/primitives';
import { toAuthorization, type ExactPayload } from '@agentpay/protocol';
import { HTTPFacilitatorClient } from '@x402/core/server';
import { x402Facilitator } from '@x402/core/facilitator';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { ExactEvmScheme as ExactEvmFacilitator } from '@x402/evm/exact/facilitator';
import { ExactEvmSchemeV1 as ExactEvmFacilitatorV1 } from '@x402/evm/exact/v1/facilitator';
import { ExactEvmScheme as ExactEvmServer } from '@x402/evm/exact/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import { getRequestListener } from '@hono/node-server';
import { paymentMiddleware as paymentMiddlewareHono } from '@x402/hono';
import express, { type Express, type RequestHandler } from 'express';
import { Hono } from 'hono';
import { Mppx, evm } from 'mppx/express';
import { createWalletClient, http, nonceManager, publicActions, type Hex, type NonceManager } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { baseSepolia as viemBaseSepolia } from 'viem/chains';
import { paymentMiddleware as paymentMiddlewareV1 } from 'x402-express';
import { paymentMiddleware as paymentMiddlewareHonoV1 } from 'x402-hono';
import { PRICE, type InteropStack } from './stack.js';

const usdc = baseSepolia.usdc;

type SellerSetup = Pick<InteropStack, 'payTo' | 'serve'>;
type FacilitatorSetup = Pick<InteropStack, 'facilitatorKey' | 'rpcUrl' | 'serve'>;

/** A seller of the weather behind some payment middleware. */
export interface PeerSeller {
  readonly url: string;
  readonly served: () => number;
}

/** Puts the weather behind the given middleware (or route handlers) and serves it. */
export async function serveWeather(
  stack: SellerSetup,
  pay: (app: Express, handler: RequestHandler) => void,
): Promise<PeerSeller> {
  let served = 0;
  const app = express();
  pay(app, (_req, res) => {
    served++;
    res.json({ weather: 'sunny' });
  });
  return { url: `${await stack.serve(app)}/weather`, served: () => served };
}

/** The same behind middleware for Hono. */
async function serveWeatherByHono(stack: SellerSetup, pay: (app: Hono) => void): Promise<PeerSeller> {
  let served = 0;
  const hono = new Hono();
  pay(hono);
  hono.get('/weather', (context) => {
    served++;
    return context.json({ weather: 'sunny' });
  });
  const app = express();
  app.use(getRequestListener(hono.fetch) as RequestHandler);
  return { url: `${await stack.serve(app)}/weather`, served: () => served };
}

/** What the official middlewares of x402 v2 take. */
function routesV2({ payTo }: SellerSetup, facilitator: string) {
  const price = { amount: PRICE.toString(), asset: usdc.address, extra: { ...usdc.eip712 } };
  const accepts = { scheme: 'exact', network: baseSepolia.id, payTo, maxTimeoutSeconds: 300, price };
  const client = new HTTPFacilitatorClient({ url: facilitator });
  const server = new x402ResourceServer(client).register(baseSepolia.id, new ExactEvmServer());
  return {
    routes: { 'GET /weather': { accepts, description: 'Weather', mimeType: 'application/json' } },
    server,
  };
}

/** `@x402/express`, x402 v2. */
export function x402Express(stack: SellerSetup, facilitator: string): Promise<PeerSeller> {
  return serveWeather(stack, (app, handler) => {
    const { routes, server } = routesV2(stack, facilitator);
    app.use(paymentMiddleware(routes, server));
    app.get('/weather', handler);
  });
}

/** `@x402/hono`, x402 v2. */
export function x402Hono(stack: SellerSetup, facilitator: string): Promise<PeerSeller> {
  return serveWeatherByHono(stack, (app) => {
    const { routes, server } = routesV2(stack, facilitator);
    app.use(paymentMiddlewareHono(routes, server));
  });
}

/** What the official middlewares of x402 v1 take. */
const routesV1 = {
  'GET /weather': {
    network: 'base-sepolia',
    price: {
      amount: PRICE.toString(),
      asset: { address: usdc.address, decimals: usdc.decimals, eip712: { ...usdc.eip712 } },
    },
    config: { description: 'Weather' },
  },
} as const;

/** The legacy `x402-express`, x402 v1. */
export function x402ExpressV1(stack: SellerSetup, facilitator: string): Promise<PeerSeller> {
  return serveWeather(stack, (app, handler) => {
    const url = facilitator as `http://${string}`;
    app.use(paymentMiddlewareV1(stack.payTo, routesV1, { url }) as unknown as RequestHandler);
    app.get('/weather', handler);
  });
}

/** The legacy `x402-hono`, x402 v1. */
export function x402HonoV1(stack: SellerSetup, facilitator: string): Promise<PeerSeller> {
  return serveWeatherByHono(stack, (app) => {
    const url = facilitator as `http://${string}`;
    app.use(paymentMiddlewareHonoV1(stack.payTo, routesV1, { url }));
  });
}

/** mppx's Express middleware: MPP. */
export function mppxExpress(stack: SellerSetup, facilitator: string): Promise<PeerSeller> {
  return serveWeather(stack, (app, handler) => {
    const mppx = Mppx.create({
      realm: 'weather.example',
      secretKey: Buffer.alloc(32, 7).toString('base64'),
      methods: [
        evm.charge({
          chainId: baseSepolia.chainId,
          currency: usdc.address,
          decimals: usdc.decimals,
          recipient: stack.payTo,
          authorization: { ...usdc.eip712 },
          x402: { facilitator },
        }),
      ],
    });
    app.get('/weather', mppx.charge({ amount: '0.01' }) as unknown as RequestHandler, handler);
  });
}

/** mppx's Express middleware, MPP alone: no x402 beside it, and no facilitator. It settles by its own account. */
export async function mppxAlone(
  stack: SellerSetup & Pick<InteropStack, 'rpcUrl' | 'newFacilitatorKey'>,
): Promise<PeerSeller> {
  const account = privateKeyToAccount(await stack.newFacilitatorKey());
  const transport = http(stack.rpcUrl);
  const wallet = createWalletClient({
    account,
    chain: viemBaseSepolia,
    transport,
    pollingInterval: 50,
  }).extend(publicActions);
  // The transport that comes with the method offers x402 beside MPP.
  const { transport: _, ...method } = evm.charge({
    chainId: baseSepolia.chainId,
    currency: usdc.address,
    decimals: usdc.decimals,
    recipient: stack.payTo,
    authorization: { ...usdc.eip712 },
    async settle({ payload }) {
      const { signature, ...authorization } = payload as ExactPayload['authorization'] & { signature: Hex };
      const call = transferCall(usdc.address, toAuthorization(authorization), signature);
      const reference = await wallet.sendTransaction(call);
      const { status } = await wallet.waitForTransactionReceipt({ hash: reference });
      if (status !== 'success') throw new Error(`${reference} has failed.`);
      return { reference };
    },
  });
  return serveWeather(stack, (app, handler) => {
    const secretKey = Buffer.alloc(32, 8).toString('base64');
    const mppx = Mppx.create({
      realm: 'weather.example',
      secretKey,
      methods: [method as ReturnType<typeof evm.charge>],
    });
    app.get('/weather', mppx.charge({ amount: '0.01' }) as unknown as RequestHandler, handler);
  });
}

/** How the account of the official facilitator is tuned; its own example leaves both undefined. */
const TUNING: {
  readonly nonceManager: NonceManager | undefined;
  readonly pollingInterval: number | undefined;
} = {
  nonceManager,
  pollingInterval: 50,
};

/** A facilitator built from `@x402/core` and `@x402/evm`; gives its URL. */
export function officialFacilitator(
  stack: FacilitatorSetup,
  tuning: Partial<typeof TUNING> = {},
): Promise<string> {
  const { nonceManager: nonces, pollingInterval } = { ...TUNING, ...tuning };
  const account = privateKeyToAccount(stack.facilitatorKey, nonces && { nonceManager: nonces });
  const pace = pollingInterval === undefined ? {} : { pollingInterval };
  const client = createWalletClient({
    account,
    chain: viemBaseSepolia,
    transport: http(stack.rpcUrl),
    ...pace,
  }).extend(publicActions);
  const facilitator = new x402Facilitator();
  const signer = toFacilitatorEvmSigner({ ...client, address: account.address } as unknown as Parameters<
    typeof toFacilitatorEvmSigner
  >[0]);
  facilitator.register(baseSepolia.id, new ExactEvmFacilitator(signer));
  facilitator.registerV1('base-sepolia' as `${string}:${string}`, new ExactEvmFacilitatorV1(signer));

  const app = express();
  app.use(express.json());
  app.post(
    '/verify',
    async (req, res) =>
      void res.json(await facilitator.verify(req.body.paymentPayload, req.body.paymentRequirements)),
  );
  app.post(
    '/settle',
    async (req, res) =>
      void res.json(await facilitator.settle(req.body.paymentPayload, req.body.paymentRequirements)),
  );
  app.get('/supported', (_req, res) => void res.json(facilitator.getSupported()));
  return stack.serve(app);
}
