import type { Db } from '@agentpay/primitives';
import { PREPAID, type FacilitatorRequest } from '@agentpay/protocol';
import type { RunningFacilitator } from './Facilitator.js';
import { openBed, openDb, signedRequest, type Bed } from './payment.fixture.js';

let db: Db;
let bed: Bed;
let facilitator: RunningFacilitator;
beforeAll(async () => void (db = await openDb()));
afterAll(() => db.close());
beforeEach(async () => {
  bed = await openBed(db);
  facilitator = await bed.start();
  bed.mine();
});
afterEach(() => bed.close());

/** The same payment as somebody else than its seller has it settled. */
function prepaid(request: FacilitatorRequest): FacilitatorRequest {
  const { paymentPayload } = request;
  return {
    ...request,
    paymentPayload: { ...paymentPayload, extensions: { [PREPAID]: {} } },
  } as FacilitatorRequest;
}

const refused = { success: false, errorReason: 'duplicate_settlement' };

describe('a payment that was settled before its seller saw it', () => {
  it('buys one response', async () => {
    const request = await signedRequest();
    const paid = await facilitator.settle(prepaid(request));
    expect(paid).toMatchObject({ success: true });
    expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
    expect(await facilitator.settle(request)).toEqual(paid);
    expect(await facilitator.settle(request)).toMatchObject(refused);
    expect(await facilitator.verify(request)).toMatchObject({ isValid: false });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('buys one response of many sellers who ask at once', async () => {
    const request = await signedRequest();
    await facilitator.settle(prepaid(request));
    const told = await Promise.all(Array.from({ length: 20 }, () => facilitator.settle(request)));
    expect(told.filter(({ success, repeat }) => success && !repeat)).toHaveLength(1);
  });

  it('buys it even when its payer did not hear that it was settled, and asked again', async () => {
    const request = await signedRequest();
    const [, again] = [
      await facilitator.settle(prepaid(request)),
      await facilitator.settle(prepaid(request)),
    ];
    expect(again).toMatchObject({ success: true, repeat: true });
    expect((await facilitator.settle(request)).success).toBe(true);
    expect(await facilitator.settle(prepaid(request))).toMatchObject({ success: true, repeat: true });
    expect(await facilitator.settle(request)).toMatchObject(refused);
  });

  it('buys nothing that costs more', async () => {
    const request = await signedRequest();
    await facilitator.settle(prepaid(request));
    const dearer = {
      ...request,
      paymentRequirements: { ...request.paymentRequirements, amount: '20000' },
    } as FacilitatorRequest;
    expect(await facilitator.verify(dearer)).toMatchObject({ isValid: false });
    expect(await facilitator.settle(dearer)).toMatchObject({ success: false });
  });
});

it('a payment that a seller has settled cannot be called prepaid afterwards: it has bought its response', async () => {
  const request = await signedRequest();
  const paid = await facilitator.settle(request);
  expect(paid).toMatchObject({ success: true });
  expect(await facilitator.settle(prepaid(request))).toMatchObject(refused);
  expect(await facilitator.verify(request)).toMatchObject({ isValid: false });
  expect(await facilitator.settle(request)).toEqual({ ...paid, repeat: true });
});

it('nor while a seller settles it: of a payment that both ask for one response comes', async () => {
  const request = await signedRequest();
  const told = await Promise.all([facilitator.settle(request), facilitator.settle(prepaid(request))]);
  expect(told.filter(({ success }) => success)).toHaveLength(1);
  const later = [await facilitator.settle(request), await facilitator.settle(request)];
  const bySeller = [told[0], ...later];
  expect(bySeller.filter((one) => one?.success && !one.repeat)).toHaveLength(1);
});
