import { useQuery } from '@tanstack/react-query';
import { findNetwork } from '@agentpay/primitives';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ActionForm, filled } from '../ActionForm.js';
import { ownApi } from '../api.js';
import { DataTable, type Column } from '../DataTable.js';
import { money } from '../format.js';
import { Loaded } from '../Loaded.js';
import { Title } from '../Title.js';
import { Facts } from '../Value.js';

const api = () => ownApi().buyer;
type Paid = Awaited<ReturnType<ReturnType<typeof api>['transactions']['get']>>;

const WATCH_MS = 5000;

/** A payment of one of the user's agents: how far it is, its entries in the books, its events and who was told of them. */
export default function PaymentPage({ id, payment }: { id: string; payment: string }): ReactNode {
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'transactions', payment],
    queryFn: () => api().transactions.get({ id, transaction_id: payment }),
    refetchInterval: WATCH_MS,
  });
  return (
    <>
      <Title>Payment</Title>
      <Loaded query={query}>
        {(paid) => (
          <>
            <Money paid={paid} />
            <MoneyBack id={id} paid={paid} />
            <Dispute id={id} paid={paid} />
            <Books paid={paid} />
            <Events paid={paid} />
            <Deliveries id={id} paid={paid} />
          </>
        )}
      </Loaded>
      <p>
        <Link href={`/dashboard/agents/${id}`}>The agent</Link>
      </p>
    </>
  );
}

function Money({ paid }: { paid: Paid }): ReactNode {
  const explorer = findNetwork(paid.currency.split('@')[1] ?? '')?.explorer;
  const isHash = /^0x[0-9a-f]{64}$/.test(paid.reference ?? '');
  return (
    <section className="card" aria-label="Payment">
      <Facts
        facts={[
          ['Id', paid.id, 'code'],
          ['Amount', paid.amount, 'money'],
          ['Fee', paid.fee, 'money'],
          ['Given back', paid.refunded, 'money'],
          ['On its way back', paid.refunding === 0n ? null : paid.refunding, 'money'],
          ['Currency', paid.currency],
          ['Rail', paid.rail],
          ['Status', paid.status, 'status'],
          ['Why it failed', paid.failure],
          ['To', paid.to, 'code'],
          ['For', paid.description],
          ['Begun', paid.createdAt],
          ['Completed', paid.completedAt],
          [isHash ? 'Transaction on the chain' : 'Reference', paid.reference, 'code'],
        ]}
      />
      {explorer && isHash && (
        <a href={`${explorer}/tx/${paid.reference}`} rel="noreferrer">
          Look at it on the chain
        </a>
      )}
    </section>
  );
}

/** What was received is given back here. */
function MoneyBack({ id, paid }: { id: string; paid: Paid }): ReactNode {
  if (paid.status !== 'completed' || paid.role !== 'payee') return null;
  return (
    <section className="card" aria-label="Money back">
      <h2>Money back</h2>
      <Refund id={id} paid={paid} />
    </section>
  );
}

/** What was paid is disputed here; a dispute that somebody has opened is shown to both sides. */
function Dispute({ id, paid }: { id: string; paid: Paid }): ReactNode {
  if (paid.dispute === null && (paid.status !== 'completed' || paid.role !== 'payer')) return null;
  return (
    <section className="card" aria-label="Dispute">
      <h2>Dispute</h2>
      {paid.dispute ? (
        <Disputed dispute={paid.dispute} role={paid.role} />
      ) : (
        <Complaint id={id} paid={paid} />
      )}
    </section>
  );
}

function Disputed({
  dispute,
  role,
}: {
  dispute: NonNullable<Paid['dispute']>;
  role: Paid['role'];
}): ReactNode {
  return (
    <>
      <Facts
        facts={[
          ['Id', dispute.id, 'code'],
          ['Status', dispute.status, 'status'],
          ['Opened by', dispute.openedBy === role ? 'This agent' : 'The other side'],
          ['Reason', dispute.reason],
          ['What happened', dispute.description],
          ['What the operator wrote', dispute.note],
          ['Opened', dispute.createdAt],
          ['Decided', dispute.resolvedAt],
        ]}
      />
      <Link href={`/dashboard/runtime/disputes/${dispute.id}`}>Evidence, with the key of the agent</Link>
    </>
  );
}

