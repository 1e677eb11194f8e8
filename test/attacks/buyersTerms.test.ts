import { purchases } from '@agentpay/core';
import { recoverAuthorizer } from '@agentpay/evm';
import { radiusTestnet } from '@agentpay/primitives';
import {
  allowanceDigest,
  EIP2612_GAS_SPONSORING,
  EXACT_PERMIT2_PROXY,
  mpp,
  PERMIT2,
  permitDigest,
  toBase64,
  toPermit2Authorization,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';
import {
  ask,
  askV2,
  authorizationIn,
  challenge,
  honestSeller,
  network,
  offerSbc,
  offerV1,
  offerV2,
  OTHER_SELLER,
  permitIn,
  PRICE,
  proofIn,
  SELLER,
  settlementOf,
  sponsoring,
  type Handle,
} from '../flows/purchaseBed.js';
import {
  asksV2,
  attempt,
  bed,
  endAndExpectSettled,
  keeping,
  onlySeller,
  refused,
  type Proof,
  openBed,
} from './buyersBed.js';

const { asset: sbc } = radiusTestnet;

/** How sellers have been seen to cheat agents by what they ask for, against purchases of the platform. Three ways of each kind. */

beforeAll(openBed);
afterEach(() => endAndExpectSettled());
afterAll(() => bed.close());

describe('ghost_paywall', () => {
  it('a paywall of nobody on the allow list gets nothing', () =>
    refused(asksV2(offerV2({ payTo: OTHER_SELLER })), 'not_on_allow_list', { rules: [onlySeller] }));
  it('a host that leads into our networks is not asked for its price', async () => {
    const { principal } = await bed.buyer();
    for (const url of ['http://169.254.169.254/pay', 'http://10.1.2.3/pay', 'http://[fd00:ec2::254]/pay'])
      await expect(purchases.buy(bed.core, { principal, url })).rejects.toMatchObject({
        kind: 'invalid_request',
        reason: 'address_refused',
      });
  });
  it('one that appears where the goods were free is paid by the same limits as any other', async () => {
    let free = true;
    const handle: Handle = (_, response) =>
      free ? response.end('free') : ask(response, 'x402v2', { amount: 50n * PRICE });
    await refused(handle, 'status');
    free = false;
    await refused(handle, 'per_transaction_limit');
  });
});

describe('price_bait', () => {
  const bait = { description: 'Price: $0.01' };
  it('a price above the limit is not paid, whatever is said beside it', () =>
    refused(asksV2({ ...offerV2({ amount: PRICE + 1n }), ...bait }), 'per_transaction_limit'));
  it('nor one in MPP, however it is described', () =>
    refused((_, response) => {
      const asked = challenge({ amount: PRICE + 1n }, bait);
      response.writeHead(402, { 'www-authenticate': mpp.serializeChallenge(asked) }).end();
    }, 'per_transaction_limit'));
  it('a price that is raised once the proof is there is not paid: the signature is for the first one', async () => {
    let calls = 0;
    const { refusal, proofs } = await attempt((_, response) =>
      askV2(response, [offerV2({ amount: calls++ ? 100n * PRICE : PRICE })]),
    );
    expect(refusal?.kind).toBe('payment_refused');
    expect(proofs.map((proof) => authorizationIn(proof).value)).toEqual([String(PRICE)]);
  });
});

describe('recipient_redirect', () => {
  it('a redirect to another origin that asks for money gets nothing', async () => {
    const thief = await bed.serve(asksV2(offerV2({ payTo: OTHER_SELLER })));
    await refused(
      (_, response) => response.writeHead(302, { location: thief.replace('127.0.0.1', 'localhost') }).end(),
      'redirected_elsewhere',
    );
  });
  it('a redirect of the proof is not followed', async () => {
    const thief = keeping((_, response) => response.end('thanks'));
    const elsewhere = await bed.serve(thief.handle);
    const { refusal } = await attempt((request, response) =>
      proofIn(request) ? response.writeHead(307, { location: elsewhere }).end() : ask(response, 'x402v2'),
    );
    expect([refusal?.kind, thief.proofs]).toEqual(['payment_refused', []]);
  });
  it('another recipient in the second demand gets nothing', async () => {
    let calls = 0;
    const { proofs } = await attempt((_, response) =>
      askV2(response, [offerV2({ payTo: calls++ ? OTHER_SELLER : SELLER })]),
    );
    expect(proofs.map((proof) => authorizationIn(proof).to.toLowerCase())).toEqual([SELLER.toLowerCase()]);
  });
});

describe('rail_switch', () => {
  it('a network that is not configured is not paid on', () =>
    refused(asksV2(offerV2({ networkId: 'eip155:8453' })), 'unknown_network'));
  it('a rail that the rules do not allow is not taken', () =>
    refused((_, response) => ask(response, 'mpp'), 'rail_not_allowed', {
      rules: [{ kind: 'rail', rails: ['x402'] }],
    }));
  it('another scheme or kind of transfer is not signed', async () => {
    await refused(asksV2({ ...offerV2(), scheme: 'upto' }), 'unknown_scheme');
    const extra = { ...network.asset.eip712, assetTransferMethod: 'permit2' };
    await refused(asksV2(offerV2({ extra })), 'unknown_transfer_method');
  });
  it('nor is SBC by a transfer that it does not know, or where nobody pays the gas of the permit, or without a wallet', async () => {
    const buyer = () => bed.buyer(1_000_000n, [], 'permit2');
    await refused(asksV2(offerSbc({ extra: { ...sbc.eip712 } })), 'unknown_transfer_method', {
      buyer: await buyer(),
    });
    await refused(asksV2(offerSbc()), 'gas_not_sponsored', { buyer: await buyer() });
    await refused((_, response) => ask(response, 'permit2'), 'no_wallet');
  });
});

describe('permits', () => {
  const sbcBuyer = () => bed.buyer(1_000_000n, [], 'permit2');
  const EVIL = OTHER_SELLER;

  it('are for Permit2, the asset, the price and the time of the payment, whatever the seller declares', async () => {
    const buyer = await sbcBuyer();
    const declared = sponsoring.extensions[EIP2612_GAS_SPONSORING] as { info: object };
    const info = {
      ...declared.info,
      from: EVIL,
      asset: EVIL,
      spender: EVIL,
      amount: String(2n ** 256n - 1n),
      nonce: '7',
      deadline: String(2n ** 256n - 1n),
    };
    const extensions = { [EIP2612_GAS_SPONSORING]: { ...declared, info } };
    const extra = { ...sbc.eip712, assetTransferMethod: 'permit2', spender: EVIL, witness: { to: EVIL } };
    const { proofs } = await attempt(
      (_, response) => askV2(response, [offerSbc({ extra, seconds: 30_000_000 })], { extensions }),
      { buyer },
    );
    expect(proofs).toHaveLength(1);
    const { payload, extensions: sent } = permitIn(proofs[0] as Proof) as NonNullable<
      ReturnType<typeof permitIn>
    >;
    const { permit2Authorization: permit, signature } = payload;
    const { info: said } = sent[EIP2612_GAS_SPONSORING] as { info: Record<string, string> };
    expect(permit).toMatchObject({
      from: buyer.wallet.address,
      permitted: { token: sbc.address, amount: String(PRICE) },
      spender: EXACT_PERMIT2_PROXY,
      witness: { to: SELLER },
    });
    expect(Number(permit.deadline)).toBeLessThanOrEqual(bed.clock.now() / 1000 + 60);
    expect(said).toMatchObject({
      from: buyer.wallet.address,
      asset: sbc.address,
      spender: PERMIT2,
      amount: String(PRICE),
      nonce: '0',
      deadline: permit.deadline,
    });
    const digests = [
      permitDigest(radiusTestnet, toPermit2Authorization(permit)),
      allowanceDigest(radiusTestnet, {
        owner: buyer.wallet.address,
        spender: PERMIT2,
        value: PRICE,
        nonce: 0n,
        deadline: BigInt(permit.deadline),
      }),
    ];
    const signed = [signature, said['signature'] as Hex].map((one, n) =>
      recoverAuthorizer(digests[n] as Uint8Array, one),
    );
    expect(signed).toEqual([buyer.wallet.address, buyer.wallet.address]);
  });

  it('that say anything else are refused by whoever settles them, and nothing moves', async () => {
    const { proofs } = await attempt((_, response) => ask(response, 'permit2'), { buyer: await sbcBuyer() });
    const asked = settlementOf(proofs[0] as Proof) as { paymentPayload: object } & FacilitatorRequest;
    const { payload, extensions } = permitIn(proofs[0] as Proof) as NonNullable<ReturnType<typeof permitIn>>;
    const permit = payload.permit2Authorization;
    const signs = (changed: object) => ({
      payload: { ...payload, permit2Authorization: { ...permit, ...changed } },
    });
    const sponsors = (changed: object) => {
      const own = extensions[EIP2612_GAS_SPONSORING] as { info: object };
      return {
        extensions: {
          ...extensions,
          [EIP2612_GAS_SPONSORING]: { ...own, info: { ...own.info, ...changed } },
        },
      };
    };
    const variants: [object, string][] = [
      [signs({ witness: { ...permit.witness, to: EVIL } }), 'invalid_permit2_recipient_mismatch'],
      [signs({ witness: { ...permit.witness, validAfter: '0' } }), 'invalid_permit2_signature'],
      [signs({ spender: EVIL }), 'invalid_permit2_spender'],
      [signs({ permitted: { token: EVIL, amount: String(PRICE) } }), 'permit2_token_mismatch'],
      [signs({ nonce: '1' }), 'invalid_permit2_signature'],
      [signs({ deadline: String(Number(permit.deadline) + 60) }), 'invalid_permit2_signature'],
      [sponsors({ spender: EVIL }), 'eip2612_spender_not_permit2'],
      [sponsors({ asset: EVIL }), 'eip2612_asset_mismatch'],
      [sponsors({ from: EVIL }), 'eip2612_from_mismatch'],
      [sponsors({ amount: String(2n ** 256n - 1n) }), 'permit2_2612_amount_mismatch'],
      [sponsors({ deadline: String(Number(permit.deadline) + 60) }), 'permit2_allowance_required'],
      [sponsors({ deadline: '1' }), 'eip2612_deadline_expired'],
    ];
    for (const [changed, invalidReason] of variants) {
      const request = { ...asked, paymentPayload: { ...asked.paymentPayload, ...changed } };
      expect(await bed.facilitator.verify(request as FacilitatorRequest)).toMatchObject({
        isValid: false,
        invalidReason,
      });
    }
    expect(await bed.facilitator.verify(asked)).toMatchObject({ isValid: true });
  });
});

describe('asset_swap', () => {
  it('another token is not paid', () => refused(asksV2(offerV2({ asset: OTHER_SELLER })), 'unknown_asset'));
  it('nor the token of another network', () =>
    refused(asksV2(offerV2({ asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' })), 'unknown_asset'));
  it('nor the right one under another EIP-712 domain', () =>
    refused(asksV2(offerV2({ extra: { name: 'USD Coin', version: '2' } })), 'domain_mismatch'));
});

describe('unit_confusion', () => {
  it('an amount as of a token with 18 decimals is above the limit', () =>
    refused(asksV2(offerV2({ amount: 10_000_000_000_000_000n })), 'per_transaction_limit'));
  it.each(['0.01', '1e4', '-1', '0x10', ' 10000', '010000'])('%j is no amount', (amount) =>
    refused(asksV2(offerV2({ amount })), 'payment_malformed'),
  );
  it('decimals that the asset does not have are not believed', () =>
    refused((_, response) => {
      const asked = challenge();
      const request = JSON.parse(Buffer.from(asked.request, 'base64url').toString()) as {
        methodDetails: { decimals: number };
      };
      request.methodDetails.decimals = 18;
      const changed = Buffer.from(JSON.stringify(request)).toString('base64url');
      const header = mpp.serializeChallenge(challenge({}, { request: changed }));
      response.writeHead(402, { 'www-authenticate': header }).end();
    }, 'unit_mismatch'));
});

describe('accepts_ordering', () => {
  const dear = offerV2({ amount: PRICE });
  const cheap = offerV2({ amount: 1n });
  it.each([
    ['first', [cheap, dear]],
    ['last', [dear, offerV2({ networkId: 'eip155:1' }), cheap]],
  ])('the cheapest offer is taken where it stands %s', async (_where, accepts) => {
    const seller = honestSeller(bed.facilitator, 'x402v2');
    const { bought } = await attempt((request, response) =>
      proofIn(request) ? seller.handle(request, response) : askV2(response, accepts),
    );
    expect(bought?.purchase.terms?.amount).toBe('1');
  });
  it('also across protocols', async () => {
    const seller = honestSeller(bed.facilitator, 'mpp');
    const { bought } = await attempt((request, response) => {
      if (proofIn(request)) return seller.handle(request, response);
      response.writeHead(402, {
        'www-authenticate': mpp.serializeChallenge(challenge({ amount: 2n })),
        'payment-required': toBase64({ x402Version: 2, resource: { url: 'x' }, accepts: [dear] }),
      });
      response.end(
        JSON.stringify({ x402Version: 1, accepts: [offerV1('http://seller/paid', { amount: 3n })] }),
      );
    });
    expect(bought?.purchase.terms).toMatchObject({ amount: '2', dialect: 'mpp' });
  });
});

describe('authorization_lifetime', () => {
  it.each(['x402v2', 'x402v1'] as const)(
    '%s: an authorization ends soon, however long is asked for',
    async (dialect) => {
      const seller = honestSeller(bed.facilitator, dialect, { seconds: 31_000_000 });
      await attempt(seller.handle);
      const { validBefore } = authorizationIn(seller.proofs[0] as Proof);
      expect(Number(validBefore) - bed.clock.now() / 1000).toBeLessThanOrEqual(60);
    },
  );
  it('a challenge that has ended, or is about to, is not answered', async () => {
    for (const seconds of [-1, 3])
      await refused((_, response) => ask(response, 'mpp', { seconds }), 'expired');
  });
});
