/// <reference lib="dom" />
import { formatDecimal } from '@agentpay/primitives';
import type { Page } from 'playwright-core';
import { newPayee, type InteropStack } from '../interop/stack.js';
import { agreeTo, giveWallet, keepLook, lookAtQuestion } from './browser.js';

/** The dashboard's stack and the page in which somebody works, as the suite has it. */
export interface Bed {
  readonly page: Page;
  readonly url: string;
  readonly stack: InteropStack;
  readonly adminKey: string;
  post(path: string, body: object, headers?: Record<string, string>): Promise<Record<string, string>>;
  violations(): Promise<string[]>;
  faults(): string[];
}

type Area = 'agent' | 'developer' | 'operator';

/** What people do, most of it by a key that they type in. */
export function journeys(bed: () => Bed): void {
  const part = (name: string) => bed().page.getByRole('region', { name, exact: true });
  const heading = (name: string) =>
    bed().page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
  const cell = (name: string | RegExp) => bed().page.getByRole('cell', { name }).first().waitFor();
  const open = (path: string) => bed().page.goto(bed().url + path);
  const hold = async (keys: Partial<Record<Area, string>>) => {
    if (!bed().page.url().startsWith(bed().url)) await open('/');
    await bed().page.evaluate((held) => {
      for (const [area, key] of Object.entries(held)) sessionStorage.setItem(`agentpay.key.${area}`, key);
    }, keys);
  };
  const agree = (region: string, name: string) =>
    agreeTo(bed().page, part(region).getByRole('button', { name }));
  const expectWhole = async (name: string) => {
    expect([name, await bed().violations()]).toEqual([name, []]);
    await keepLook(bed().page, name);
    expect([name, bed().faults()]).toEqual([name, []]);
  };
  /** The credential of the signed-in user. */
  const session = async () => {
    const cookies = await bed().page.context().cookies();
    return { cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') };
  };
  const newAgent = async (name: string, headers = {}) => {
    const { id, api_key, wallet_id } = await bed().post('/v1/agents', { name }, headers);
    return {
      id: id as string,
      key: api_key as string,
      wallet: wallet_id as string,
      auth: { authorization: `Bearer ${api_key}` },
    };
  };
  const newDeveloper = async (name: string) => {
    const email = `${name.toLowerCase()}@example.com`;
    return (await bed().post('/developers/register', { email, name })).developer_key as string;
  };

  afterEach(() => bed().page.evaluate(() => sessionStorage.clear()));

  it('gives back on the page of a payment what an agent of the user received, once that was asked', async () => {
    const { page, post, faults } = bed();
    const payee = await newAgent('Paid', await session());
    const payer = await newAgent('Payer');
    await post(`/v1/wallets/${payer.wallet}/fund`, { amount: 50, source: 'test_faucet' }, payer.auth);
    const order = { from_wallet_id: payer.wallet, to_wallet_id: payee.wallet, amount: 5 };
    const { id } = await post('/v1/payments', order, payer.auth);
    await open(`/dashboard/agents/${payee.id}/payments/${id}`);
    await part('Money back')
      .getByLabel(/^Amount/)
      .fill('2');
    await agree('Money back', 'Refund');
    await part('Money back').getByText('Given back so far: 2.00.').waitFor();
    await part('Money back').getByText('Of it 3.00 can be given back').waitFor();
    await part('Ledger').getByRole('cell', { name: 'payment.refund' }).first().waitFor();
    await part('Money back')
      .getByLabel(/^Amount/)
      .fill('');
    await part('Money back').getByRole('button', { name: 'Refund' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Refund' }).click();
    await part('Payment').getByText('refunded', { exact: true }).waitFor();
    expect(await part('Money back').count()).toBe(0);
    expect(faults()).toEqual([]);
  });

  it('disputes on the page of a payment what an agent of the user paid, once that was asked', async () => {
    const { post, faults } = bed();
    const payer = await newAgent('Unserved', await session());
    const payee = await newAgent('Silent');
    await post(`/v1/wallets/${payer.wallet}/fund`, { amount: 50, source: 'test_faucet' }, payer.auth);
    const order = { from_wallet_id: payer.wallet, to_wallet_id: payee.wallet, amount: 5 };
    const { id } = await post('/v1/payments', order, payer.auth);
    await open(`/dashboard/agents/${payer.id}/payments/${id}`);
    await part('Dispute').getByLabel('What happened').fill('<b>The data</b>\nnever came.');
    await agree('Dispute', 'Open a dispute');
    await part('Dispute').getByText('open', { exact: true }).waitFor();
    await part('Dispute').getByText('This agent', { exact: true }).waitFor();
    await part('Dispute').getByText('<b>The data</b> never came.').waitFor();
    await expectWhole('disputed payment');

    const log = { name: 'call.log', mimeType: 'text/plain', buffer: Buffer.from('<b>no response</b>') };
    await part('Dispute').getByLabel('Or a file').setInputFiles(log);
    await part('Dispute').getByRole('button', { name: 'Add evidence' }).click();
    await part('Dispute').getByRole('cell', { name: '<b>no response</b>' }).waitFor();
    await part('Dispute').getByRole('cell', { name: 'This agent' }).waitFor();
    await agree('Dispute', 'Withdraw the dispute');
    await part('Dispute').getByText('withdrawn', { exact: true }).waitFor();
    expect(await part('Dispute').getByLabel('Or a file').count()).toBe(0);

    await part('Requests').getByText('/v1/payments', { exact: true }).first().waitFor();
    await part('Requests')
      .getByRole('cell', { name: `/api/agents/${payer.id}/transactions/${id}/dispute` })
      .first()
      .waitFor();
    await part('Requests').getByRole('link', { name: 'The request that made it' }).click();
    await heading('Request');
    await part('Details').getByText('runtime.payments.create').waitFor();
    await part('Details').getByText(/^key_/).waitFor();
    await part('Details')
      .getByText(id as string)
      .waitFor();
    await expectWhole('request');
    expect(faults()).toEqual([]);
  });

  it('opens a dispute with a file as evidence, which the operator reads and decides', async () => {
    const { page, post, adminKey } = bed();
    const [payer, payee] = [await newAgent('Payer'), await newAgent('Payee')];
    await post(`/v1/wallets/${payer.wallet}/fund`, { amount: 50, source: 'test_faucet' }, payer.auth);
    const order = { from_wallet_id: payer.wallet, to_wallet_id: payee.wallet, amount: 5, currency: 'USD' };
    const { id } = await post('/v1/payments', order, payer.auth);
    await hold({ agent: payer.key, operator: adminKey });
    await open(`/dashboard/runtime/payments/${id}`);
    await part('Dispute').getByLabel('What happened').fill('The data never came.');
    await part('Dispute').getByRole('button', { name: 'Open a dispute' }).click();
    await page.getByRole('link', { name: 'The dispute' }).click();
    await heading('Dispute');
    const log = {
      name: 'call.log',
      mimeType: 'text/plain',
      buffer: Buffer.from('<b>no response</b> in 30 s'),
    };
    await part('Add evidence').getByLabel('Or a file').setInputFiles(log);
    await part('Add evidence').getByRole('button', { name: 'Add' }).click();
    await cell('<b>no response</b> in 30 s');
    await expectWhole('dispute');

    await open('/dashboard/operator/disputes');
    await page
      .getByRole('link', { name: /^disp_/ })
      .first()
      .click();
    await heading('Disputed payment');
    await cell('<b>no response</b> in 30 s');
    await part('Take it up').getByRole('button', { name: 'Review' }).click();
    await part('Details').getByText('under review').waitFor();
    await part('Decide').getByRole('button', { name: 'Decide' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'No' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await agree('Decide', 'Decide');
    await part('Details').getByText('resolved refunded').waitFor();
    await open(`/dashboard/runtime/payments/${id}`);
    await part('Details').getByText('refunded', { exact: true }).waitFor();
    expect(bed().faults()).toEqual([]);
  });

  it('lists an agent, changes it and its prices, releases a version, and has it approved', async () => {
    const { page, url, adminKey } = bed();
    await hold({ developer: await newDeveloper('Seller'), operator: adminKey });
    await open('/dev/dashboard/listings');
    const form = part('New listing');
    await form.getByLabel('Name').fill('DataBot');
    await form.getByLabel('Category').fill('analytics');
    await form.getByLabel('URL that is called').fill('https://agent.example/run');
    await form.getByLabel('Methods and prices in USDC, one a line').fill('summarize | 0.01');
    await form.getByRole('button', { name: 'List it' }).click();
    await page.getByRole('link', { name: 'Open the listing' }).click();
    await heading('Listing');
    const id = new URL(page.url()).pathname.split('/').pop() as string;
    await part('Change it').getByLabel('Description').fill('Sums up <i>tables</i>.');
    await part('Change it').getByRole('button', { name: 'Save' }).click();
    await part('Listing').getByText('Sums up <i>tables</i>.').waitFor();
    const lines = part('Methods and prices').getByLabel(/^One a line/);
    expect(await lines.inputValue()).toBe('summarize | 0.01');
    await lines.fill('summarize | 0.02 | As a text\nrank | 0.5');
    await part('Methods and prices').getByRole('button', { name: 'Save prices' }).click();
    await cell('rank');
    await part('Versions').getByLabel('Version', { exact: true }).fill('v1.0.1');
    await part('Versions').getByRole('button', { name: 'Release' }).click();
    await cell('v1.0.1');
    await expectWhole('listing');

    await open('/dashboard/operator/listings');
    await part('Approve a listing').getByLabel('Id of the listing').fill(id);
    await part('Approve a listing').getByRole('button', { name: 'Approve' }).click();
    await cell(id);
    const shown = await (await fetch(`${url}/marketplace/agents/${id}`)).json();
    expect(shown).toMatchObject({
      status: 'active',
      description: 'Sums up <i>tables</i>.',
      methods: [
        { name: 'summarize', price_usdc: '0.02', description: 'As a text' },
        { name: 'rank', price_usdc: '0.50', description: null },
      ],
    });
    expect(bed().faults()).toEqual([]);
  });

  it('buys a bundle and sees the invoice', async () => {
    const { page, post, url } = bed();
    const { agents } = (await (await fetch(`${url}/marketplace/agents`)).json()) as {
      agents: { id: string }[];
    };
    const buyer = await newDeveloper('Buyer');
    const { org_id } = await post('/orgs', { name: 'Acme' }, { 'x-developer-key': buyer });
    await hold({ developer: await newDeveloper('Bundler') });
    await open('/dev/dashboard/bundles');
    await part('Offer a bundle').getByLabel('Name').fill('Starter');
    await part('Offer a bundle')
      .getByLabel('Ids of the agents, one a line')
      .fill(agents.map((agent) => agent.id).join('\n'));
    await part('Offer a bundle')
      .getByLabel(/^A month/)
      .fill('20');
    await part('Offer a bundle').getByRole('button', { name: 'Offer it' }).click();
    const bundle = await page
      .getByRole('cell', { name: /^bndl_/ })
      .first()
      .textContent();
    await hold({ developer: buyer });
    await page.reload();
    await part('Subscribe an organization')
      .getByLabel('Bundle')
      .fill(bundle as string);
    await part('Subscribe an organization')
      .getByLabel('Organization')
      .fill(org_id as string);
    await part('Subscribe an organization').getByRole('button', { name: 'Subscribe' }).click();
    await page.getByRole('link', { name: 'The invoice' }).click();
    await heading('Invoice');
    await cell(new RegExp(`bundle ${bundle}`));
    await cell('20.00');
    await part('Details').getByText('open', { exact: true }).waitFor();
    const saved = page.waitForEvent('download');
    await part('PDF').getByRole('button', { name: 'Save as PDF' }).click();
    expect((await saved).suggestedFilename()).toMatch(/^inv_.*\.pdf$/);
    await expectWhole('invoice');
  });

  it('signs for an agreement with the wallet of the browser, and watches it settle', async () => {
    const { page, post, url, stack } = bed();
    const [buyer, seller, payee] = [await newAgent('By use'), await newAgent('Provider'), newPayee()];
    const { id: service_id } = await post(
      '/v1/services',
      { name: 'By use', price_per_call: 0.01 },
      seller.auth,
    );
    const terms = { cap: '0.20', challenge_window_seconds: 1 };
    const proposal = { service_id, buyer_wallet_address: stack.buyer.address, terms };
    const { agreement_id: id } = await post('/usage-agreements', proposal, buyer.auth);
    const at = `/usage-agreements/${id}`;
    await hold({ agent: seller.key });
    await open(`/dashboard/runtime/agreements/${id}`);
    await lookAtQuestion(page, part('The proposal').getByRole('button', { name: 'Reject' }));
    const put = async (path: string, body: object) =>
      fetch(url + at + path, {
        method: 'PUT',
        headers: { ...seller.auth, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await put('/accept', { seller_wallet_address: payee })).status).toBe(200);
    const wallet = await giveWallet(page, stack.buyer);
    await hold({ agent: buyer.key });
    await open(`/dashboard/runtime/agreements/${id}`);
    const status = (text: string) => part('Money').getByText(text, { exact: true }).waitFor();
    await status('accepted');
    await part('Activate').getByText('The platform takes a fee of 0.10').waitFor();
    wallet.decline = true;
    const sign = part('Activate').getByRole('button', { name: 'Sign with a wallet and activate' });
    await sign.click();
    await part('Activate').getByRole('alert').getByText('said no').waitFor();
    await sign.click();
    await status('active');
    expect(wallet.calls.filter((method) => method === 'eth_signTypedData_v4')).toHaveLength(3);
    await post(`${at}/record-usage`, { units: 5 }, seller.auth);
    await part('Money').getByText('0.05 by 5 × 0.01 a call').waitFor();
    await expectWhole('agreement');
    await agree('End of usage', 'End the usage');
    await status('settled');
    expect(await part('Escrow').getByRole('link').count()).toBe(2);
    expect(formatDecimal(await stack.usdc(payee))).toBe('0.05');
    expect(bed().faults()).toEqual([]);
  });
}
