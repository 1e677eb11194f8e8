import { developerDocument } from '../api.js';
import { saveFile } from '../saveFile.js';
import type { Action, Screen } from '../Screen.js';
import { columns, linked, listed } from './listed.js';
import { filled } from '../ActionForm.js';
import { newListing, readListing } from '../listings/ListingPage.js';

const base = '/dev/dashboard';
const area = 'developer';

/** The document of an invoice or a receipt, whose id is this parameter of the path. */
const pdf = (list: string, param: string): Action => ({
  title: 'PDF',
  submit: 'Save as PDF',
  async run(_, __, params) {
    const id = encodeURIComponent(params[param] ?? '');
    saveFile(`${id}.pdf`, await developerDocument(`/${list}/${id}.pdf`));
  },
});

/** What a developer sees of their money and what they are billed. */
export const developerScreens: readonly Screen[] = [
  {
    path: base,
    title: 'Developer',
    area,
    facts: {
      async load({ gateway: { developers, forecast } }) {
        const [profile, earnings, next] = await Promise.all([
          developers.profile(),
          developers.earnings(),
          forecast.get(),
        ]);
        return { ...profile, ...earnings, ...next };
      },
      kinds: { created_at: 'time' },
    },
    actions: [
      {
        title: 'Rotate the key',
        submit: 'Rotate',
        fields: [{ name: 'reason', label: 'Reason', initial: 'rotation' }],
        ask: () => 'Replace your key? The one that you have is refused at once.',
        run: ({ gateway }, { reason = '' }) => gateway.developers.rotateKey({ reason }),
      },
    ],
  },
  {
    path: `${base}/listings`,
    title: 'Listings',
    area,
    intro: 'What you sell in the marketplace.',
    table: {
      columns: [
        linked('name', `${base}/listings`, 'id'),
        ...columns('id', 'category', 'description', 'regions', 'from_usdc'),
      ],
      empty: 'You offer nothing yet.',
      async load(api, params) {
        const { id: developer_id } = await api.gateway.developers.profile();
        const page = listed('agents', ({ gateway }, query) =>
          gateway.listings.list({ ...query, developer_id }),
        );
        return page(api, params);
      },
    },
    actions: [
      {
        title: 'New listing',
        submit: 'List it',
        fields: newListing,
        run: ({ gateway }, given) => gateway.listings.create(readListing(given)),
        links: ({ agent_id: id }: { agent_id: string }) => [['Open the listing', `${base}/listings/${id}`]],
      },
      {
        title: 'Open a listing',
        submit: 'Look it up',
        fields: [{ name: 'id', label: 'Id of a listing that is not offered yet', placeholder: 'agt_…' }],
        run: ({ gateway }, { id = '' }) => gateway.listings.get({ agent_id: id }),
        links: ({ id }: { id: string }) => [['Open the listing', `${base}/listings/${id}`]],
      },
    ],
  },
  {
    path: `${base}/payouts`,
    title: 'Payouts',
    area,
    table: {
      columns: columns('id', 'status', 'amount_usdc', 'destination', 'failure', 'created_at'),
      empty: 'Nothing was paid out yet.',
      load: listed('payouts', ({ gateway }, query) => gateway.developers.payouts(query)),
    },
    actions: [
      {
        title: 'Pay out',
        submit: 'Pay out',
        fields: [
          { name: 'amount', label: 'Amount (USDC)', type: 'amount' },
          { name: 'destination', label: 'To', type: 'select', options: ['bank', 'crypto', 'stripe'] },
        ],
        run: ({ gateway }, { amount = '', destination }) =>
          gateway.developers.payout({ amount_usdc: amount, destination: destination as 'bank' }),
      },
    ],
  },
  {
    path: `${base}/bundles`,
    title: 'Bundles',
    area,
    table: {
      columns: columns('name', 'id', 'agents', 'price_usdc'),
      empty: 'No bundles are offered.',
      load: listed('bundles', ({ gateway }, query) => gateway.bundles.list(query)),
    },
    actions: [
      {
        title: 'Subscribe an organization',
        submit: 'Subscribe',
        fields: [
          { name: 'bundle_id', label: 'Bundle' },
          { name: 'org_id', label: 'Organization' },
          { name: 'plan', label: 'Plan', initial: 'monthly' },
          { name: 'po_id', label: 'Purchase order', optional: true },
        ],
        run: ({ gateway }, given) =>
          gateway.bundles.subscribe(filled(given) as { bundle_id: string; org_id: string; plan: 'monthly' }),
        links: ({ invoice_id: id }: { invoice_id: string }) => [['The invoice', `${base}/invoices/${id}`]],
      },
      {
        title: 'Offer a bundle',
        submit: 'Offer it',
        fields: [
          { name: 'name', label: 'Name' },
          { name: 'agents', label: 'Ids of the agents, one a line', type: 'lines' },
          {
            name: 'price',
            label: 'A month (USDC); empty is what the platform asks',
            type: 'amount',
            optional: true,
          },
        ],
        run: ({ gateway }, { name = '', agents = '', price = '' }) =>
          gateway.bundles.create({
            name,
            agent_ids: agents.split(/\s+/).filter(Boolean),
            ...(price && { price_usdc: price }),
          }),
      },
    ],
  },
  {
    path: `${base}/subscriptions`,
    title: 'Subscriptions',
    area,
    table: {
      columns: columns('id', 'plan', 'status', 'seat_count', 'price_usdc', 'period_end', 'bundle_id'),
      empty: 'You subscribe to nothing.',
      load: listed('subscriptions', ({ gateway }, query) => gateway.subscriptions.list(query)),
    },
    actions: [
      {
        title: 'New subscription',
        submit: 'Subscribe',
        fields: [
          { name: 'plan', label: 'Plan', initial: 'pro' },
          { name: 'seats', label: 'Seats', type: 'number', initial: '1' },
          { name: 'org_id', label: 'Organization', optional: true },
        ],
        run: ({ gateway }, { seats, ...given }) =>
          gateway.subscriptions.create({ ...(filled(given) as { plan: string }), seat_count: Number(seats) }),
      },
      {
        title: 'Cancel a subscription',
        submit: 'Cancel it',
        fields: [{ name: 'id', label: 'Id' }],
        ask: ({ id }) => `Cancel the subscription ${id}?`,
        run: ({ gateway }, { id = '' }) => gateway.subscriptions.delete({ subscription_id: id }),
      },
    ],
  },
  {
    path: `${base}/invoices`,
    title: 'Invoices',
    area,
    table: {
      columns: [
        linked('id', `${base}/invoices`),
        ...columns('status', 'amount_usdc', 'overdue', 'due_at', 'created_at', 'subscription_id', 'po_id'),
      ],
      empty: 'There are no invoices.',
      load: listed('invoices', ({ gateway }, query) => gateway.invoices.list(query)),
    },
  },
  {
    path: `${base}/invoices/:invoice`,
    title: 'Invoice',
    area,
    object: 'invoice',
    facts: {
      async load({ gateway }, { invoice = '' }) {
        const { line_items: _, ...facts } = await gateway.invoices.get({ invoice_id: invoice });
        return facts;
      },
      kinds: { amount_usdc: 'money' },
    },
    table: {
      columns: columns('desc', 'amount'),
      empty: 'It has no lines.',
      load: listed('line_items', ({ gateway }, _, { invoice = '' }) =>
        gateway.invoices.get({ invoice_id: invoice }),
      ),
    },
    actions: [
      pdf('invoices', 'invoice'),
      {
        title: 'Pay',
        submit: 'Pay the invoice',
        ask: () => 'Pay it from the balance of its customer?',
        run: ({ gateway }, _, { invoice = '' }) => gateway.invoices.pay({ invoice_id: invoice }),
      },
      {
        title: 'Dispute',
        submit: 'Open a dispute',
        fields: [
          { name: 'reason', label: 'Reason', initial: 'overcharge' },
          { name: 'description', label: 'What is wrong', type: 'lines', optional: true },
        ],
        run: ({ gateway }, given, { invoice = '' }) =>
          gateway.disputes.create({ invoice_id: invoice, ...(filled(given) as { reason: string }) }),
      },
    ],
  },
  {
    path: `${base}/receipts`,
    title: 'Receipts',
    area,
    table: {
      columns: [
        linked('id', `${base}/receipts`),
        ...columns('amount_usdc', 'invoice_id', 'authorization_id', 'created_at'),
      ],
      empty: 'There are no receipts.',
      load: listed('receipts', ({ gateway }, query) => gateway.receipts.list(query)),
    },
  },
  {
    path: `${base}/receipts/:receipt`,
    title: 'Receipt',
    area,
    object: 'receipt',
    facts: { load: ({ gateway }, { receipt = '' }) => gateway.receipts.get({ receipt_id: receipt }) },
    actions: [pdf('receipts', 'receipt')],
  },
  {
    path: `${base}/budgets`,
    title: 'Budgets and alerts',
    area,
    facts: { load: ({ gateway }) => gateway.forecast.get() },
    table: {
      columns: columns('id', 'type', 'threshold_usdc', 'triggered_month', 'created_at'),
      empty: 'Nobody is told of spending yet.',
      load: listed('alerts', ({ gateway }) => gateway.alerts.list()),
    },
    actions: [
      {
        title: 'New alert',
        submit: 'Add',
        fields: [{ name: 'threshold_usdc', label: 'Threshold (USDC)', type: 'amount' }],
        run: ({ gateway }, { threshold_usdc = '' }) =>
          gateway.alerts.create({ type: 'budget', threshold_usdc }),
      },
      {
        title: 'Delete an alert',
        submit: 'Delete',
        fields: [{ name: 'id', label: 'Id' }],
        ask: ({ id }) => `Delete the alert ${id}?`,
        run: ({ gateway }, { id = '' }) => gateway.alerts.delete({ alert_id: id }),
      },
    ],
  },
  {
    path: `${base}/disputes`,
    title: 'Disputed invoices',
    area,
    table: {
      columns: columns('id', 'status', 'invoice_id', 'reason', 'resolution', 'created_at', 'resolved_at'),
      empty: 'Nothing is disputed.',
      load: listed('disputes', ({ gateway }, query) => gateway.disputes.list(query)),
    },
  },
];
