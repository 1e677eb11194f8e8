import { AsyncLocalStorage } from 'node:async_hooks';
import { gateway } from '@agentpay/api';
import { gateways, type Core, type Principal } from '@agentpay/core';
import { paywall } from '@agentpay/paywall';
import { AgentPayError, formatDecimal, isAgentPayError } from '@agentpay/primitives';
import { exactPayloadSchema, type Facilitator, type FacilitatorRequest } from '@agentpay/protocol';
import type { Express, NextFunction, Request, Response } from 'express';
import type { Authenticate } from '../auth/authenticate.js';
import type { Composition } from '../compose.js';
import { outcomeOf, type ChainTill } from '../treasury/ChainTill.js';
import { readBody } from './body.js';
import { rememberFamily } from './errors.js';
import { refuseMethod } from './mount.js';
import type { Limit } from './rateLimit.js';
import { paidRoutes, type PaidOrder, type PaidRoute } from './paidRoutes.js';

/** What is known of a request while its payment is settled. */
interface Asking {
  readonly order: PaidOrder;
  readonly gatewayId: string | undefined;
  reference?: string;
}

type Wall = (asked: Asking, request: Request, response: Response, next: () => void) => void;

/**
 * The routes that are paid by x402 themselves. Without a proof 402 with offers for the amount of the body; with one, in
 * `Authorization: x402 usdc <payload>` or in the header of any dialect of the paywall, the money is the gateway's of `X-Gateway-Key`, or
 * else of the payer. A payment is noted before it is settled, and its credit is part of settling: no money is taken that nobody finds.
 */
export function x402Routes(
  app: Express,
  { core, till, baseUrl, log }: Composition,
  options: { readonly authenticate: Authenticate; readonly limit: Limit },
): void {
  const behind = till && wallsOf({ core, log, baseUrl: baseUrl() }, till);
  for (const route of paidRoutes) {
    const wall = behind?.(route);
    const { path, id } = route.endpoint;
    app.post(path, async (request: Request, response: Response, next: NextFunction) => {
      response.locals['endpoint'] = id;
      rememberFamily(response, gateway);
      const principal = await admitPayer(options, request, response);
      if (!wall)
        throw new AgentPayError('settlement_not_configured', 'Payments on a chain are not configured.');
      const order = route.read(await readBody(request, response));
      takeIntent(request);
      const asked: Asking = { order, gatewayId: principal?.party.id };
      const answer = async () => {
        const shown = await route.answer(core, { reference: asked.reference ?? '' });
        response.setHeader('Cache-Control', 'no-store').json(shown);
      };
      wall(asked, request, response, () => void answer().catch(next));
    });
    app.all(path, refuseMethod(gateway, ['POST']));
  }
}

/** The gateway whose key came along; payers need none. @throws AgentPayError `unauthorized`, `rate_limited` */
async function admitPayer(
  { authenticate, limit }: { readonly authenticate: Authenticate; readonly limit: Limit },
  request: Request,
  response: Response,
): Promise<Principal | undefined> {
  if (request.get('x-gateway-key') === undefined) return void (await limit.address(request, response));
  await limit.assertNotGuessing(request, response);
  const principal = await authenticate(['gateway'], request);
  if (principal) await limit.principal(principal.party.id, 'standard', response);
  return principal;
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

/** One paywall for all routes, which knows a proof that was used on another. */
function wallsOf(
  { core, log: logger, baseUrl }: Pick<Composition, 'core' | 'log'> & { readonly baseUrl: string },
  { payTo, network, facilitator }: ChainTill,
) {
  const asking = new AsyncLocalStorage<Asking>();
  const noted: Facilitator = {
    verify: (request) => facilitator.verify(request),
    supported: () => facilitator.supported(),
    async settle(request) {
      const asked = asking.getStore() as Asking;
      try {
        asked.reference = await note(core, asked, { request, network: network.name });
      } catch (error) {
        if (!isAgentPayError(error) || error.kind !== 'conflict') throw error;
        const errorReason = error.reason ?? error.kind;
        return { success: false, errorReason, transaction: '', network: network.id };
      }
      const { reference } = asked;
      const settled = await facilitator.settle(request);
      const outcome = outcomeOf(settled);
      if (outcome.status === 'settled') await gateways.credit(core, { reference });
      if (outcome.status === 'failed') await gateways.giveUp(core, { reference, failure: outcome.reason });
      return settled;
    },
  };
  const wall = paywall({
    payTo,
    network: network.id,
    facilitator: noted,
    clock: core.clock,
    baseUrl,
    logger,
  });
  return ({ description, read }: PaidRoute): Wall => {
    const charge = wall.charge({
      price: async (asked) => formatDecimal(read(await asked.json()).amount),
      vary: [],
      settle: 'before',
      description,
    });
    return (asked, request, response, next) => asking.run(asked, () => void charge(request, response, next));
  };
}

/** Writes down a payment that is about to be settled. Gives what it is called. @throws AgentPayError `conflict` */
async function note(
  core: Core,
  { order, gatewayId }: Asking,
  { request, network }: { readonly request: FacilitatorRequest; readonly network: string },
): Promise<string> {
  const { authorization } = exactPayloadSchema.parse(request.paymentPayload.payload);
  const payer = authorization.from.toLowerCase();
  const reference = `${request.paymentRequirements.network}:${payer}:${authorization.nonce.toLowerCase()}`;
  await gateways.expectPayment(core, {
    reference,
    payer,
    network,
    amount: BigInt(authorization.value),
    gatewayId,
    payment: request,
    authorize: order.authorize,
  });
  return reference;
}
