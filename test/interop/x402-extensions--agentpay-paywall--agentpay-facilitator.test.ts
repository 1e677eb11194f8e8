import { x402v2 } from '@agentpay/protocol';
import { eventually } from '@agentpay/testing';
import { ExactEvmScheme } from '@x402/evm';
import { x402Client } from '@x402/core/client';
import { extractDiscoveryInfoFromExtension, validateDiscoveryExtension } from '@x402/extensions/bazaar';
import {
  decodeSignedOffers,
  extractOffersFromPaymentRequired,
  extractReceiptFromResponse,
  findAcceptsObjectFromSignedOffer,
  isJWSSignedOffer,
  isJWSSignedReceipt,
  verifyOfferSignatureJWS,
  verifyReceiptMatchesOffer,
  verifyReceiptSignatureJWS,
} from '@x402/extensions/offer-receipt';
import { appendPaymentIdentifierToExtensions, generatePaymentId } from '@x402/extensions/payment-identifier';
import { wrapFetchWithSIWx } from '@x402/extensions/sign-in-with-x';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { agentpayExtended, payingFetch } from './extensions.js';
import { PRICE, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
let facilitator: string;
beforeAll(async () => {
  stack = await startInteropStack();
  facilitator = await agentpayFacilitator(stack);
});
afterAll(() => stack?.close());

const paid = () => stack.usdc(stack.payTo);

test('sign-in-with-x: who has paid comes back by the message that the official client signs, and pays nothing', async () => {
  const seller = await agentpayExtended(stack, facilitator, {
    signIn: { seconds: 60, statement: 'Come back.' },
  });
  const signedFetch = wrapFetchWithSIWx(fetch, stack.buyer);
  expect((await signedFetch(seller.url)).status).toBe(402);
  expect((await payingFetch(stack)(seller.url)).status).toBe(200);
  const before = await paid();
  const back = await signedFetch(seller.url);
  expect([back.status, await back.json(), seller.served()]).toEqual([200, { weather: 'sunny' }, 2]);
  expect(await paid()).toBe(before);
});

test('payment-identifier: a second payment of the same name, as the official client makes it, is not charged', async () => {
  const seller = await agentpayExtended(stack, facilitator, { paymentIdentifier: 'required' });
  const id = generatePaymentId();
  const before = await paid();
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 2; attempt++) {
    const required = x402v2.decodePaymentRequired(
      (await fetch(seller.url)).headers.get('payment-required') as string,
    );
    appendPaymentIdentifierToExtensions(required.extensions as Record<string, unknown>, id);
    const client = new x402Client().register('eip155:*', new ExactEvmScheme(stack.buyer));
    const payload = await client.createPaymentPayload(
      required as unknown as Parameters<typeof client.createPaymentPayload>[0],
    );
    const header = x402v2.encodePaymentPayload(payload as unknown as x402v2.PaymentPayload);
    statuses.push((await fetch(seller.url, { headers: { 'payment-signature': header } })).status);
  }
  expect([statuses, seller.served(), (await paid()) - before]).toEqual([[200, 409], 1, PRICE]);
});

test('bazaar: the official facilitator would list what the 402 declares, and ours does when it was paid for', async () => {
  const bazaar = { query: { city: 'Bern' }, response: { weather: 'sunny' } };
  const seller = await agentpayExtended(stack, facilitator, { bazaar });
  const { extensions } = x402v2.decodePaymentRequired(
    (await fetch(seller.url)).headers.get('payment-required') as string,
  );
  const declared = extensions?.['bazaar'] as Parameters<typeof validateDiscoveryExtension>[0];
  expect(validateDiscoveryExtension(declared)).toEqual({ valid: true });
  expect(extractDiscoveryInfoFromExtension(declared)).toMatchObject({
    input: { method: 'GET', queryParams: { city: 'Bern' } },
  });
  expect((await payingFetch(stack)(seller.url)).status).toBe(200);
  await eventually(async () => {
    const { items } = (await (await fetch(`${facilitator}/discovery/resources`)).json()) as {
      items: object[];
    };
    expect(items).toMatchObject([
      { resource: seller.url, description: 'Weather', extensions: { bazaar: declared } },
    ]);
  });
});

test('offer-receipt: the official client checks what was offered and paid by the key that the signatures name', async () => {
  const seller = await agentpayExtended(stack, facilitator, { offerReceipt: true });
  const required = x402v2.decodePaymentRequired(
    (await fetch(seller.url)).headers.get('payment-required') as string,
  );
  const given = required as unknown as Parameters<typeof extractOffersFromPaymentRequired>[0];
  const [offer] = decodeSignedOffers(extractOffersFromPaymentRequired(given));
  if (!offer || !isJWSSignedOffer(offer.signedOffer)) throw new Error('no signed offer');
  expect(findAcceptsObjectFromSignedOffer(offer, given.accepts)).toEqual(required.accepts[0]);
  expect(await verifyOfferSignatureJWS(offer.signedOffer)).toMatchObject({
    resourceUrl: seller.url,
    amount: PRICE.toString(),
  });

  const paidResponse = await payingFetch(stack)(seller.url);
  const receipt = extractReceiptFromResponse(paidResponse);
  if (!receipt || !isJWSSignedReceipt(receipt)) throw new Error('no signed receipt');
  const { transaction } = x402v2.decodeSettleResponse(paidResponse.headers.get('payment-response') as string);
  expect(await verifyReceiptSignatureJWS(receipt)).toMatchObject({ payer: stack.buyer.address, transaction });
  expect(verifyReceiptMatchesOffer(receipt, offer, [stack.buyer.address])).toBe(true);
});
