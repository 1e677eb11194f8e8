import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ActionForm, Secret } from '../ActionForm.js';
import { ownApi } from '../api.js';
import { DataTable, type Column } from '../DataTable.js';
import { money } from '../format.js';
import { Loaded } from '../Loaded.js';
import { Title } from '../Title.js';
import { Trace } from '../Trace.js';
import { Facts } from '../Value.js';
import { Approvals } from './Approvals.js';
import { paymentColumns } from './paymentColumns.js';
import { AllowList, Limits } from './Limits.js';
import { Rules } from './Rules.js';
import { TestBuy } from './TestBuy.js';
import { Webhooks } from './Webhooks.js';

/** An agent with all that its owner sees to. */
export default function AgentPage({ id }: { id: string }): ReactNode {
  const query = useQuery({
    queryKey: ['session', 'agent', id],
    queryFn: () => ownApi().buyer.agents.get({ id }),
  });
  return (
    <>
      {query.data === undefined && <Title>Agent</Title>}
      <Loaded query={query}>
        {(agent) => (
          <>
            <Title>{agent.name}</Title>
            {agent.archived && <p role="alert">This agent is archived and pays nothing more.</p>}
            <section className="card" aria-label="Wallet">
              <Facts
                facts={[
                  ['Id', agent.id, 'code'],
                  ['Address', agent.address ?? 'no network is configured', 'code'],
                  ['Network', agent.network],
                  [
                    'Balance',
                    agent.balance === null ? 'unknown: the chain does not answer' : money(agent.balance),
                  ],
                  ['Made', agent.createdAt],
                ]}
              />
            </section>
            <TestBuy id={id} />
            <Approvals id={id} />
            <Keys id={id} />
            <Limits id={id} limits={agent.limits} />
            <AllowList id={id} sellers={agent.allowlist} />
            <Rules id={id} />
            <Webhooks id={id} />
            <Payments id={id} />
            <Archive id={id} archived={agent.archived} />
            <Trace id={id} area="session" />
          </>
        )}
      </Loaded>
    </>
  );
}

function Keys({ id }: { id: string }): ReactNode {
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'keys'],
    queryFn: () => ownApi().buyer.keys.list({ id }),
  });
  const columns: readonly Column[] = [
    { key: 'id', label: 'Key', kind: 'code' },
    { key: 'createdAt', label: 'Made', kind: 'time' },
    {
      key: 'revoke',
      label: 'End',
      cell: (key: { id: string }) => (
        <ActionForm
          submit="Revoke"
          ask={() => `Revoke the key ${key.id}? Whatever uses it is refused at once.`}
          run={() => ownApi().buyer.keys.revoke({ id, key_id: key.id })}
        />
      ),
    },
  ];
  return (
    <section className="card" aria-label="API keys">
      <h2>API keys</h2>
      <Loaded query={query}>
        {({ apiKeys }) => (
          <DataTable
            name="keys"
            caption="API keys"
            columns={columns}
            rows={apiKeys}
            empty="This agent has no key yet."
          />
        )}
      </Loaded>
      <ActionForm submit="Generate API key" run={() => ownApi().buyer.keys.create({ id })}>
        {({ key }) => <Secret name="API key" value={key} />}
      </ActionForm>
    </section>
  );
}

function Payments({ id }: { id: string }): ReactNode {
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'transactions'],
    queryFn: () => ownApi().buyer.transactions.list({ id, limit: 100 }),
  });
  return (
    <section className="card" aria-label="Payments">
      <h2>Payments</h2>
      <Loaded query={query}>
        {({ transactions, total }) => (
          <DataTable
            name="payments"
            caption="Payments"
            columns={paymentColumns(() => id)}
            rows={transactions}
            total={total}
            empty="This agent has paid nothing yet. Try Test Buy."
          />
        )}
      </Loaded>
    </section>
  );
}

function Archive({ id, archived }: { id: string; archived: boolean }): ReactNode {
  if (archived) return null;
  return (
    <section className="card" aria-label="Archive">
      <h2>Archive</h2>
      <details>
        <summary>End all payments of this agent for good</summary>
        <p>Its keys stop at once and nobody can start them again.</p>
        <ActionForm
          submit="Archive the agent"
          ask={() => 'Archive this agent? It can never pay again.'}
          run={() => ownApi().buyer.agents.archive({ id })}
        />
      </details>
    </section>
  );
}