function Complaint({ id, paid }: { id: string; paid: Paid }): ReactNode {
  return (
    <>
      <p>
        Who was paid can give the money back. What was not delivered can be disputed: the operator reads what
        both sides say, and decides.
      </p>
      <ActionForm
        fields={[
          { name: 'reason', label: 'Reason', initial: 'service_not_delivered' },
          { name: 'description', label: 'What happened', type: 'lines', optional: true },
        ]}
        submit="Open a dispute"
        ask={() => `Dispute the payment of ${money(paid.amount)}? A payment is disputed once.`}
        run={({ reason = '', ...given }, key) =>
          api().transactions.dispute({
            id,
            transaction_id: paid.id,
            reason,
            ...filled(given),
            idempotency_key: key,
          })
        }
      />
    </>
  );
}

function Refund({ id, paid }: { id: string; paid: Paid }): ReactNode {
  const left = paid.amount - paid.refunded - paid.refunding;
  if (left === 0n) return <p>All of it is on its way back.</p>;
  return (
    <>
      <p>
        This agent was paid. Of it {money(left)} can be given back, from its wallet to that of the payer; the
        fee stays paid.
      </p>
      <ActionForm
        fields={[
          { name: 'amount', label: 'Amount; empty is all of it', type: 'amount', optional: true },
          { name: 'reason', label: 'Reason', optional: true },
        ]}
        submit="Refund"
        ask={({ amount }) => `Give ${amount || money(left)} back to the payer? It cannot be taken back.`}
        run={(given, key) =>
          api().transactions.refund({
            id,
            transaction_id: paid.id,
            ...filled(given),
            idempotency_key: key,
          })
        }
      >
        {({ refunded }) => <span role="status">Given back so far: {money(refunded)}.</span>}
      </ActionForm>
    </>
  );
}

const postings: readonly Column[] = [
  { key: 'createdAt', label: 'Time', kind: 'time' },
  { key: 'kind', label: 'Entry' },
  { key: 'account', label: 'Account', kind: 'code' },
  { key: 'side', label: 'Side' },
  { key: 'amount', label: 'Amount', kind: 'money' },
  { key: 'asset', label: 'Asset' },
  { key: 'id', label: 'Journal', kind: 'code' },
];

function Books({ paid: { ledger } }: { paid: Paid }): ReactNode {
  return (
    <section className="card" aria-label="Ledger">
      <h2>Ledger</h2>
      <DataTable
        name="ledger"
        caption="Ledger entries"
        columns={postings}
        rows={ledger.flatMap(({ postings: lines, ...journal }) =>
          lines.map((line) => ({ ...journal, ...line })),
        )}
        empty="The books have no entry of it."
      />
    </section>
  );
}

function Events({ paid: { events } }: { paid: Paid }): ReactNode {
  return (
    <section className="card" aria-label="Events">
      <h2>Events</h2>
      <DataTable
        name="events"
        caption="Events of the payment"
        columns={[
          { key: 'createdAt', label: 'Time', kind: 'time' },
          { key: 'type', label: 'Event' },
          { key: 'id', label: 'Event id', kind: 'code' },
        ]}
        rows={events}
        empty="Nobody was told of it yet."
      />
    </section>
  );
}

const MOST_WEBHOOKS = 10;

/** What webhooks were sent of its events, among their last hundred deliveries. */
function Deliveries({ id, paid: { events } }: { id: string; paid: Paid }): ReactNode {
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'deliveries', 'of', events.map((event) => event.id)],
    async queryFn() {
      const { webhooks } = await api().webhooks.list({ id });
      const lists = await Promise.all(
        webhooks.slice(0, MOST_WEBHOOKS).map(async ({ id: webhook_id, url }) => {
          const { deliveries } = await api().webhooks.deliveries({ id, webhook_id, limit: 100 });
          return deliveries.map((delivery) => ({ ...delivery, url }));
        }),
      );
      return lists.flat().filter(({ eventId }) => events.some((event) => event.id === eventId));
    },
  });
  return (
    <section className="card" aria-label="Webhook deliveries">
      <h2>Webhook deliveries</h2>
      <Loaded query={query}>
        {(deliveries) => (
          <DataTable
            name="deliveries"
            caption="Deliveries"
            columns={[
              { key: 'createdAt', label: 'Time', kind: 'time' },
              { key: 'type', label: 'Event' },
              { key: 'url', label: 'To' },
              { key: 'status', label: 'Status', kind: 'status' },
              { key: 'attempts', label: 'Attempts', kind: 'number' },
              { key: 'responseStatus', label: 'Response', kind: 'number' },
            ]}
            rows={deliveries}
            empty="No webhook was told of it."
          />
        )}
      </Loaded>
    </section>
  );
}
