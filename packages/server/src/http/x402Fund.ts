import { AsyncLocalStorage } from 'node:async_hooks';
import { decodeRequest, gateway, type RequestOf } from '@agentpay/api';
import { gateways, type Core } from '@agentpay/core';
import { paywall } from '@agentpay/paywall';
import { AgentPayError, formatDecimal } from '@agentpay/primitives';
import { exactPayloadSchema, type Facilitator, type FacilitatorRequest } from '@agentpay/protocol';
import type { Express, NextFunction, Request, Response } from 'express';
import type { Authenticate } from '../auth/authenticate.js';
import type { Composition } from '../compose.js';
import { readBody } from './body.js';
import { rememberFamily } from './errors.js';
import { refuseMethod } from './mount.js';
import type { Limit } from './rateLimit.js';
import { outcomeOf, type ChainTill } from '../treasury/ChainTill.js';

const PATH = '/gateway/fund/x402';
const { create } = gateway.nouns.fundings;

/** What is known of a request while its payment is settled. */
interface Asking {
  readonly gatewayId: string | undefined;
  reference?: string;
}

/**
 * `POST /gateway/fund/x402`: without a proof 402 with offers for the amount of the body; with one, in `Authorization: x402 usdc
 * <payload>` or in the header of any dialect of the paywall, the gateway of `X-Gateway-Key`, or else that of the payer, is credited. A
 * payment is noted before it is settled, and its credit is part of settling: no money is taken that nobody finds.
 */
export function x402FundRoutes(
  app: Express,
  { core, till, baseUrl }: Composition,
  { authenticate, limit }: { readonly authenticate: Authenticate; readonly limit: Limit },
): void {
  const asking = new AsyncLocalStorage<Asking>();
  const wall = till && wallOf(core, till, { asking, baseUrl });

  app.post(PATH, async (request: Request, response: Response, next: NextFunction) => {
    response.locals['endpoint'] = 'gateway.fundings.x402';
    rememberFamily(response, gateway);
    const key = request.get('x-gateway-key');
    const principal = key === undefined ? undefined : await authenticate(['gateway'], request);
    if (principal) await limit.principal(principal.party.id, 'standard', response);
    else await limit.address(request, response);
    if (!wall)
      throw new AgentPayError('settlement_not_configured', 'Payments on a chain are not configured.');
    amountIn(await readBody(request, response));
    takeIntent(request);
    const asked: Asking = { gatewayId: principal?.party.id };
    asking.run(asked, () => wall(request, response, () => void answer(core, asked, response).catch(next)));
  });
  app.all(PATH, refuseMethod(gateway, ['POST']));
}

async function answer(core: Core, { reference = '' }: Asking, response: Response): Promise<void> {
  const { id, status } = await gateways.paidBy(core, { reference });
  response.setHeader('Cache-Control', 'no-store').json({ funding_id: id, status });
}

/** The amount that a body asks for. @throws AgentPayError `invalid_request`, `invalid_amount` */
function amountIn(body: unknown): bigint {
  const wanted = { ...(body as object), source: 'x402' };
  const decoded: RequestOf<typeof create> = decodeRequest(create, { params: {}, query: {}, body: wanted });
  return decoded.body.amount_usdc;
}

/** `Authorization: x402 usdc <payload>` as the header that x402 has for it. */
function takeIntent({ headers }: Request): void {
  const [, intent] = /^x402 +usdc +([\w+/=-]{1,16000})$/i.exec(headers.authorization ?? '') ?? [];
  if (intent === undefined) return;
  delete headers.authorization;
  headers[versionOf(intent) === 1 ? 'x-payment' : 'payment-signature'] ??= intent;
}

function versionOf(intent: string): unknown {
  try {
    return (JSON.parse(Buffer.from(intent, 'base64').toString()) as { x402Version?: unknown }).x402Version;
  } catch {
    return undefined;
  }
}

function wallOf(
  core: Core,
  { payTo, network, facilitator }: ChainTill,
  { asking, baseUrl }: { readonly asking: AsyncLocalStorage<Asking>; readonly baseUrl: () => string },
) {
  const noted: Facilitator = {
    verify: (request) => facilitator.verify(request),
    supported: () => facilitator.supported(),
    async settle(request) {
      const asked = asking.getStore() as Asking;
      const expected = { ...paymentOf(request), gatewayId: asked.gatewayId };
      const { reference } = await gateways.expectPayment(core, expected);
      asked.reference = reference ?? '';
      const settled = await facilitator.settle(request);
      const outcome = outcomeOf(settled);
      if (outcome.status === 'settled') await gateways.credit(core, { reference: asked.reference });
      if (outcome.status === 'failed')
        await gateways.giveUp(core, { reference: asked.reference, failure: outcome.reason });
      return settled;
    },
  };
  const options = { payTo, network: network.id, facilitator: noted, clock: core.clock, baseUrl: baseUrl() };
  return paywall(options).charge({
    price: async (asked) => formatDecimal(amountIn(await asked.json())),
    vary: [],
    settle: 'before',
    description: 'Money for a gateway',
  });
}

/** What the books need to know of a payment that is about to be settled. */
function paymentOf(request: FacilitatorRequest): Omit<gateways.ExpectedPayment, 'gatewayId'> {
  const { authorization } = exactPayloadSchema.parse(request.paymentPayload.payload);
  const { network } = request.paymentRequirements;
  const payer = authorization.from.toLowerCase();
  return {
    reference: `${network}:${payer}:${authorization.nonce.toLowerCase()}`,
    payer,
    network,
    amount: BigInt(authorization.value),
    payment: request,
  };
}
