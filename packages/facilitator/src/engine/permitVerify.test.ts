import type { Db } from '@agentpay/primitives';
import { PERMIT2, reasons, type FacilitatorRequest, type Hex, type Reason } from '@agentpay/protocol';
import { concat, slice, toHex } from 'viem';
import type { RunningFacilitator } from './Facilitator.js';
import { openPermit2, permitRequest, type PermitOptions } from './permit.fixture.js';
import {
  gasPayer,
  network,
  newPayer,
  nowSeconds,
  openBed,
  openDb,
  payer,
  seller,
  type Bed,
} from './payment.fixture.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const OTHER = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';

interface Fault {
  readonly name: string;
  readonly exact: Reason;
  readonly upto: Reason;
  readonly change: PermitOptions;
  /** What has to happen on the chain first. */
  readonly before?: (bed: Bed, account: typeof payer) => void;
}

const both = (reason: Reason) => ({ exact: reason, upto: reason });

/** One fault each, in the order of the checks: a payment with two of them is refused for the earlier. */
const faults: readonly Fault[] = [
  {
    name: 'accepted scheme',
    exact: 'unsupportedPayload',
    upto: 'uptoUnsupportedScheme',
    change: { accepted: { scheme: 'other' } },
  },
  {
    name: 'accepted network',
    exact: 'networkMismatch',
    upto: 'uptoNetworkMismatch',
    change: { accepted: { network: 'eip155:1' } },
  },
  { name: 'asset not served', ...both('assetNotAllowed'), change: { requirements: { asset: OTHER } } },
  {
    name: 'payee not served',
    ...both('recipientNotAllowed'),
    change: { requirements: { payTo: newPayer().address } },
  },
  { name: 'spender', ...both('permit2Spender'), change: { permit: { spender: OTHER } } },
  { name: 'recipient', ...both('permit2RecipientMismatch'), change: { witness: { to: OTHER } } },
  { name: 'expired', ...both('permit2DeadlineExpired'), change: { permit: { deadline: nowSeconds() - 1n } } },
  {
    name: 'early',
    ...both('permit2NotYetValid'),
    change: { witness: { validAfter: nowSeconds() + 1_000n } },
  },
  { name: 'amount', ...both('permit2AmountMismatch'), change: { requirements: { amount: '9999' } } },
  {
    name: 'token',
    ...both('permit2TokenMismatch'),
    change: { permit: { permitted: { token: OTHER, amount: 10_000n } } },
  },
  { name: 'signature', ...both('permit2Signature'), change: { signature: `0x${'11'.repeat(64)}1b` } },
  {
    name: 'balance',
    ...both('permit2InsufficientBalance'),
    change: {},
    before: ({ chain }, { address }) => chain.mint(address, -chain.balanceOf(address)),
  },
  {
    name: 'allowance',
    ...both('permit2AllowanceRequired'),
    change: {},
    before: ({ chain }, { address }) => chain.approve(address, PERMIT2, 9_999n),
  },
];

