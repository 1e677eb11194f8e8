import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ownApi } from '../api.js';
import { DataTable, type Column } from '../DataTable.js';
import { Loaded } from '../Loaded.js';
import { Title } from '../Title.js';
import { columns } from './Approvals.js';
import { useAgentEvents } from './useAgentEvents.js';

/** Agents whose approvals the inbox shows. */
const MOST_AGENTS = 20;

const NONE: readonly { readonly id: string; readonly name: string }[] = [];

const inboxColumns: readonly Column[] = [{ key: 'agent', label: 'Agent' }, ...columns];

/** What waits for the user's decision, of all their agents, as it comes in. */
export default function ApprovalInbox(): ReactNode {
  const newest = useQuery({
    queryKey: ['session', 'agents', 'newest'],
    queryFn: () => ownApi().buyer.agents.list({ limit: MOST_AGENTS }),
  });
  const agents = newest.data?.agents ?? NONE;
  const every = useAgentEvents(agents.map(({ id }) => id));
  const waits = useQuery({
    queryKey: ['session', 'approvals', agents.map(({ id }) => id)],
    enabled: newest.data !== undefined,
    queryFn: async () => {
      const lists = await Promise.all(
        agents.map(async ({ id, name }) => {
          const { approvals } = await ownApi().buyer.approvals.list({ id, status: 'pending', limit: 100 });
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
