import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ActionForm } from '../ActionForm.js';
import { apiOf } from '../api.js';
import { DataTable, type Column } from '../DataTable.js';
import { Loaded } from '../Loaded.js';
import { Title } from '../Screen.js';
import { useAgentEvents } from './useAgentEvents.js';

const api = () => apiOf('session').buyer.approvals;
/** Agents whose approvals the inbox shows. */
const MOST_AGENTS = 20;

const NONE: readonly { readonly id: string; readonly name: string }[] = [];

interface Asked {
  readonly id: string;
  readonly agentId: string;
  readonly status: string;
}

const columns: readonly Column[] = [
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

const inboxColumns: readonly Column[] = [{ key: 'agent', label: 'Agent' }, ...columns];

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

/** What waits for the user's decision, of all their agents, as it comes in. */
export function ApprovalInbox(): ReactNode {
  const newest = useQuery({
    queryKey: ['session', 'agents', 'newest'],
    queryFn: () => apiOf('session').buyer.agents.list({ limit: MOST_AGENTS }),
  });
  const agents = newest.data?.agents ?? NONE;
  const every = useAgentEvents(agents.map(({ id }) => id));
  const waits = useQuery({
    queryKey: ['session', 'approvals', agents.map(({ id }) => id)],
    enabled: newest.data !== undefined,
    queryFn: async () => {
      const lists = await Promise.all(
        agents.map(async ({ id, name }) => {
          const { approvals } = await api().list({ id, status: 'pending', limit: 100 });
          return approvals.map((each) => ({ ...each, agent: name, agentId: id }));
        }),
      );
      return lists.flat();
    },
    refetchInterval: every,
  });
  return (
    <>
      <Title>Approvals</Title>
      <p className="muted">
        What your newest {MOST_AGENTS} agents may not spend without you. Nothing is paid until you allow it.
      </p>
      <Loaded query={newest}>
        {() => (
          <Loaded query={waits}>
            {(waiting) => (
              <DataTable
                caption="Approvals"
                columns={inboxColumns}
                rows={waiting}
                empty="Nothing waits for you."
              />
            )}
          </Loaded>
        )}
      </Loaded>
    </>
  );
}
