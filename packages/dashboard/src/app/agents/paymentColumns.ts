import type { Column } from '../DataTable.js';

/** Columns of payments of agents. */
export function paymentColumns(agentOf: (row: { agentId?: string }) => string): readonly Column[] {
  return [
    {
      key: 'id',
      label: 'Payment',
      kind: 'code',
      link: (row: { id: string; agentId?: string }) => `/dashboard/agents/${agentOf(row)}/payments/${row.id}`,
    },
    { key: 'role', label: 'Agent is' },
    { key: 'amount', label: 'Amount', kind: 'money' },
    { key: 'currency', label: 'Currency' },
    { key: 'rail', label: 'Rail' },
    { key: 'status', label: 'Status', kind: 'status' },
    { key: 'to', label: 'To', kind: 'code' },
    { key: 'createdAt', label: 'Time', kind: 'time' },
  ];
}
