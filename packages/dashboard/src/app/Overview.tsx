import { useQuery } from '@tanstack/react-query';
import { systemClock } from '@agentpay/primitives';
import { Fragment, lazy, Suspense, type ReactNode } from 'react';
import { Link } from 'wouter';
import { paymentColumns } from './agents/paymentColumns.js';
import { useAgents } from './agents/AgentList.js';
import { ownApi } from './api.js';
import { DataTable, type Column } from './DataTable.js';
import { money } from './format.js';
import { Loaded } from './Loaded.js';
import { Title } from './Title.js';
import { byDay, spendBy, spent, type CountedPayment, type Sum } from './spend.js';

const SpendChart = lazy(() => import('./SpendChart.js'));

/** Agents whose payments the overview counts, and payments of each. */
const MOST_AGENTS = 20;
const MOST_PAYMENTS = 100;

/** The last payments of the user's agents. */
export function usePayments() {
  const { data, error, refetch } = useAgents();
  const agents = data?.rows.slice(0, MOST_AGENTS) ?? [];
  const payments = useQuery({
    queryKey: ['session', 'payments', agents.map(({ id }) => id)],
    enabled: data !== undefined,
    queryFn: async () => {
      const lists = await Promise.all(
        agents.map(async ({ id, name }) => {
          const { transactions } = await ownApi().buyer.transactions.list({ id, limit: MOST_PAYMENTS });
          return transactions.map((each) => ({ ...each, agentId: id, agent: name }));
        }),
      );
      const all = lists.flat().sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
      return { payments: all, partly: (data?.total ?? 0) > agents.length };
    },
  });
  return error ? { data: undefined, error, refetch } : payments;
}

const columns = [
  { key: 'agent', label: 'Agent' } as Column,
  ...paymentColumns(({ agentId = '' }) => agentId),
];

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
              filters={['status', 'agent', 'role', 'currency']}
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
            <>
              <div className="grid">
                <Figure name="Agents" value={String(rows.filter(({ archived }) => !archived).length)} />
                {payments.data && <Totals payments={payments.data.payments} />}
              </div>
              <Balances agents={rows} />
            </>
          )
        }
      </Loaded>
      <Loaded query={payments}>
        {({ payments: last }) =>
          last.length === 0 ? (
            <p className="muted">No payments yet.</p>
          ) : (
            <>
              <Alerts payments={last} />
              <Spend payments={last} />
              <section aria-label="Last payments">
                <h2>Last payments</h2>
                <DataTable caption="Last payments" columns={columns} rows={last.slice(0, 10)} empty="" />
              </section>
            </>
          )
        }
      </Loaded>
    </>
  );
}

/** Wallets that the overview reads from their chains. */
const MOST_WALLETS = 5;
const balanceColumns: readonly Column[] = [
  { key: 'name', label: 'Agent', link: ({ id }: { id: string }) => `/dashboard/agents/${id}` },
  { key: 'network', label: 'Network' },
  { key: 'balance', label: 'Balance', kind: 'money' },
];

function Balances({
  agents,
}: {
  agents: readonly { readonly id: string; readonly archived: boolean }[];
}): ReactNode {
  const shown = agents.filter(({ archived }) => !archived).slice(0, MOST_WALLETS);
  const query = useQuery({
    queryKey: ['session', 'balances', shown.map(({ id }) => id)],
    queryFn: () => Promise.all(shown.map(({ id }) => ownApi().buyer.agents.get({ id }))),
  });
  return (
    <section aria-label="Balances">
      <h2>Balances</h2>
      {agents.length > shown.length && <p className="muted">Of the newest {shown.length} agents.</p>}
      <Loaded query={query}>
        {(rows) => (
          <DataTable
            name="balances"
            caption="Balances"
            columns={balanceColumns}
            rows={rows}
            empty="None of your agents can pay."
          />
        )}
      </Loaded>
    </section>
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

function Totals({ payments }: { payments: readonly CountedPayment[] }): ReactNode {
  const done = spent(payments);
  return (
    <>
      {spendBy(payments, () => 'Spent').map(({ currency, amount }) => (
        <Figure key={currency} name={`Spent, in ${currency}`} value={money(amount)} />
      ))}
      <Figure name="Completed payments" value={String(done.length)} />
    </>
  );
}

/** What wants somebody's eye. */
function Alerts({ payments }: { payments: readonly CountedPayment[] }): ReactNode {
  const bad = payments.filter(({ status }) => /failed|rejected|unknown/.test(status));
  if (bad.length === 0) return null;
  return (
    <p className="notice">
      {bad.length} of the last {payments.length} payments did not complete.{' '}
      <Link href="/dashboard/payments?sort=-status">See which</Link>
    </p>
  );
}

/** Spend of each currency: amounts of two are never one sum. */
function Spend({ payments }: { payments: readonly CountedPayment[] }): ReactNode {
  const currencies = [...new Set(spent(payments).map(({ currency }) => currency))];
  const today = new Date(systemClock.now());
  return (
    <section aria-label="Spend">
      {currencies.map((currency) => {
        const days = byDay(
          payments.filter((each) => each.currency === currency),
          today,
        );
        return (
          <Fragment key={currency}>
            <h2>Spend by day, in {currency}</h2>
            <Suspense fallback={<p role="status">Loading…</p>}>
              <SpendChart days={days} />
            </Suspense>
            <details>
              <summary>The days as a table</summary>
              <Sums
                name={`days.${currency}`}
                head="Day (UTC)"
                sums={days.toReversed().map(([name, amount]) => ({ name, currency, amount }))}
              />
            </details>
          </Fragment>
        );
      })}
      <h2>Spend by seller</h2>
      <Sums name="sellers" head="Seller" sums={spendBy(payments, ({ to }) => to ?? 'unknown')} />
    </section>
  );
}

function Sums({ name, head, sums }: { name: string; head: string; sums: readonly Sum[] }): ReactNode {
  const shown: readonly Column[] = [
    { key: 'name', label: head },
    { key: 'currency', label: 'Currency' },
    { key: 'amount', label: 'Amount', kind: 'money' },
  ];
  return (
    <DataTable
      name={name}
      caption={`Spend: ${head}`}
      columns={shown}
      rows={sums}
      empty="Nothing was spent."
    />
  );
}
