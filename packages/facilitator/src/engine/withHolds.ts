import type { Clock, Db, Network } from '@agentpay/primitives';
import {
  authCaptureExtraSchema,
  authCaptureOrderSchema,
  authCapturePayloadSchema,
  authCapturePaymentInfo,
  hashAuthCaptureOrder,
  hashOrderVoid,
  isAuthCaptureOrder,
  paymentInfoHash,
  reasonCode,
  sameHex,
  toPaymentInfo,
  type AuthCaptureOrder,
  type DigestSigner,
  type Facilitator,
  type FacilitatorRequest,
  type Hex,
  type PaymentInfo,
  type x402v2,
} from '@agentpay/protocol';

type SettleResponse = x402v2.SettleResponse;

export interface HoldsOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly network: Network;
  /** Signs for sellers that name it as their `receiverAuthorizer`; undefined: every order brings its signature. */
  readonly authorizer: DigestSigner | undefined;
}

/** A facilitator that may be told who asks. */
export interface KnowsCallers {
  /** @param caller who asks, as far as they have proved it: the name of their API key */
  settle(request: FacilitatorRequest, caller?: string): Promise<SettleResponse>;
}

/**
 * What sellers may leave to the facilitator about holds in the escrow: to sign their orders, for whoever made the hold with the same API
 * key, and to give the rest of a hold back once a part of it is captured.
 */
export function withHolds<F extends Facilitator>(inner: F, options: HoldsOptions): F & KnowsCallers {
  return {
    ...inner,
    settle: (request: FacilitatorRequest, caller?: string) =>
      request.paymentRequirements.scheme === 'auth-capture' && request.x402Version === 2
        ? settleHold(inner, options, request, caller)
        : inner.settle(request),
  };
}

async function settleHold(
  inner: Facilitator,
  options: HoldsOptions,
  request: FacilitatorRequest,
  caller: string | undefined,
): Promise<SettleResponse> {
  if (!isAuthCaptureOrder(request.paymentPayload.payload)) {
    await keepCaller(options, request, caller);
    return inner.settle(request);
  }
  const order = await signedOrder(options, request, caller);
  if (!order) return inner.settle(request);
  const captured = await inner.settle(withPayload(request, order));
  const { voidAuthorizerSignature: signature } = order.type === 'capture' ? order : {};
  if (!captured.success || typeof signature !== 'string') return captured;
  return closeOut(inner, request, { order, signature, captured });
}

/**
 * The rest of a hold goes back when the capture is done, and its signature is not shown before: whoever saw both in a transaction that
 * failed could give all of it back.
 */
async function closeOut(
  inner: Facilitator,
  request: FacilitatorRequest,
  done: { readonly order: AuthCaptureOrder; readonly signature: Hex; readonly captured: SettleResponse },
): Promise<SettleResponse> {
  const { order, signature, captured } = done;
  const { paymentInfo, saltNonce, captureNotBefore } = order;
  const rest: AuthCaptureOrder = {
    type: 'void',
    paymentInfo,
    saltNonce,
    ...(captureNotBefore !== undefined && { captureNotBefore }),
    authorizerSignature: signature,
  };
  const pending = reasonCode('settlementPending', 2);
  const voided = await inner.settle(withPayload(request, rest)).catch(() => undefined);
  if (voided && (voided.success || voided.errorReason !== pending)) return captured;
  return {
    ...captured,
    success: false,
    errorReason: pending,
    errorMessage:
      'The capture is made; the rest of the hold is on its way back. Ask again with the same order.',
  };
}

/** The order with the signatures that the facilitator gives for its seller; undefined where it has no order's shape. */
async function signedOrder(
  options: HoldsOptions,
  request: FacilitatorRequest,
  caller: string | undefined,
): Promise<AuthCaptureOrder | undefined> {
  const parsed = authCaptureOrderSchema.safeParse(request.paymentPayload.payload);
  if (!parsed.success) return undefined;
  const order = parsed.data;
  const { authorizer, network } = options;
  if (order.authorizerSignature !== undefined || !authorizer || caller === undefined) return order;
  if (!names(request, authorizer)) return order;
  if (!(await isCallerOf(options, toPaymentInfo(order.paymentInfo), caller))) return order;
  const authorizerSignature = authorizer.sign(hashAuthCaptureOrder(network.chainId, order));
  if (order.type !== 'capture' || order.voidAuthorizerSignature === undefined)
    return { ...order, authorizerSignature };
  const voidAuthorizerSignature = authorizer.sign(hashOrderVoid(network.chainId, order));
  return { ...order, authorizerSignature, voidAuthorizerSignature };
}

function names({ paymentRequirements }: FacilitatorRequest, { address }: DigestSigner): boolean {
  const named = paymentRequirements.extra?.['receiverAuthorizer'];
  return typeof named === 'string' && sameHex(named, address);
}

/** A hold whose seller leaves the signing to us is ordered about with the key that made it, and no other. */
async function keepCaller(
  { db, clock, network, authorizer }: HoldsOptions,
  request: FacilitatorRequest,
  caller: string | undefined,
): Promise<void> {
  if (!authorizer || caller === undefined || request.x402Version !== 2 || !names(request, authorizer)) return;
  const extra = authCaptureExtraSchema.safeParse(request.paymentRequirements.extra);
  const payload = authCapturePayloadSchema.safeParse(request.paymentPayload.payload);
  if (!extra.success || !payload.success) return;
  const info = authCapturePaymentInfo(request.paymentRequirements, extra.data, payload.data);
  await db.query(
    'insert into facilitator_holds (id, caller, created_at) values ($1, $2, $3) on conflict (id) do nothing',
    [paymentInfoHash(network.chainId, info), caller, new Date(clock.now())],
  );
}

async function isCallerOf(
  { db, network }: HoldsOptions,
  info: PaymentInfo,
  caller: string,
): Promise<boolean> {
  const [kept] = await db.query<{ caller: string }>('select caller from facilitator_holds where id = $1', [
    paymentInfoHash(network.chainId, info),
  ]);
  return kept?.caller === caller;
}

function withPayload(request: FacilitatorRequest, order: AuthCaptureOrder): FacilitatorRequest {
  if (request.x402Version !== 2) return request;
  return { ...request, paymentPayload: { ...request.paymentPayload, payload: { ...order } } };
}
