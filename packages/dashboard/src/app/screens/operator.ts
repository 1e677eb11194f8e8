import type { Screen } from '../Screen.js';
import { columns, evidenceOf, linked, listed } from './listed.js';

const base = '/dashboard/operator';
const area = 'operator';
const WATCH_MS = 5000;

/** What the operator of the platform sees to. */
export const operatorScreens: readonly Screen[] = [
  {
    path: `${base}/state`,
    title: 'State of the platform',
    area,
    facts: {
      async load({ gateway: { admin }, ops }) {
        const [stats, reliability, state] = await Promise.all([
          admin.stats(),
          admin.reliability(),
          ops.state(),
        ]);
        const { queue_depth, kill_switch, settings, sessions } = state;
        return { ...stats, ...reliability, queue_depth, kill_switch, sessions: sessions.length, settings };
      },
      kinds: { kill_switch: 'flag', settings: 'json' },
      every: WATCH_MS,
    },
    actions: [
      {
        title: 'Kill switch',
        submit: 'Set',
        ask: ({ spending }) =>
          spending === 'stop all' ? 'Stop all spending on this platform?' : 'Let spending go on?',
        fields: [{ name: 'spending', label: 'Spending', type: 'select', options: ['go on', 'stop all'] }],
        run: ({ ops }, { spending }) => ops.killSwitch({ enabled: spending === 'stop all' }),
      },
    ],
  },
  {
    path: `${base}/wallets`,
    title: 'Wallets',
    area,
    table: {
      columns: columns('id', 'owner_id', 'balance_usdc', 'available_usdc', 'created_at'),
      empty: 'There are no wallets.',
      load: listed('wallets', ({ gateway }, query) => gateway.admin.wallets(query)),
    },
    actions: [
      {
        title: 'Grant credits to an organization',
        submit: 'Grant',
        fields: [
          { name: 'org_id', label: 'Organization' },
          { name: 'amount_usdc', label: 'Amount (USDC)', type: 'amount' },
        ],
        run: ({ gateway }, { org_id = '', amount_usdc = '' }) => gateway.admin.grant({ org_id, amount_usdc }),
      },
    ],
  },
  {
    path: `${base}/reconcile`,
    title: 'Reconcile',
    area,
    intro: 'Compares the books with themselves, the chain and the payment processors. It changes nothing.',
    actions: [
      {
        title: 'Reconcile the books',
        submit: 'Reconcile',
        run: ({ gateway }) => gateway.admin.reconcile({}),
      },
      {
        title: 'Replay deliveries of webhooks',
        submit: 'Replay',
        fields: [{ name: 'since', label: 'Since', placeholder: '2026-02-26T20:10:00Z' }],
        run: ({ gateway }, { since }) => gateway.admin.replay({ params: { since } }),
      },
    ],
  },
  {
    path: `${base}/approvals`,
    title: 'Approvals',
    area,
    table: {
      columns: columns(
        'id',
        'status',
        'agent_id',
        'amount',
        'currency',
        'payee',
        'rail',
        'created_at',
        'expires_at',
      ),
      empty: 'Nothing waits for approval.',
      load: listed('approvals', ({ approvals }, query) => approvals.list(query)),
    },
    actions: [
      {
        title: 'Approve',
        submit: 'Approve',
        fields: [
          { name: 'id', label: 'Id of the approval' },
          { name: 'note', label: 'Note', optional: true },
        ],
        run: ({ approvals }, { id = '', note = '' }) =>
          approvals.approve({ approval_id: id, ...(note && { note }) }),
      },
      {
        title: 'Reject',
        submit: 'Reject',
        ask: ({ id }) => `Reject ${id}? The payment that waits for it ends.`,
        fields: [
          { name: 'id', label: 'Id of the approval' },
          { name: 'note', label: 'Note', optional: true },
        ],
        run: ({ approvals }, { id = '', note = '' }) =>
          approvals.reject({ approval_id: id, ...(note && { note }) }),
      },
    ],
  },
  {
    path: `${base}/disputes`,
    title: 'Disputed payments',
    area,
    intro: 'Open one to see its evidence and to decide it.',
    table: {
      columns: [
        linked('id', `${base}/disputes`),
        ...columns('status', 'payment_id', 'reason', 'description', 'note', 'created_at'),
      ],
      empty: 'Nothing is disputed.',
      load: listed('disputes', ({ disputes }, query) => disputes.list(query)),
    },
  },
  {
    path: `${base}/disputes/:dispute`,
    title: 'Disputed payment',
    area,
    object: 'dispute',
    facts: {
      async load({ disputes }, { dispute = '' }) {
        const { evidence: _, ...facts } = await disputes.get({ dispute_id: dispute });
        return facts;
      },
      every: WATCH_MS,
    },
    table: {
      columns: evidenceOf('created_at', 'party_id'),
      empty: 'There is no evidence yet.',
      load: listed('evidence', ({ disputes }, _, { dispute = '' }) => disputes.get({ dispute_id: dispute })),
    },
    actions: [
      {
        title: 'Take it up',
        submit: 'Review',
        run: ({ disputes }, _, { dispute = '' }) => disputes.review({ dispute_id: dispute }),
      },
      {
        title: 'Decide',
        submit: 'Decide',
        fields: [
          { name: 'resolution', label: 'Decision', type: 'select', options: ['refund', 'deny'] },
          { name: 'note', label: 'Note', optional: true },
        ],
        ask: ({ resolution }) =>
          resolution === 'refund'
            ? 'Give the payer the amount back? It cannot be taken back.'
            : 'Deny the dispute for good?',
        run: ({ disputes }, { resolution, note = '' }, { dispute = '' }) =>
          disputes.resolve({
            dispute_id: dispute,
            resolution: resolution as 'refund',
            ...(note && { note }),
          }),
      },
    ],
  },
  {
    path: `${base}/invoice-disputes`,
    title: 'Disputed invoices of all',
    area,
    table: {
      columns: columns('id', 'status', 'invoice_id', 'payment_id', 'reason', 'resolution', 'created_at'),
      empty: 'Nothing is disputed.',
      load: listed('disputes', ({ gateway }, query) => gateway.disputes.listAll(query)),
    },
    actions: [
      {
        title: 'Decide',
        submit: 'Decide',
        ask: ({ id, resolution }) => `Decide ${id} for good: ${resolution}?`,
        fields: [
          { name: 'id', label: 'Id of the dispute' },
          {
            name: 'resolution',
            label: 'Decision',
            type: 'select',
            options: ['approved', 'rejected', 'denied'],
          },
        ],
        run: ({ gateway }, { id = '', resolution }) =>
          gateway.disputes.resolve({ dispute_id: id, resolution: resolution as 'approved' }),
      },
    ],
  },
  {
    path: `${base}/listings`,
    title: 'Listings',
    area,
    intro: 'What the marketplace offers. A new listing is offered once it is approved here.',
    table: {
      columns: columns('name', 'id', 'category', 'description', 'from_usdc'),
      empty: 'Nothing is offered.',
      load: listed('agents', ({ gateway }, query) => gateway.listings.list(query)),
    },
    actions: [
      {
        title: 'Approve a listing',
        submit: 'Approve',
        fields: [{ name: 'id', label: 'Id of the listing' }],
        run: ({ gateway }, { id = '' }) => gateway.listings.approve({ agent_id: id }),
      },
      {
        title: 'Suspend a listing',
        submit: 'Suspend',
        ask: ({ id }) => `Suspend the listing ${id}? Nobody can call it any more.`,
        fields: [{ name: 'id', label: 'Id of the listing' }],
        run: ({ gateway }, { id = '' }) => gateway.listings.suspend({ agent_id: id }),
      },
    ],
  },
  {
    path: `${base}/certifications`,
    title: 'Certifications',
    area,
    intro: 'What developers ask for and nobody has decided yet, longest first.',
    table: {
      columns: columns('agent_id', 'certification', 'evidence_url', 'asked_at'),
      empty: 'Nothing waits for a decision.',
      load: listed('certifications', ({ gateway }, query) => gateway.certifications.list(query)),
    },
    actions: [
      {
        title: 'Decide on a certification',
        submit: 'Decide',
        fields: [
          { name: 'agent_id', label: 'Listed agent' },
          { name: 'certification', label: 'Certification', initial: 'SOC2' },
          { name: 'decision', label: 'Decision', type: 'select', options: ['approved', 'rejected'] },
        ],
        run: ({ gateway }, { agent_id = '', certification = '', decision }) =>
          gateway.certifications.decide({ agent_id, certification, decision: decision as 'approved' }),
      },
    ],
  },
  {
    path: `${base}/developers`,
    title: 'Developers and gateways',
    area,
    actions: [
      {
        title: 'Let a developer in',
        submit: 'Approve',
        fields: [{ name: 'id', label: 'Id of the developer' }],
        run: ({ gateway }, { id = '' }) => gateway.developers.approve({ developer_id: id }),
      },
      {
        title: 'Suspend a developer',
        submit: 'Suspend',
        ask: ({ id }) => `Suspend the developer ${id}? Their keys are refused at once.`,
        fields: [{ name: 'id', label: 'Id of the developer' }],
        run: ({ gateway }, { id = '' }) => gateway.developers.suspend({ developer_id: id }),
      },
      {
        title: 'New gateway',
        submit: 'Create',
        fields: [
          { name: 'name', label: 'Name' },
          { name: 'org_id', label: 'Organization', optional: true },
        ],
        run: ({ gateway }, { name = '', org_id = '' }) =>
          gateway.gateways.create({ name, ...(org_id && { org_id }) }),
      },
    ],
  },
  {
    path: `${base}/audit-log`,
    title: 'Audit log',
    area,
    table: {
      columns: columns(
        'at',
        'act',
        'subject',
        'actor_id',
        'tenant_ids',
        'before',
        'after',
        'request_id',
        'id',
      ),
      empty: 'Nothing was written yet.',
      load: listed('entries', ({ audit }, query) => audit.list(query)),
    },
  },
];
