import { findNetwork, type Db } from '@agentpay/primitives';
import {
  authorizationTypedData,
  reasonCode,
  reasons,
  wrapSignature,
  type FacilitatorRequest,
  type Hex,
  type Reason,
  type x402v2,
} from '@agentpay/protocol';
import { transferCall } from '@agentpay/evm';
import fc from 'fast-check';
import type { RunningFacilitator } from './Facilitator.js';
import {
  domain,
  newPayer,
  nowSeconds,
  openBed,
  openDb,
  payer,
  randomNonce,
  seller,
  signedRequest,
  type Bed,
} from './payment.fixture.js';

const OTHER = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';

interface Draft {
  terms: {
    scheme?: string;
    network?: string;
    acceptedNetwork?: string;
    asset?: string;
    payTo?: string;
    amount?: string;
  };
  domain: { name?: string | undefined; version?: string };
  authorization: { to: Hex; value: bigint; validAfter: bigint; validBefore: bigint; nonce: Hex };
  account: typeof payer;
  signature?: Hex;
}

/** One fault each, in the order of the checks: a payment with two of them is refused for the earlier. */
const faults: readonly {
  reason: Reason;
  name: string;
  spoil: (draft: Draft, bed: Bed) => void | Promise<void>;
}[] = [
  { reason: 'unsupportedScheme', name: 'scheme', spoil: ({ terms }) => void (terms.scheme = 'upto') },
  { reason: 'missingDomain', name: 'no token name', spoil: (draft) => void (draft.domain.name = undefined) },
  {
    reason: 'networkMismatch',
    name: 'accepted network',
    spoil: ({ terms }) => void (terms.acceptedNetwork = 'eip155:1'),
  },
  { reason: 'assetNotAllowed', name: 'asset', spoil: ({ terms }) => void (terms.asset = OTHER) },
  {
    reason: 'recipientNotAllowed',
    name: 'payee not served',
    spoil: ({ terms }) => void (terms.payTo = newPayer().address),
  },
  {
    reason: 'signature',
    name: 'signature',
    spoil: (draft) => void (draft.signature = `0x${'11'.repeat(64)}1b`),
  },
  {
    reason: 'recipientMismatch',
    name: 'recipient',
    spoil: ({ authorization }) => void (authorization.to = OTHER),
  },
  {
    reason: 'validBefore',
    name: 'expired',
    spoil: ({ authorization }) => void (authorization.validBefore = nowSeconds() + 3n),
  },
  {
    reason: 'validAfter',
    name: 'early',
    spoil: ({ authorization }) => void (authorization.validAfter = nowSeconds() + 100n),
  },
  { reason: 'valueMismatch', name: 'value', spoil: ({ authorization }) => void (authorization.value -= 1n) },
  { reason: 'nonceUsed', name: 'used nonce', spoil: useNonce },
  {
    reason: 'nameMismatch',
    name: 'token name',
    spoil: ({ domain: token }) => void (token.name &&= 'USD Coin'),
  },
  {
    reason: 'versionMismatch',
    name: 'token version',
    spoil: ({ domain: token }) => void (token.version = '1'),
  },
  { reason: 'insufficientBalance', name: 'balance', spoil: emptyWallet },
];

async function useNonce(draft: Draft, bed: Bed): Promise<void> {
  const authorization = {
    from: draft.account.address,
    to: OTHER,
    value: 1n,
    validAfter: 0n,
    validBefore: nowSeconds() + 60n,
  } as const;
  const used = { ...authorization, nonce: draft.authorization.nonce };
  bed.chain.mint(draft.account.address, 1n);
  const signature = await draft.account.signTypedData(authorizationTypedData(domain, used));
  await bed.chain.act(transferCall(domain.verifyingContract, used, signature));
}

function emptyWallet(draft: Draft, bed: Bed): void {
  bed.chain.mint(draft.account.address, -bed.chain.balanceOf(draft.account.address));
}

