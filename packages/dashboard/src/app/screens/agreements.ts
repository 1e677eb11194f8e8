import { filled } from '../ActionForm.js';
import type { Screen } from '../Screen.js';
import { column, columns, linked, listed } from './listed.js';

const base = '/dashboard/agreements';
const keyBase = '/dashboard/runtime/agreements';

const tableAt = (path: string): NonNullable<Screen['table']> => ({
  columns: [
    linked('agreement_id', path),
    ...columns('status', 'service_id'),
    column('cap', 'money'),
    column('used', 'money'),
    column('remaining', 'money'),
    ...columns('challenge_ends_at', 'created_at'),
  ],
  empty: 'There are no agreements.',
  load: listed('usage_agreements', ({ agreements }, query) => agreements.agreements.list(query)),
});

/** Usage agreements of the user's agents; the page of one is `AgreementPage`. */
export const agreementScreens: readonly Screen[] = [
  {
    path: base,
    title: 'Agreements',
    area: 'session',
    intro: 'What your agents buy or sell by use, up to a cap that is held in escrow.',
    table: tableAt(base),
  },
];

/** Agreements as one agent sees them, by its key. */
export const agentAgreementScreens: readonly Screen[] = [
  {
    path: keyBase,
    title: 'Agreements of the agent',
    area: 'agent',
    intro: 'Open one to take it, to sign for it with a wallet, to end it or to object.',
    table: tableAt(keyBase),
    actions: [
      {
        title: 'Propose an agreement',
        submit: 'Propose',
        fields: [
          { name: 'service_id', label: 'Service', placeholder: 'svc_…' },
          {
            name: 'buyer_wallet_address',
            label: 'Wallet that pays; empty is the sandbox',
            placeholder: '0x…',
            optional: true,
          },
          { name: 'cap', label: 'Cap', type: 'amount', optional: true },
        ],
        run: ({ agreements }, { cap, ...given }) =>
          agreements.agreements.create({
            ...(filled(given) as { service_id: string }),
            settlement_model: 'escrow',
            terms: cap ? { cap } : {},
          }),
        links: ({ agreement_id: id }: { agreement_id: string }) => [['The agreement', `${keyBase}/${id}`]],
      },
    ],
  },
];