describe.each(['exact', 'upto'] as const)('verify of %s by Permit2', (scheme) => {
  let db: Db;
  let bed: Bed;
  let facilitator: RunningFacilitator;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => {
    bed = await openBed(db);
    openPermit2(bed, payer.address);
    facilitator = await bed.start({ payTo: [seller, OTHER] });
  });
  afterEach(() => bed.close());

  async function reasonOf(first: Fault, second?: Fault): Promise<string | undefined> {
    const account = newPayer();
    openPermit2(bed, account.address);
    for (const fault of [second, first]) fault?.before?.(bed, account);
    const {
      requirements: a,
      accepted: b,
      permit: c,
      witness: d,
      ...rest
    } = { ...second?.change, ...first.change };
    const options = {
      ...rest,
      requirements: { ...second?.change.requirements, ...a },
      accepted: { ...second?.change.accepted, ...b },
      permit: { ...second?.change.permit, ...c },
      witness: { ...second?.change.witness, ...d },
    };
    const response = await facilitator.verify(await permitRequest({ scheme, account, ...options }));
    expect(response.isValid).toBe(false);
    return response.invalidReason;
  }

  it('takes a good permit, with addresses in any case', async () => {
    const request = await permitRequest({ scheme });
    expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: payer.address });
    const text = JSON.stringify(request);
    const lower = JSON.parse(
      text.replaceAll(seller, seller.toLowerCase()).replaceAll(payer.address, payer.address.toLowerCase()),
    );
    expect(await facilitator.verify(lower)).toEqual({ isValid: true, payer: payer.address });
  });

  it.each(faults)('refuses $name', async (fault) => {
    expect(await reasonOf(fault)).toBe(reasons[fault[scheme]].v2);
  });

  it('names the earlier of any two faults', async () => {
    const failures: string[] = [];
    for (const [i, first] of faults.entries()) {
      for (const second of faults.slice(i + 1)) {
        const reason = await reasonOf(first, second);
        if (reason !== reasons[first[scheme]].v2) failures.push(`${first.name} + ${second.name}: ${reason}`);
      }
    }
    expect(failures).toEqual([]);
  });

  it('asks the node nothing when the terms are wrong', async () => {
    const before = { ...bed.chain.calls };
    for (const fault of faults.slice(0, 10)) await reasonOf(fault);
    expect(bed.chain.calls).toEqual(before);
  });

  it('refuses a life beyond the limit, and an amount of nothing', async () => {
    const nothing = { permitted: { token: network.usdc.address, amount: 0n } };
    const requests = await Promise.all([
      permitRequest({ scheme, permit: { deadline: nowSeconds() + 4_000n } }),
      permitRequest({ scheme, permit: nothing, requirements: { amount: '0' } }),
    ]);
    const responses = await Promise.all(requests.map((request) => facilitator.verify(request)));
    expect(responses.map(({ invalidReason }) => invalidReason)).toEqual([
      'permit2_deadline_expired',
      'permit2_amount_mismatch',
    ]);
  });

  it('takes a compact signature, and none with a high s', async () => {
    const request = await permitRequest({ scheme });
    const { signature } = request.paymentPayload.payload as { signature: Hex };
    const [r, s, v] = [
      slice(signature, 0, 32),
      BigInt(slice(signature, 32, 64)),
      Number(slice(signature, 64)),
    ];
    const compact = concat([r, toHex(s | (v === 28 ? 1n << 255n : 0n), { size: 32 })]);
    const high = concat([r, toHex(ORDER - s, { size: 32 }), toHex(v === 27 ? 28 : 27)]);
    const verify = (changed: Hex) => {
      const payload = { ...request.paymentPayload.payload, signature: changed };
      return facilitator.verify({
        ...request,
        paymentPayload: { ...request.paymentPayload, payload },
      } as FacilitatorRequest);
    };
    expect(await verify(compact)).toEqual({ isValid: true, payer: payer.address });
    expect(await verify(high)).toMatchObject({ isValid: false, invalidReason: 'invalid_permit2_signature' });
  });

  it('takes the signature of an account with code, and refuses what the account refuses', async () => {
    const account = newPayer();
    openPermit2(bed, account.address);
    const signature: Hex = `0x${'ab'.repeat(80)}`;
    const request = await permitRequest({ scheme, account, signature });
    expect(await facilitator.verify(request)).toMatchObject({
      isValid: false,
      invalidReason: 'invalid_permit2_signature',
    });
    bed.chain.setAccount(account.address, (_digest, given) => given === signature);
    expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: account.address });
  });

  it('is malformed when the payload has another shape', async () => {
    const request = await permitRequest({ scheme });
    const { permit2Authorization, ...payload } = request.paymentPayload.payload as {
      permit2Authorization: Record<string, unknown>;
    };
    const { witness: _, ...rest } = permit2Authorization;
    const broken = { ...request.paymentPayload, payload: { ...payload, permit2Authorization: rest } };
    const refused = facilitator.verify({ ...request, paymentPayload: broken } as FacilitatorRequest);
    await expect(refused).rejects.toMatchObject({ kind: 'payment_malformed', reason: 'invalid_payload' });
  });
});

describe('a facilitator', () => {
  let db: Db;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());

  it('names the account that payers of scheme upto have to name, and takes permits for no other', async () => {
    const bed = await openBed(db);
    openPermit2(bed, payer.address);
    const second = newPayer();
    const facilitator = await bed.start({ accounts: [gasPayer, second] });
    const { kinds } = await facilitator.supported();
    const extra = { facilitatorAddress: gasPayer.address };
    expect(kinds).toContainEqual({ x402Version: 2, scheme: 'upto', network: network.id, extra });
    const other = await permitRequest({ scheme: 'upto', witness: { facilitator: second.address } });
    expect(await facilitator.verify(other)).toMatchObject({
      isValid: false,
      invalidReason: 'upto_facilitator_mismatch',
    });
    await bed.close();
  });

  it('on a chain without Permit2 neither names nor takes what needs it', async () => {
    const bed = await openBed(db);
    const facilitator = await bed.start();
    expect((await facilitator.supported()).kinds.map(({ scheme }) => scheme)).toEqual(['exact', 'exact']);
    const responses = await Promise.all(
      (['exact', 'upto'] as const).map(async (scheme) => facilitator.verify(await permitRequest({ scheme }))),
    );
    expect(responses.map(({ invalidReason }) => invalidReason)).toEqual([
      'unsupported_payload_type',
      'invalid_upto_evm_scheme',
    ]);
    await bed.close();
  });
});