async function requestOf(draft: Draft): Promise<FacilitatorRequest> {
  const { name = '', version = '' } = draft.domain;
  const authorization = { from: draft.account.address, ...draft.authorization };
  const signed = await draft.account.signTypedData(
    authorizationTypedData({ ...domain, name, version }, authorization),
  );
  const request = await signedRequest({
    account: draft.account,
    authorization,
    signature: draft.signature ?? signed,
  });
  const { acceptedNetwork, ...terms } = draft.terms;
  const requirements = { ...request.paymentRequirements, ...terms, extra: draft.domain };
  const accepted = { ...requirements, ...(acceptedNetwork && { network: acceptedNetwork }) };
  return {
    ...request,
    paymentPayload: { ...request.paymentPayload, accepted },
    paymentRequirements: requirements,
  } as unknown as FacilitatorRequest;
}

/** The same request as a v1 server sends it. */
function asV1({ paymentPayload, paymentRequirements }: FacilitatorRequest): FacilitatorRequest {
  const { accepted, payload } = paymentPayload as x402v2.PaymentPayload;
  const { amount, ...terms } = paymentRequirements as x402v2.PaymentRequirements;
  const resource = 'https://seller.example/';
  const nameOf = (id: string) => findNetwork(id)?.name ?? 'ethereum';
  return {
    x402Version: 1,
    paymentPayload: { x402Version: 1, scheme: accepted.scheme, network: nameOf(accepted.network), payload },
    paymentRequirements: {
      ...terms,
      network: nameOf(terms.network),
      maxAmountRequired: amount,
      resource,
      description: '',
    },
  };
}

