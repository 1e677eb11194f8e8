import { filled } from '../ActionForm.js';
import type { Screen } from '../Screen.js';
import { columns, linked, listed } from './listed.js';

const base = '/dashboard/gateway';
const area = 'gateway';
const WATCH_MS = 3000;

/** What a gateway holds and calls. */
export const gatewayScreens: readonly Screen[] = [
  {
    path: `${base}/balance`,
    title: 'Gateway balance',
    area,
    facts: {
      async load({ gateway: { gateways } }) {
        return { ...(await gateways.balance()), ...(await gateways.usage()) };
      },
      every: WATCH_MS,
    },
    actions: [
      {
        title: 'Add money',
        submit: 'Fund',
        fields: [
          { name: 'amount', label: 'Amount (USDC)', type: 'amount' },
          { name: 'source', label: 'From', initial: 'stripe' },
        ],
        run: ({ gateway }, { amount = '', source = '' }) =>
          gateway.fundings.create({ amount_usdc: amount, source }),
      },
    ],
  },
  {
    path: `${base}/calls`,
    title: 'Calls',
    area,
    table: {
      columns: [
        linked('call_id', `${base}/calls`),
        ...columns('status', 'agent_id', 'method', 'price_usdc', 'failure', 'queued_at', 'ended_at'),
      ],
      empty: 'Nothing was called yet.',
      load: listed('calls', ({ gateway }, query) => gateway.calls.list(query)),
    },
    actions: [
      {
        title: 'Call an agent',
        submit: 'Call',
        fields: [
          { name: 'agent_id', label: 'Agent' },
          { name: 'method', label: 'Method', optional: true },
          { name: 'max_price_usdc', label: 'At most (USDC)', type: 'amount', optional: true },
          { name: 'input', label: 'Input as JSON', type: 'lines', initial: '{}' },
        ],
        run: ({ gateway }, { input = '{}', ...given }, _, key) =>
          gateway.calls.create({
            ...(filled(given) as { agent_id: string }),
            input: JSON.parse(input) as Record<string, unknown>,
            idempotency_key: key,
          }),
      },
    ],
  },
  {
    path: `${base}/calls/:call`,
    title: 'Call',
    area,
    object: 'call',
    facts: {
      load: ({ gateway }, { call = '' }) => gateway.calls.get({ call_id: call }),
      kinds: { input: 'json', output: 'json' },
      every: WATCH_MS,
    },
  },
  {
    path: `${base}/tools`,
    title: 'Tools and quotas',
    area,
    table: {
      columns: columns('name', 'id', 'agent_id', 'description', 'price_usdc', 'quota_left_usdc'),
      empty: 'Nothing is provisioned.',
      load: listed('tools', ({ gateway }) => gateway.gateways.tools()),
    },
    actions: [
      {
        title: 'Provision an agent',
        submit: 'Provision',
        fields: [
          { name: 'agent_id', label: 'Agent' },
          { name: 'quota_usdc', label: 'Quota (USDC)', type: 'amount' },
        ],
        run: ({ gateway }, { agent_id = '', quota_usdc = '' }) =>
          gateway.gateways.provision({ agent_id, quota_usdc }),
      },
    ],
  },
  {
    path: `${base}/receipts`,
    title: 'Gateway receipts',
    area,
    table: {
      columns: columns('id', 'amount_usdc', 'line_items', 'authorization_id', 'created_at'),
      empty: 'There are no receipts.',
      load: listed('receipts', ({ gateway }, query) => gateway.receipts.list(query)),
    },
  },
];
