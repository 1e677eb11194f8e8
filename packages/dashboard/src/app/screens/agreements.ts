import type { Screen } from '../Screen.js';
import { column, columns, linked, listed } from './listed.js';

const base = '/dashboard/agreements';
const WATCH_MS = 3000;

/** Usage agreements of the user's agents. */
export const agreementScreens: readonly Screen[] = [
  {
    path: base,
    title: 'Agreements',
    area: 'session',
    listed: true,
    intro: 'What your agents buy or sell by use, up to a cap that is held in escrow.',
    table: {
      columns: [
        linked('agreement_id', base),
        ...columns('status', 'service_id'),
        column('cap', 'money'),
        column('used', 'money'),
        column('remaining', 'money'),
        ...columns('challenge_ends_at', 'created_at'),
      ],
      empty: 'Your agents have no agreements.',
      load: listed('usage_agreements', ({ agreements }, query) => agreements.agreements.list(query)),
    },
  },
  {
    path: `${base}/:agreement`,
    title: 'Agreement',
    area: 'session',
    facts: {
      async load({ agreements: { agreements } }, { agreement: agreement_id = '' }) {
        const [terms, escrow] = await Promise.all([
          agreements.get({ agreement_id }),
          agreements.escrowStatus({ agreement_id }),
        ]);
        return { ...terms, ...escrow };
      },
      every: WATCH_MS,
    },
    table: {
      columns: columns('at', 'event', 'status'),
      empty: 'Nothing has happened yet.',
      load: listed('history', ({ agreements }, _, { agreement = '' }) =>
        agreements.agreements.history({ agreement_id: agreement }),
      ),
    },
  },
];
