import { systemClock } from '@agentpay/primitives';
import { filled } from '../ActionForm.js';
import type { Screen } from '../Screen.js';
import { columns, evidenceFields, evidenceOf, linked, listed } from './listed.js';

const base = '/dashboard/runtime';
const area = 'agent';
const SECOND_MS = 1000;

/** What one agent pays, sells and is paid out, by its key. */
export const runtimeScreens: readonly Screen[] = [
  {
    path: `${base}/payments`,
    title: 'Agent payments',
    area,
    table: {
      columns: [
        linked('id', `${base}/payments`),
        ...columns(
          'status',
          'amount',
          'fee',
          'currency',
          'rail',
          'to_wallet_id',
          'to_external',
          'created_at',
        ),
      ],
      empty: 'This agent has neither paid nor been paid.',
      load: listed('payments', ({ payments }, query) => payments.list(query)),
    },
  },
  {
    path: `${base}/payments/:payment`,
    title: 'Agent payment',
    area,
    object: 'payment',
    facts: {
      load: ({ payments }, { payment = '' }) => payments.get({ payment_id: payment }),
      every: 5 * SECOND_MS,
    },
    actions: [
      {
        title: 'Refund',
        submit: 'Refund',
        fields: [
          { name: 'amount', label: 'Amount; empty is all of it', type: 'amount', optional: true },
          { name: 'reason', label: 'Reason', optional: true },
        ],
        ask: ({ amount }, { payment }) =>
          `Give ${amount ? amount : 'all that is left'} of the payment ${payment} back? It cannot be taken back.`,
        run: ({ payments }, given, { payment = '' }, key) =>
          payments.refund({ payment_id: payment, ...filled(given), idempotency_key: key }),
      },
      {
        title: 'Dispute',
        submit: 'Open a dispute',
        fields: [
          { name: 'reason', label: 'Reason', initial: 'service_not_delivered' },
          { name: 'description', label: 'What happened', type: 'lines', optional: true },
        ],
        run: ({ disputes }, given, { payment = '' }) =>
          disputes.create({ payment_id: payment, ...(filled(given) as { reason: string }) }),
        links: ({ id }: { id: string }) => [['The dispute', `${base}/disputes/${id}`]],
      },
    ],
  },
  {
    path: `${base}/disputes`,
    title: 'Disputes',
    area,
    table: {
      columns: [
        linked('id', `${base}/disputes`),
        ...columns('status', 'payment_id', 'reason', 'note', 'created_at', 'resolved_at'),
      ],
      empty: 'Nothing is disputed.',
      load: listed('disputes', ({ disputes }, query) => disputes.list(query)),
    },
  },
  {
    path: `${base}/disputes/:dispute`,
    title: 'Dispute',
    area,
    object: 'dispute',
    facts: {
      async load({ disputes }, { dispute = '' }) {
        const { evidence: _, ...facts } = await disputes.get({ dispute_id: dispute });
        return facts;
      },
      links: ({ payment_id }: { payment_id: string }) => [['The payment', `${base}/payments/${payment_id}`]],
    },
    table: {
      columns: evidenceOf('created_at', 'party_id'),
      empty: 'There is no evidence yet.',
      load: listed('evidence', ({ disputes }, _, { dispute = '' }) => disputes.get({ dispute_id: dispute })),
    },
    actions: [
      {
        title: 'Add evidence',
        submit: 'Add',
        fields: evidenceFields,
        run: ({ disputes }, { type = '', content = '', file = '' }, { dispute = '' }) =>
          disputes.addEvidence({ dispute_id: dispute, type, content: file || content }),
      },
      {
        title: 'Withdraw',
        submit: 'Withdraw the dispute',
        ask: () => 'Withdraw the dispute? The payment stands then.',
        run: ({ disputes }, _, { dispute = '' }) => disputes.withdraw({ dispute_id: dispute }),
      },
    ],
  },
  {
    path: `${base}/services`,
    title: 'Services',
    area,
    intro: 'What the marketplace of this platform offers, this agent’s own services among it.',
    table: {
      columns: [
        linked('name', `${base}/services`, 'id'),
        ...columns('status', 'price_per_call', 'currency', 'category', 'trust_score', 'verified', 'id'),
      ],
      empty: 'No services are offered.',
      load: listed('services', ({ services }, query) => services.list(query)),
    },
    actions: [
      {
        title: 'Register a service',
        submit: 'Register',
        fields: [
          { name: 'name', label: 'Name' },
          { name: 'price_per_call', label: 'Price a call', type: 'amount' },
          { name: 'category', label: 'Category', optional: true },
          { name: 'endpoint_url', label: 'URL', type: 'url', optional: true },
          { name: 'description', label: 'Description', optional: true },
        ],
        run: ({ services }, given) =>
          services.create(filled(given) as { name: string; price_per_call: string }),
      },
    ],
  },
  {
    path: `${base}/services/:service`,
    title: 'Service',
    area,
    object: 'service',
    facts: {
      async load({ services }, { service: service_id = '' }) {
        const [{ sla: _, ...service }, { service_id: __, ...sla }] = await Promise.all([
          services.get({ service_id }),
          services.sla({ service_id }),
        ]);
        return { ...service, ...sla };
      },
    },
    actions: [
      {
        title: 'Buy a token for one call',
        submit: 'Authorize',
        fields: [{ name: 'from_wallet_id', label: 'From the wallet' }],
        run: ({ services }, { from_wallet_id = '' }, { service = '' }) =>
          services.authorize({ service_id: service, from_wallet_id }),
      },
    ],
  },
  {
    path: `${base}/tokens`,
    title: 'Look up a token',
    area,
    actions: [
      {
        title: 'Token',
        submit: 'Look it up',
        fields: [{ name: 'id', label: 'Id of the token', placeholder: 'tokid_…' }],
        run: ({ tokens }, { id = '' }) => tokens.get({ token_id: id }),
      },
    ],
  },
  {
    path: `${base}/tokens/:token`,
    title: 'Token',
    area,
    object: 'token',
    facts: {
      async load({ tokens }, { token = '' }) {
        const found = await tokens.get({ token_id: token });
        const left = found.deadline
          ? Math.ceil((found.deadline.getTime() - systemClock.now()) / SECOND_MS)
          : 0;
        return { ...found, seconds_left: Math.max(0, left) };
      },
      every: SECOND_MS,
    },
    actions: [
      {
        title: 'Cancel',
        submit: 'Cancel the token',
        ask: () => 'Cancel the token? What it holds goes back.',
        run: ({ tokens }, _, { token = '' }) => tokens.cancel({ token_id: token }),
      },
    ],
  },
  {
    path: `${base}/payouts`,
    title: 'Agent payouts',
    area,
    table: {
      columns: [
        linked('id', `${base}/payouts`),
        ...columns(
          'status',
          'amount',
          'currency',
          'destination_type',
          'estimated_arrival',
          'failure',
          'created_at',
        ),
      ],
      empty: 'Nothing was paid out yet.',
      load: listed('payouts', ({ payouts }, query) => payouts.list(query)),
    },
    actions: [
      {
        title: 'Pay out to a bank',
        submit: 'Pay out',
        fields: [
          { name: 'from_wallet_id', label: 'From the wallet' },
          { name: 'amount', label: 'Amount', type: 'amount' },
          { name: 'routing_number', label: 'Routing number' },
          { name: 'account_number', label: 'Account number' },
          { name: 'account_type', label: 'Account', type: 'select', options: ['checking', 'savings'] },
          { name: 'account_holder', label: 'Holder' },
        ],
        run: ({ payouts }, { from_wallet_id = '', amount = '', ...destination }, _, key) =>
          payouts.create({
            from_wallet_id,
            amount,
            destination_type: 'bank',
            destination,
            idempotency_key: key,
          }),
      },
    ],
  },
  {
    path: `${base}/payouts/:payout`,
    title: 'Payout',
    area,
    object: 'payout',
    facts: {
      load: ({ payouts }, { payout = '' }) => payouts.get({ payout_id: payout }),
      every: 5 * SECOND_MS,
    },
    actions: [
      {
        title: 'Cancel',
        submit: 'Cancel the payout',
        ask: () => 'Cancel the payout? The money stays in the wallet.',
        run: ({ payouts }, _, { payout = '' }) => payouts.cancel({ payout_id: payout }),
      },
    ],
  },
  {
    path: `${base}/approvals`,
    title: 'Approvals of the agent',
    area,
    table: {
      columns: columns(
        'id',
        'status',
        'subject',
        'amount',
        'payee',
        'rail',
        'note',
        'created_at',
        'expires_at',
      ),
      empty: 'Nothing waits for approval.',
      load: listed('approvals', ({ approvals }, query) => approvals.list(query)),
    },
  },
];
