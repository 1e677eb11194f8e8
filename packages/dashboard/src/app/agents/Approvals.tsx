import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ActionForm } from '../ActionForm.js';
import { ownApi } from '../api.js';
import { DataTable, type Column } from '../DataTable.js';
import { Loaded } from '../Loaded.js';
import { useAgentEvents } from './useAgentEvents.js';

const api = () => ownApi().buyer.approvals;
interface Asked {
  readonly id: string;
  readonly agentId: string;
  readonly status: string;
}

export const columns: readonly Column[] = [
  { key: 'createdAt', label: 'Asked', kind: 'time' },
  { key: 'status', label: 'Status', kind: 'status' },
  { key: 'amount', label: 'Amount', kind: 'money' },
  { key: 'currency', label: 'Currency' },
  { key: 'payTo', label: 'To', kind: 'code' },
  { key: 'sellerUrl', label: 'For the call' },
  { key: 'note', label: 'Note' },
  { key: 'expiresAt', label: 'Expires', kind: 'time' },
  {
    key: 'decide',
    label: 'Decide',
    cell: ({ id: approval_id, agentId: id, status }: Asked) =>
      status === 'pending' && (
        <div className="row">
          <ActionForm submit="Approve" run={() => api().approve({ id, approval_id })} />
          <ActionForm
            submit="Reject"
            ask={() => 'Reject it? Nothing is paid, and the agent has to ask anew.'}
            run={() => api().reject({ id, approval_id })}
          />
        </div>
      ),
  },
];

/** What one agent asked its owner for. */
export function Approvals({ id }: { id: string }): ReactNode {
  const every = useAgentEvents([id]);
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'approvals'],
    queryFn: () => api().list({ id, limit: 100 }),
    refetchInterval: every,
  });
  return (
    <section className="card" aria-label="Approvals">
      <h2>Approvals</h2>
      <Loaded query={query}>
        {({ approvals, total }) => (
          <DataTable
            name="approvals"
            caption="Approvals"
            columns={columns}
            rows={approvals.map((each) => ({ ...each, agentId: id }))}
            total={total}
            empty="This agent has asked for nothing."
          />
        )}
      </Loaded>
    </section>
  );
}