describe('verify', () => {
  let db: Db;
  let bed: Bed;
  let facilitator: RunningFacilitator;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => {
    bed = await openBed(db);
    facilitator = await bed.start({ payTo: [seller, OTHER] });
  });
  afterEach(() => bed.close());

  function draftOf(): Draft {
    const account = newPayer();
    bed.chain.mint(account.address, 1_000_000n);
    const times = { validAfter: 0n, validBefore: nowSeconds() + 300n };
    const authorization = { to: seller as Hex, value: 10_000n, ...times, nonce: randomNonce() };
    return { terms: {}, domain: { name: domain.name, version: domain.version }, authorization, account };
  }

  it('takes a good payment of either version, with one call of the node', async () => {
    for (const version of [1, 2] as const) {
      const before = { ...bed.chain.calls };
      expect(await facilitator.verify(await signedRequest({ version }))).toEqual({
        isValid: true,
        payer: payer.address,
      });
      expect(bed.chain.calls).toEqual({ ...before, read: (before.read ?? 0) + 1 });
    }
  });

  it.each(faults)('refuses $name: $reason', async ({ reason, spoil }) => {
    const draft = draftOf();
    await spoil(draft, bed);
    expect(await facilitator.verify(await requestOf(draft))).toMatchObject({
      isValid: false,
      invalidReason: reasons[reason].v2,
    });
  });

  it.each(faults)('refuses $name to a v1 caller by the code that it knows', async ({ reason, spoil }) => {
    const draft = draftOf();
    await spoil(draft, bed);
    const response = await facilitator.verify(asV1(await requestOf(draft)));
    expect(response).toMatchObject({ isValid: false, invalidReason: reasonCode(reason, 1) });
  });

  it('names the earlier of any two faults', async () => {
    const failures: string[] = [];
    for (const [i, first] of faults.entries()) {
      for (const second of faults.slice(i + 1)) {
        const draft = draftOf();
        await second.spoil(draft, bed);
        await first.spoil(draft, bed);
        const { invalidReason } = await facilitator.verify(await requestOf(draft));
        if (invalidReason !== reasons[first.reason].v2)
          failures.push(`${first.name} + ${second.name}: ${invalidReason}`);
      }
    }
    expect(failures).toEqual([]);
  });

  it('asks the node nothing when the terms are wrong', async () => {
    const wrong = faults.filter(
      ({ name }) => !['signature', 'used nonce', 'token name', 'token version', 'balance'].includes(name),
    );
    expect(wrong).toHaveLength(9);
    for (const { spoil } of wrong) {
      const draft = draftOf();
      await spoil(draft, bed);
      const before = bed.chain.calls.read;
      await facilitator.verify(await requestOf(draft));
      expect(bed.chain.calls.read).toBe(before);
    }
  });

  it('refuses another chain, a life beyond the limit, an amount of nothing, and an account that is not deployed', async () => {
    const base = { ...draftOf(), terms: { network: 'eip155:8453' } };
    const long = draftOf();
    long.authorization.validBefore = nowSeconds() + 4_000n;
    const nothing = { ...draftOf(), terms: { amount: '0' } };
    nothing.authorization.value = 0n;
    const counterfactual = {
      ...draftOf(),
      signature: wrapSignature({ factory: OTHER, data: '0x01' }, '0x02'),
    };
    const requests = await Promise.all([base, long, nothing, counterfactual].map(requestOf));
    const responses = await Promise.all(requests.map((request) => facilitator.verify(request)));
    expect(responses.map(({ invalidReason }) => invalidReason)).toEqual([
      'invalid_network',
      'invalid_exact_evm_payload_authorization_valid_before',
      'invalid_exact_evm_payload_authorization_value_mismatch',
      'eip6492_factory_not_allowed',
    ]);
  });

  it('takes the signature of an account with code, and refuses what the account refuses', async () => {
    const account = newPayer();
    bed.chain.mint(account.address, 10_000n);
    const signature: Hex = `0x${'ab'.repeat(80)}`;
    const request = await signedRequest({ account, signature });
    expect(await facilitator.verify(request)).toMatchObject({
      isValid: false,
      invalidReason: 'invalid_exact_evm_signature',
    });
    bed.chain.setAccount(account.address, (_digest, given) => given === signature);
    expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: account.address });
    // Its owner's key no longer counts once the account has code.
    expect(await facilitator.verify(await signedRequest({ account }))).toMatchObject({
      invalidReason: 'invalid_exact_evm_signature',
    });
  });

  it('answers v1 callers with the codes they know', async () => {
    const poor = newPayer();
    const unfunded = await signedRequest({ version: 1, account: poor });
    expect(await facilitator.verify(unfunded)).toMatchObject({ invalidReason: 'insufficient_funds' });
    const bad = await signedRequest({ version: 1, signature: `0x${'11'.repeat(64)}1b` });
    expect(await facilitator.verify(bad)).toMatchObject({ invalidReason: reasonCode('signature', 1) });
    expect(reasonCode('signature', 1)).toBe('invalid_exact_evm_payload_signature');
  });

  it('never takes a payment with any part of it changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...fields),
        fc.bigInt({ min: 1n, max: 2n ** 64n }),
        fc.nat(),
        async (field, delta, position) => {
          const request = structuredClone(await signedRequest()) as unknown as MutableRequest;
          const { authorization } = request.paymentPayload.payload;
          if (field === 'signature')
            request.paymentPayload.payload.signature = flipped(
              request.paymentPayload.payload.signature,
              position,
            );
          else if (field === 'amount') request.paymentRequirements.amount = String(10_000n + delta);
          else if (numbers.has(field))
            authorization[field] = String(BigInt(authorization[field] as string) + delta);
          else authorization[field] = flipped(authorization[field] as Hex, position);
          const response = await facilitator.verify(request as unknown as FacilitatorRequest);
          expect(response.isValid).toBe(false);
        },
      ),
      { numRuns: 150 },
    );
  });
});

interface MutableRequest {
  paymentRequirements: { amount: string };
  paymentPayload: { payload: { signature: Hex; authorization: Record<string, string> } };
}

const numbers = new Set(['value', 'validAfter', 'validBefore']);
const fields = ['from', 'to', 'value', 'validAfter', 'validBefore', 'nonce', 'signature', 'amount'];

/** The hex with one digit other than it was; the last byte of a signature stays, for it has two good forms. */
function flipped(hex: Hex, position: number): Hex {
  const at = 2 + (position % (hex.length === 132 ? 128 : hex.length - 2));
  const digit = (Number.parseInt(hex[at] as string, 16) + 1 + (position % 15)) % 16;
  return `${hex.slice(0, at)}${digit.toString(16)}${hex.slice(at + 1)}` as Hex;
}
