import type { Screen } from '../Screen.js';
import { columns, linked, listed } from './listed.js';

const base = '/dev/dashboard/organizations';
const area = 'developer';
const roles = ['member', 'admin', 'billing', 'owner'] as const;

/** Organizations of a developer: members, purchase orders, contracts, budgets of their gateways. */
export const organizationScreens: readonly Screen[] = [
  {
    path: base,
    title: 'Organizations',
    area,
    table: {
      columns: [linked('name', base, 'id'), ...columns('id')],
      empty: 'You belong to no organization.',
      load: listed('orgs', ({ gateway }, query) => gateway.orgs.list(query)),
    },
    actions: [
      {
        title: 'New organization',
        submit: 'Create',
        fields: [{ name: 'name', label: 'Name' }],
        run: ({ gateway }, { name = '' }) => gateway.orgs.create({ name }),
      },
    ],
  },
  {
    path: `${base}/:org`,
    title: 'Organization',
    area,
    object: 'org',
    facts: {
      load: ({ gateway }, { org = '' }) => gateway.orgs.get({ org_id: org }),
      links: ({ id }: { id: string }) => [
        ['Purchase orders', `${base}/${id}/purchase-orders`],
        ['Contracts', `${base}/${id}/contracts`],
        ['Policies', `${base}/${id}/policies`],
        ['What policies stopped', `${base}/${id}/policy-log`],
      ],
    },
    table: {
      columns: columns('email', 'role', 'status', 'id', 'created_at'),
      empty: 'There are no members.',
      load: listed('members', ({ gateway }, _, { org = '' }) => gateway.orgs.members({ org_id: org })),
    },
    actions: [
      {
        title: 'Invite somebody',
        submit: 'Invite',
        fields: [
          { name: 'email', label: 'E-mail', type: 'email' },
          { name: 'role', label: 'Role', type: 'select', options: roles },
        ],
        run: ({ gateway }, { email = '', role }, { org = '' }) =>
          gateway.orgs.invite({ org_id: org, email, role: role as (typeof roles)[number] }),
      },
      {
        title: 'Remove a member',
        submit: 'Remove',
        ask: ({ id }) => `Remove the member ${id} from the organization?`,
        fields: [{ name: 'id', label: 'Id of the member' }],
        run: ({ gateway }, { id = '' }, { org = '' }) =>
          gateway.orgs.removeMember({ org_id: org, member_id: id }),
      },
    ],
  },
  {
    path: `${base}/:org/purchase-orders`,
    title: 'Purchase orders',
    area,
    table: {
      columns: columns('id', 'status', 'amount_usdc', 'drawn_usdc', 'memo', 'created_at'),
      empty: 'There are no purchase orders.',
      load: listed('purchase_orders', ({ gateway }, query, { org = '' }) =>
        gateway.purchaseOrders.list({ org_id: org, ...query }),
      ),
    },
    actions: [
      {
        title: 'New purchase order',
        submit: 'Create',
        fields: [
          { name: 'amount', label: 'Amount (USDC)', type: 'amount' },
          { name: 'memo', label: 'Memo' },
        ],
        run: ({ gateway }, { amount = '', memo = '' }, { org = '' }) =>
          gateway.purchaseOrders.create({ org_id: org, amount_usdc: amount, memo }),
      },
    ],
  },
  {
    path: `${base}/:org/contracts`,
    title: 'Contracts',
    area,
    table: {
      columns: columns('title', 'id', 'terms', 'status', 'created_at'),
      empty: 'There are no contracts.',
      load: listed('contracts', ({ gateway }, query, { org = '' }) =>
        gateway.contracts.list({ org_id: org, ...query }),
      ),
    },
    actions: [
      {
        title: 'New contract',
        submit: 'Draft',
        fields: [
          { name: 'title', label: 'Title' },
          { name: 'terms', label: 'Terms', type: 'lines' },
        ],
        run: ({ gateway }, { title = '', terms = '' }, { org = '' }) =>
          gateway.contracts.create({ org_id: org, title, terms }),
      },
    ],
  },
  {
    path: `${base}/:org/policies`,
    title: 'Policies',
    area,
    table: {
      columns: columns('name', 'id', 'rules', 'status', 'created_at'),
      empty: 'There are no policies.',
      load: listed('policies', ({ gateway }, query, { org = '' }) =>
        gateway.policies.list({ org_id: org, ...query }),
      ),
    },
    actions: [
      {
        title: 'New budget',
        submit: 'Create',
        fields: [
          { name: 'name', label: 'Name', initial: 'Budget cap' },
          { name: 'monthly', label: 'Most a month (USDC)', type: 'amount' },
        ],
        run: ({ gateway }, { name = '', monthly = '' }, { org = '' }) =>
          gateway.policies.create({ org_id: org, name, rules: { monthly_usdc: monthly } }),
      },
      {
        title: 'Delete a policy',
        submit: 'Delete',
        ask: ({ id }) => `Delete the policy ${id}? What it stopped is allowed again.`,
        fields: [{ name: 'id', label: 'Id' }],
        run: ({ gateway }, { id = '' }, { org = '' }) =>
          gateway.policies.delete({ org_id: org, policy_id: id }),
      },
    ],
  },
  {
    path: `${base}/:org/policy-log`,
    title: 'What policies stopped',
    area,
    table: {
      columns: columns(
        'created_at',
        'action',
        'reason',
        'policy_id',
        'spender_id',
        'limit_usdc',
        'spent_usdc',
      ),
      empty: 'Nothing was stopped.',
      load: listed('logs', ({ gateway }, query, { org = '' }) =>
        gateway.policies.logs({ org_id: org, ...query }),
      ),
    },
  },
];
