/** A group of the side navigation: addresses and what they are called there. */
interface Group {
  readonly title: string;
  readonly links: readonly (readonly [path: string, label: string])[];
}

const under = (base: string, links: Readonly<Record<string, string>>): Group['links'] =>
  Object.entries(links).map(([name, label]) => [`${base}/${name}`, label]);

/** The side navigation. It stands apart from the screens, so that a page shows it before those are loaded. */
export const groups: readonly Group[] = [
  {
    title: 'Buying',
    links: [
      ['/dashboard', 'Overview'],
      ...under('/dashboard', {
        agents: 'Agents',
        payments: 'Payments',
        approvals: 'Approvals',
        agreements: 'Agreements',
        keys: 'API keys',
        spend: 'Spend events',
        requests: 'Requests',
      }),
    ],
  },
  {
    title: 'An agent by its key',
    links: under('/dashboard/runtime', {
      payments: 'Payments',
      disputes: 'Disputes',
      services: 'Services',
      tokens: 'Look up a token',
      payouts: 'Payouts',
      approvals: 'Approvals',
      agreements: 'Agreements',
      requests: 'Requests',
    }),
  },
  {
    title: 'A gateway',
    links: under('/dashboard/gateway', {
      balance: 'Balance',
      calls: 'Calls',
      tools: 'Tools and quotas',
      receipts: 'Receipts',
      requests: 'Requests',
    }),
  },
  {
    title: 'Developers',
    links: [
      ['/dev/dashboard', 'Developer'],
      ...under('/dev/dashboard', {
        listings: 'Listings',
        payouts: 'Payouts',
        bundles: 'Bundles',
        subscriptions: 'Subscriptions',
        invoices: 'Invoices',
        receipts: 'Receipts',
        budgets: 'Budgets and alerts',
        disputes: 'Disputed invoices',
        organizations: 'Organizations',
        requests: 'Requests',
      }),
    ],
  },
  {
    title: 'Operator',
    links: under('/dashboard/operator', {
      state: 'State of the platform',
      wallets: 'Wallets',
      reconcile: 'Reconcile',
      approvals: 'Approvals',
      disputes: 'Disputed payments',
      'invoice-disputes': 'Disputed invoices of all',
      listings: 'Listings',
      certifications: 'Certifications',
      developers: 'Developers and gateways',
      requests: 'Requests',
      'audit-log': 'Audit log',
    }),
  },
];
