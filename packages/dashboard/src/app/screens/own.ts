import { everything } from '../api.js';
import type { Screen } from '../Screen.js';

/** What belongs to the signed-in user beside their agents. */
export const ownScreens: readonly Screen[] = [
  {
    path: '/dashboard/keys',
    title: 'API keys',
    area: 'session',
    intro: 'Keys of your own for programs that buy with POST /v1/pay (X-Api-Key).',
    table: {
      columns: [
        { key: 'name', label: 'Name' },
        { key: 'id', label: 'Id', kind: 'code' },
        { key: 'status', label: 'Status', kind: 'status' },
        { key: 'created_at', label: 'Made', kind: 'time' },
      ],
      empty: 'You have no key yet.',
      load: ({ pay }) =>
        everything(async (query) => {
          const { keys, total } = await pay.keys.list(query);
          return { rows: keys, total };
        }),
    },
    actions: [
      {
        title: 'New key',
        submit: 'Create',
        fields: [{ name: 'name', label: 'Name', initial: 'default' }],
        run: ({ pay }, { name = '' }) => pay.keys.create({ name }),
      },
      {
        title: 'Revoke a key',
        submit: 'Revoke',
        ask: ({ id }) => `Revoke the key ${id}? Whatever uses it is refused at once.`,
        fields: [{ name: 'id', label: 'Id of the key' }],
        run: ({ pay }, { id = '' }) => pay.keys.delete({ key_id: id }),
      },
    ],
  },
  {
    path: '/dashboard/spend',
    title: 'Spend events',
    area: 'session',
    intro: 'What your API keys have paid.',
    table: {
      columns: [
        { key: 'created_at', label: 'Time', kind: 'time' },
        { key: 'status', label: 'Status', kind: 'status' },
        { key: 'amount', label: 'Amount', kind: 'money' },
        { key: 'asset', label: 'Asset' },
        { key: 'url', label: 'URL' },
        { key: 'network', label: 'Network' },
        { key: 'pay_to', label: 'To', kind: 'code' },
        { key: 'transaction', label: 'Transaction', kind: 'code' },
      ],
      empty: 'Your keys have paid nothing yet.',
      load: ({ pay }) =>
        everything(async (query) => {
          const { spend_events: rows, total } = await pay.spendEvents.list(query);
          return { rows, total };
        }),
    },
  },
];
