import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, type ReactNode } from 'react';
import { Link } from 'wouter';
import { paymentColumns } from './agents/AgentPage.js';
import { useAgents } from './agents/AgentList.js';
import { apiOf } from './api.js';
import { DataTable } from './DataTable.js';
import { money } from './format.js';
import { Loaded } from './Loaded.js';
import { Title } from './Screen.js';
import { spendBy, type CountedPayment } from './spend.js';

const SpendChart = lazy(() => import('./SpendChart.js'));

/** Agents whose payments the overview counts, and payments of each. */
const MOST_AGENTS = 20;
const MOST_PAYMENTS = 100;

/** The last payments of the user's agents. */
export function usePayments() {
  return useQuery({
    queryKey: ['session', 'payments'],
    queryFn: async () => {
      const { buyer } = apiOf('session');
      const { agents, total } = await buyer.agents.list({ limit: MOST_AGENTS });
      const lists = await Promise.all(
        agents.map(async ({ id, name }) => {
          const { transactions } = await buyer.transactions.list({ id, limit: MOST_PAYMENTS });
          return transactions.map((each) => ({ ...each, agentId: id, agent: name }));
        }),
      );
      const payments = lists.flat().sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
      return { payments, agents, partly: total > agents.length };
    },
  });
}

const columns = [{ key: 'agent', label: 'Agent' }, ...paymentColumns(({ agentId = '' }) => agentId)];

export function PaymentList(): ReactNode {
  const query = usePayments();
  return (
    <>
      <Title>Payments</Title>
      <Loaded query={query}>
        {({ payments, partly }) => (
          <>
            {partly && <p className="notice">Payments of the newest {MOST_AGENTS} agents are shown.</p>}
            <DataTable
              caption="Payments"
              columns={columns}
              rows={payments}
              empty="Your agents have paid nothing yet."
            />
          </>
        )}
      </Loaded>
    </>
  );
}

export function Overview(): ReactNode {
  const agents = useAgents();
  const payments = usePayments();
  return (
    <>
      <Title>Overview</Title>
      <Loaded query={agents}>
        {({ rows, total }) =>
          total === 0 ? (
            <p className="notice">
              You have no agents yet. <Link href="/dashboard/agents">Make the first one</Link>, set what it
              may spend, and try a Test Buy.
            </p>
          ) : (
            <div className="grid">
              <Figure name="Agents" value={String(rows.filter(({ archived }) => !archived).length)} />
              {payments.data && <Totals paid={payments.data.payments} />}
            </div>
          )
        }
      </Loaded>
      <Loaded query={payments}>
        {({ payments: paid }) =>
          paid.length === 0 ? (
            <p className="muted">No payments yet.</p>
          ) : (
            <>
              <Alerts paid={paid} />
              <Spend paid={paid} />
              <section aria-label="Last payments">
                <h2>Last payments</h2>
                <DataTable caption="Last payments" columns={columns} rows={paid.slice(0, 10)} empty="" />
              </section>
            </>
          )
        }
      </Loaded>
    </>
  );
}

function Figure({ name, value }: { name: string; value: string }): ReactNode {
  return (
    <div className="card">
      <p className="muted">{name}</p>
      <p className="figure">{value}</p>
    </div>
  );
}

function Totals({ paid }: { paid: readonly CountedPayment[] }): ReactNode {
  const spent = paid.filter(({ status }) => status === 'completed');
  return (
    <>
      <Figure
        name="Spent by the payments shown"
        value={money(spent.reduce((sum, { amount }) => sum + amount, 0n))}
      />
      <Figure name="Completed payments" value={String(spent.length)} />
    </>
  );
}

/** What wants somebody's eye. */
function Alerts({ paid }: { paid: readonly CountedPayment[] }): ReactNode {
  const bad = paid.filter(({ status }) => /failed|rejected|unknown/.test(status));
  if (bad.length === 0) return null;
  return (
    <p className="notice">
      {bad.length} of the last {paid.length} payments did not complete.{' '}
      <Link href="/dashboard/payments?sort=-status">See which</Link>
    </p>
  );
}

function Spend({ paid }: { paid: readonly CountedPayment[] }): ReactNode {
  const days = spendBy(paid, ({ createdAt }) => createdAt.toISOString().slice(0, 10)).reverse();
  const sellers = spendBy(paid, ({ to }) => to ?? 'unknown');
  return (
    <section aria-label="Spend">
      <h2>Spend by day</h2>
      <Suspense fallback={<p role="status">Loading…</p>}>
        <SpendChart days={days} />
      </Suspense>
      <details>
        <summary>The days as a table</summary>
        <Sums head="Day (UTC)" sums={days} />
      </details>
      <h2>Spend by seller</h2>
      <Sums head="Seller" sums={sellers} />
    </section>
  );
}

function Sums({ head, sums }: { head: string; sums: readonly (readonly [string, bigint])[] }): ReactNode {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={`Spend: ${head}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">{head}</th>
            <th scope="col" className="amount">
              Amount
            </th>
          </tr>
        </thead>
        <tbody>
          {sums.slice(0, 31).map(([name, amount]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td className="amount">{money(amount)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
