import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ActionForm } from '../ActionForm.js';
import { everything, ownApi } from '../api.js';
import { DataTable, type Column } from '../DataTable.js';
import { Loaded } from '../Loaded.js';
import { Title } from '../Title.js';

const columns: readonly Column[] = [
  { key: 'name', label: 'Name', link: ({ id }: { id: string }) => `/dashboard/agents/${id}` },
  { key: 'id', label: 'Id', kind: 'code' },
  { key: 'status', label: 'Status', kind: 'status' },
  { key: 'network', label: 'Network' },
  { key: 'address', label: 'Address', kind: 'code' },
  { key: 'createdAt', label: 'Made', kind: 'time' },
];

/** The user's agents. */
export function useAgents() {
  return useQuery({
    queryKey: ['session', 'agents'],
    queryFn: () =>
      everything(async (query) => {
        const { agents, total } = await ownApi().buyer.agents.list(query);
        const rows = agents.map((agent) => ({ ...agent, status: agent.archived ? 'archived' : 'active' }));
        return { rows, total };
      }),
  });
}

export function AgentList(): ReactNode {
  const query = useAgents();
  return (
    <>
      <Title>Agents</Title>
      <Loaded query={query}>
        {({ rows, total }) => (
          <DataTable
            caption="Agents"
            columns={columns}
            rows={rows}
            total={total}
            empty="You have no agents yet. Make the first one below."
          />
        )}
      </Loaded>
      <section className="card">
        <h2>New agent</h2>
        <ActionForm
          fields={[{ name: 'name', label: 'Name', placeholder: 'Researcher' }]}
          submit="Create"
          run={({ name = '' }) => ownApi().buyer.agents.create({ name })}
        >
          {({ id, name }) => (
            <p role="status">
              Made. <a href={`/dashboard/agents/${id}`}>Open {name}</a>
            </p>
          )}
        </ActionForm>
      </section>
    </>
  );
}
